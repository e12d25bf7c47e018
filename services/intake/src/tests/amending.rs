//! A declaration is corrected and completed, and what it said is kept.

mod kept;
mod refusals;

use eventlog::Event;
use futures::future::join;
use platform::SealingKey;
use prost::Message as _;
use proto::{
    eventlog::v1::{
        SnapshotRequest, cloud_event::Data, event_log_service_client::EventLogServiceClient,
        snapshot_response::Part,
    },
    events::v1::{ReportAmended, ReportSubmitted, SealedPersonalData},
    intake::v1::{
        AmendReportRequest, AmendReportResponse, Contact, DeclarantCapacity, Receipt, Report,
        ReportDraft, WithdrawReportRequest,
    },
    types::v1::{CareImpact, Impacts, ReportStage, Role},
};
use servicetest::MASTER_KEY;
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{FLEYRIAT, finess, incident, martin, of_two_regions},
    env::{TestEnv, User, hex, reason, violations},
};

/// A complement that changes these fields to what a draft says.
fn complement(receipt: &Receipt, paths: &[&str], draft: ReportDraft) -> AmendReportRequest {
    AmendReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        etag: String::new(),
        stage: ReportStage::Complement.into(),
        draft: Some(draft),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }),
    }
}

fn described(text: &str) -> ReportDraft {
    ReportDraft {
        description: text.to_owned(),
        ..ReportDraft::default()
    }
}

/// A complement that says that care goes on in degraded mode.
fn degraded(receipt: &Receipt) -> AmendReportRequest {
    let impacts = Impacts {
        care: CareImpact::DegradedMode.into(),
        ..Impacts::default()
    };
    let draft = ReportDraft {
        impacts: Some(impacts),
        ..described("Serveurs et postes chiffrés.")
    };
    complement(receipt, &["description", "impacts.care"], draft)
}

fn report(answer: AmendReportResponse) -> Report {
    answer.report.unwrap()
}

/// The amendments that the log tells.
async fn told(env: &TestEnv) -> Vec<ReportAmended> {
    let events = env.events().await;
    let amended = events
        .iter()
        .filter(|event| event.event_type == "vigie.report.amended.v1");
    amended.map(|event| event.decode().unwrap()).collect()
}

/// The revisions of a report with what each changed, as somebody sees them.
async fn changes(who: &User, receipt: &Receipt) -> Vec<(u64, Vec<String>)> {
    let listed = who.revisions(&receipt.reference, 0, "").await.unwrap();
    let revisions = listed.revisions.into_iter().map(|revision| {
        let changes = revision.changes.into_iter();
        let told = changes.map(|it| format!("{}: {} -> {}", it.path, it.before, it.after));
        (revision.revision, told.collect())
    });
    revisions.collect()
}

#[tokio::test]
async fn a_declaration_grows_in_stages_and_what_it_said_is_kept() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let first = alice.get(&receipt.report_id).await.unwrap();
    assert_eq!(
        (first.revision, first.stage()),
        (1, ReportStage::FirstDeclaration)
    );
    assert_eq!(env.count("select count(*) from report_revision").await, 0);

    let request = AmendReportRequest {
        etag: first.etag.clone(),
        ..degraded(&receipt)
    };
    let answer = alice.amend(request).await.unwrap();
    let consequences = answer.consequences.clone().unwrap();
    let told_now: Vec<_> = consequences
        .addressees
        .iter()
        .map(|it| it.party.as_str())
        .collect();
    assert_eq!(told_now, ["cell", "ars:84", "fssi", "dgs"]);
    assert!(consequences.proposed_severity.unwrap().serious);
    let completed = report(answer);
    assert_eq!(
        (completed.revision, completed.stage()),
        (2, ReportStage::Complement)
    );
    assert_ne!(completed.etag, first.etag);
    let said = completed.draft.clone().unwrap();
    assert_eq!(said.description, "Serveurs et postes chiffrés.");
    assert_eq!(said.declarant, Some(martin()));
    assert_eq!(said.found_at, first.draft.unwrap().found_at);
    // Who sees it by the health impact alone sees it as it is now.
    let authority = env.with_role("health_authority");
    assert_eq!(authority.get(&receipt.report_id).await.unwrap().revision, 2);

    let last = AmendReportRequest {
        stage: ReportStage::Final.into(),
        ..complement(&receipt, &[], ReportDraft::default())
    };
    let finished = report(alice.amend(last).await.unwrap());
    assert_eq!(
        (finished.revision, finished.stage()),
        (3, ReportStage::Final)
    );
    assert_eq!(finished.draft, completed.draft);

    let description = "description: Serveurs de fichiers chiffrés. -> Serveurs et postes chiffrés.";
    assert_eq!(
        changes(&alice, &receipt).await,
        [
            (3, vec![]),
            (
                2,
                vec![
                    description.to_owned(),
                    "impacts.care:  -> CARE_IMPACT_DEGRADED_MODE".to_owned(),
                ]
            ),
            (1, vec![]),
        ]
    );
    let told = told(&env).await;
    assert_eq!(
        told.iter().map(|it| it.revision).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(told[0].changed_paths, ["description", "impacts.care"]);
    assert_eq!(told[0].author_role(), Role::Declarant);
    let whole = told[1].report.clone().unwrap();
    assert_eq!(whole.reference, receipt.reference);
    assert_eq!(whole.received_at, receipt.received_at);
    assert!(whole.visible_to.contains(&"dgs".to_owned()));
    assert_eq!(whole.impacts.unwrap().care(), CareImpact::DegradedMode);
}

#[tokio::test]
async fn an_amendment_is_made_once_however_often_it_is_sent() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let request = degraded(&receipt);
    let answer = alice.amend(request.clone()).await.unwrap();
    assert_eq!(alice.amend(request.clone()).await.unwrap(), answer);
    assert_eq!(told(&env).await.len(), 1);

    let other = AmendReportRequest {
        draft: Some(described("Autre chose.")),
        ..request
    };
    let status = alice.amend(other).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    let outcomes: Vec<_> = env
        .trail_of("report.amend")
        .await
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect();
    assert_eq!(outcomes, ["done", "done", "refused"]);
}

#[tokio::test]
async fn of_two_amendments_of_what_was_seen_one_is_made() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let etag = alice.get(&receipt.report_id).await.unwrap().etag;
    let of = |text: &str| AmendReportRequest {
        etag: etag.clone(),
        ..complement(&receipt, &["description"], described(text))
    };
    let bob = env.linked("bob");
    let (one, other) = join(alice.amend(of("Un.")), bob.amend(of("Deux."))).await;
    let (made, refused) = if one.is_ok() {
        (one, other)
    } else {
        (other, one)
    };
    let status = refused.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let now = alice.get(&receipt.report_id).await.unwrap();
    assert_eq!((now.revision, now.draft), (2, report(made.unwrap()).draft));
    assert_eq!(told(&env).await.len(), 1);
}

#[tokio::test]
async fn what_a_report_says_already_is_no_revision() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    alice.amend(degraded(&receipt)).await.unwrap();
    let before = alice.get(&receipt.report_id).await.unwrap();
    let answer = alice.amend(degraded(&receipt)).await.unwrap();
    assert!(answer.consequences.is_some());
    assert_eq!(report(answer), before);
    assert_eq!(told(&env).await.len(), 1);
}

#[tokio::test]
async fn what_a_later_release_declared_within_the_impacts_outlives_an_amendment() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    sqlx::query(
        r#"update report set facts = jsonb_set(facts, '{impacts}',
               facts -> 'impacts' || '{"reputation": {"press": true}, "persons_affected": 12}')"#,
    )
    .execute(&env.pool)
    .await
    .unwrap();
    alice.amend(degraded(&receipt)).await.unwrap();
    let nobody = complement(&receipt, &["impacts.persons_affected"], described("-"));
    alice.amend(nobody).await.unwrap();
    let impacts: Vec<serde_json::Value> = sqlx::query_scalar(
        "select facts -> 'impacts' from declared_revision order by declared_revision desc",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    let reputation = serde_json::json!({ "press": true });
    let seen = impacts.iter().map(|impacts| {
        assert_eq!(impacts["reputation"], reputation);
        (
            impacts["care"].as_str(),
            impacts["persons_affected"].as_u64(),
        )
    });
    let expected = [
        (Some("degraded_mode"), None),
        (Some("degraded_mode"), Some(12)),
        (None, Some(12)),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_report_is_amended_by_its_people_and_its_agency_and_by_nobody_else() {
    let env = TestEnv::with_directory().await;
    let receipt = env.linked("alice").submit(incident()).await.unwrap();
    for (index, person) in [env.linked("bob"), env.agent("84")].iter().enumerate() {
        let text = format!("Version {index}.");
        let request = complement(&receipt, &["description"], described(&text));
        assert!(person.amend(request).await.is_ok());
    }
    for stranger in [env.declarant("mallory"), env.agent("76")] {
        let status = stranger.amend(degraded(&receipt)).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let hidden = stranger.revisions(&receipt.report_id, 0, "").await;
        assert_eq!(hidden.unwrap_err().code(), Code::NotFound);
    }
    for role in ["analyst", "importer", "prober", "security_officer"] {
        let status = env.with_role(role).amend(degraded(&receipt)).await;
        let status = status.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::PermissionDenied, "ROLE_MISSING"),
            "{role}"
        );
    }
    let outcomes: Vec<_> = env
        .trail_of("report.amend")
        .await
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect();
    assert_eq!(outcomes, ["done", "done", "not_visible", "not_visible"]);
}

#[tokio::test]
async fn an_agency_names_another_region_which_then_sees_the_report_for_good() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let (agent, other) = (env.agent("84"), env.agent("76"));
    let regions = |codes: &[&str]| {
        let draft = ReportDraft {
            regions: codes.iter().map(|&code| code.to_owned()).collect(),
            ..ReportDraft::default()
        };
        complement(&receipt, &["regions"], draft)
    };
    let answer = agent.amend(regions(&["84", "76"])).await.unwrap();
    let named: Vec<_> = answer
        .consequences
        .unwrap()
        .other_agencies
        .into_iter()
        .map(|agency| agency.region)
        .collect();
    assert_eq!(named, ["76"]);
    assert_eq!(other.get(&receipt.report_id).await.unwrap().revision, 2);

    // It reads the report, and does not write it.
    let status = other.amend(degraded(&receipt)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "NOT_YOURS_TO_AMEND")
    );
    // The declarant goes on without a word of regions, and nobody loses sight.
    alice.amend(degraded(&receipt)).await.unwrap();
    agent.amend(regions(&[])).await.unwrap();
    let seen = other.get(&receipt.report_id).await.unwrap();
    assert_eq!(seen.revision, 4);
    assert!(seen.draft.unwrap().regions.is_empty());
    let told = told(&env).await;
    let last = told.last().unwrap();
    assert_eq!(last.author_role(), Role::RegionalAgent);
    let visible_to = &last.report.as_ref().unwrap().visible_to;
    assert!(visible_to.contains(&"ars:76".to_owned()));
}

#[tokio::test]
async fn an_amendment_says_whether_an_agency_made_it_for_somebody_else() {
    let env = TestEnv::with_directory().await;
    let (alice, agent) = (env.linked("alice"), env.agent("84"));
    for (declares, amends, draft, on_behalf) in [
        (&alice, &agent, incident(), true),
        (&alice, &alice, incident(), false),
        // The agency declared itself: it knows.
        (&agent, &agent, of_two_regions(), false),
    ] {
        let receipt = declares.submit(draft).await.unwrap();
        amends.amend(degraded(&receipt)).await.unwrap();
        let told = told(&env).await;
        let told = told.iter().find(|it| {
            let report = it.report.as_ref().unwrap();
            report.reference == receipt.reference
        });
        assert_eq!(told.unwrap().on_behalf, on_behalf);
    }
}

#[tokio::test]
async fn what_an_agency_entered_the_structure_completes() {
    let env = TestEnv::with_directory().await;
    let entered = ReportDraft {
        capacity: DeclarantCapacity::Agency.into(),
        ..incident()
    };
    let receipt = env.agent("84").submit(entered).await.unwrap();
    let completed = env.linked("alice").amend(degraded(&receipt)).await.unwrap();
    let completed = report(completed);
    assert_eq!(completed.revision, 2);
    assert!(completed.link_verified);
    assert_eq!(completed.routing_region, "84");
    assert_eq!(completed.channel, 2);
    let structure = completed.draft.unwrap().structure;
    assert_eq!(structure, finess(FLEYRIAT));
}
