//! Every kind of report is taken, told and found again.

use proto::{
    events::v1::ReportSubmitted,
    intake::v1::{ListReportsRequest, ReportDraft},
    types::v1::{Impacts, ReportKind, Severity},
};

use crate::tests::{
    drafts::{degraded, incident},
    env::TestEnv,
};

/// Every kind, and whether the law's judgements are proposed of it.
const KINDS: [(ReportKind, bool); 5] = [
    (ReportKind::Incident, true),
    (ReportKind::ProductVulnerability, false),
    (ReportKind::VendorBadPractice, false),
    (ReportKind::NearMiss, true),
    (ReportKind::Threat, true),
];

fn of_kind(kind: ReportKind, draft: ReportDraft) -> ReportDraft {
    ReportDraft {
        kind: kind.into(),
        vendor: "Éditeur".to_owned(),
        product: "Logiciel".to_owned(),
        ..draft
    }
}

#[tokio::test]
async fn every_kind_of_report_is_taken_announced_and_listed_as_such() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    for (kind, _) in KINDS {
        let receipt = alice.submit(of_kind(kind, incident())).await.unwrap();
        let report = alice.get(&receipt.report_id).await.unwrap();
        assert_eq!(report.draft.unwrap().kind(), kind);
        let only = ListReportsRequest {
            kind: kind.into(),
            ..ListReportsRequest::default()
        };
        let listed = alice.list(only).await.unwrap().reports;
        let ids: Vec<_> = listed.into_iter().map(|report| report.report_id).collect();
        assert_eq!(ids, [receipt.report_id]);
    }
    let events = env.events().await;
    let told = events
        .iter()
        .map(|event| event.decode::<ReportSubmitted>().unwrap().kind());
    let mut told: Vec<_> = told.collect();
    told.sort();
    assert_eq!(told, KINDS.map(|(kind, _)| kind));
}

#[tokio::test]
async fn the_system_proposes_the_severity_of_what_may_touch_care_whatever_it_is_called() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let mut spreading = degraded();
    spreading.impacts = Some(Impacts {
        may_affect_others: true,
        ..spreading.impacts.unwrap()
    });
    for (kind, is_judged) in KINDS {
        let proposed = async |draft| {
            let checked = alice.check(of_kind(kind, draft)).await.unwrap();
            let mut warned = checked.warnings.iter();
            let warned = warned.any(|warning| warning.reason == "LOOKS_LIKE_INCIDENT");
            let consequences = checked.consequences.unwrap();
            (consequences.proposed_severity.unwrap(), warned)
        };
        let (nothing, warned) = proposed(incident()).await;
        assert_eq!(nothing, Severity::default(), "{kind:?}");
        assert!(!warned, "{kind:?}");
        let (judged, warned) = proposed(spreading.clone()).await;
        assert_eq!(judged.serious, is_judged, "{kind:?}");
        assert_eq!(judged.significant, is_judged, "{kind:?}");
        assert!(!judged.major);
        let averted = [ReportKind::NearMiss, ReportKind::Threat].contains(&kind);
        assert_eq!(warned, averted, "{kind:?}");
    }
}
