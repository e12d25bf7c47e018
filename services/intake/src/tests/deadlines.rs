//! What checks and receipts tell of deadlines.

use proto::{
    intake::v1 as pb,
    types::v1::{DeadlineKind, ReportKind, ReportStage},
};
use service::wire::moment;
use time::{Duration, OffsetDateTime};

use super::{
    drafts::incident,
    env::{TestEnv, User},
};

async fn with_pack() -> TestEnv {
    TestEnv::start_with(|config| config.intake.deadline_pack = Some("nis2".to_owned())).await
}

/// What is owed: kind, until when, whether it was satisfied, whether it is overdue.
fn owed(
    consequences: Option<pb::Consequences>,
) -> Vec<(DeadlineKind, Option<OffsetDateTime>, bool, bool)> {
    let deadlines = consequences.unwrap().deadlines.into_iter();
    deadlines
        .map(|it| {
            let due_at = it.due_at.as_ref().and_then(moment);
            (it.kind(), due_at, it.satisfied_at.is_some(), it.overdue)
        })
        .collect()
}

async fn checked_and_sent(user: &User, draft: &pb::ReportDraft) -> [Option<pb::Consequences>; 2] {
    let checked = user.check(draft.clone()).await.unwrap();
    let receipt = user.submit(draft.clone()).await.unwrap();
    [checked.consequences, receipt.consequences]
}

#[tokio::test]
async fn a_check_and_a_receipt_tell_what_is_owed_from_the_awareness_on() {
    let env = with_pack().await;
    let alice = env.declarant("alice");
    let draft = incident();
    let aware = draft.found_at.as_ref().and_then(moment).unwrap();
    for consequences in checked_and_sent(&alice, &draft).await {
        let told = owed(consequences.clone());
        assert_eq!(
            told,
            [
                (
                    DeadlineKind::EarlyWarning,
                    Some(aware + Duration::hours(24)),
                    true,
                    false
                ),
                (
                    DeadlineKind::Notification,
                    Some(aware + Duration::hours(72)),
                    false,
                    false
                ),
                (DeadlineKind::FinalReport, None, false, false),
            ]
        );
        let basis = &consequences.unwrap().deadlines[1].legal_basis;
        assert!(basis.contains("2022/2555, art. 23(4)(b)"), "{basis}");
    }
}

#[tokio::test]
async fn what_is_declared_too_late_is_told_to_be_overdue() {
    let env = with_pack().await;
    let aware = platform::now() - Duration::hours(80);
    let late = pb::ReportDraft {
        found_at: Some(service::wire::timestamp(aware)),
        ..incident()
    };
    for consequences in checked_and_sent(&env.declarant("alice"), &late).await {
        let overdue: Vec<_> = owed(consequences).iter().map(|it| it.3).collect();
        assert_eq!(overdue, [false, true, false]);
    }
}

#[tokio::test]
async fn without_a_rule_pack_a_receipt_tells_no_deadline() {
    let env = TestEnv::start().await;
    for consequences in checked_and_sent(&env.declarant("alice"), &incident()).await {
        assert!(owed(consequences).is_empty());
    }
}

#[tokio::test]
async fn what_is_no_incident_has_no_deadline_and_of_an_amendment_the_case_tells() {
    let env = with_pack().await;
    let alice = env.declarant("alice");
    let averted = pb::ReportDraft {
        kind: ReportKind::NearMiss.into(),
        ..incident()
    };
    for consequences in checked_and_sent(&alice, &averted).await {
        assert!(owed(consequences).is_empty());
    }
    let sent = alice.submit(incident()).await.unwrap();
    let amended = alice
        .amend(pb::AmendReportRequest {
            request_id: uuid::Uuid::new_v4().to_string(),
            report_id: sent.report_id,
            draft: Some(incident()),
            stage: ReportStage::Complement.into(),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["description".to_owned()],
            }),
            ..Default::default()
        })
        .await
        .unwrap();
    assert!(owed(amended.consequences).is_empty());
}

#[tokio::test]
async fn an_announcement_says_whether_the_cnil_was_notified() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    for said in [None, Some(false), Some(true)] {
        let draft = pb::ReportDraft {
            cnil_notified: said,
            ..incident()
        };
        let receipt = alice.submit(draft).await.unwrap();
        let subject = format!("report/{}", receipt.report_id);
        let events = env.events().await;
        let event = events
            .iter()
            .find(|event| event.subject == subject)
            .unwrap();
        let told: proto::events::v1::ReportSubmitted = event.decode().unwrap();
        assert_eq!(told.cnil_notified, said);
    }
}
