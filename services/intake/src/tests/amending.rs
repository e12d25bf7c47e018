//! A declaration is corrected and completed, and what it said is kept.

use std::collections::BTreeMap;

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

use crate::erase_contacts_of;
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
async fn every_violation_of_an_amendment_is_told_by_its_path() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let refused = async |paths: &[&str], draft: ReportDraft| {
        let request = complement(&receipt, paths, draft);
        let status = alice.amend(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        violations(&status)
    };
    let violation = |field: &str, reason: &str| (field.to_owned(), reason.to_owned());

    let other = ReportDraft {
        structure: finess("010780054"),
        ..described("Tout.")
    };
    assert_eq!(
        refused(&["kind", "structure", "description", "patient"], other).await,
        [
            violation("draft.kind", "IMMUTABLE"),
            violation("draft.structure", "IMMUTABLE"),
            violation("update_mask.paths[3]", "UNKNOWN_VALUE"),
        ]
    );
    let cleared = ReportDraft {
        declarant: Some(Contact {
            email: "pas une adresse".to_owned(),
            ..martin()
        }),
        ..ReportDraft::default()
    };
    assert_eq!(
        refused(&["description", "found_at", "declarant.email"], cleared).await,
        [
            violation("draft.declarant.email", "BAD_FORMAT"),
            violation("draft.description", "REQUIRED"),
            violation("draft.found_at", "REQUIRED"),
        ]
    );
    let regions = ReportDraft {
        regions: vec!["84".to_owned(), "76".to_owned()],
        ..ReportDraft::default()
    };
    assert_eq!(
        refused(&["regions"], regions).await,
        [violation("draft.regions", "CONFLICT")]
    );
    assert_eq!(told(&env).await, []);
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

#[tokio::test]
async fn a_declaration_that_ended_or_went_further_is_not_amended() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let refused = async |request: AmendReportRequest| {
        let status = alice.amend(request).await.unwrap_err();
        (status.code(), reason(&status))
    };
    let receipt = alice.submit(incident()).await.unwrap();
    let last = AmendReportRequest {
        stage: ReportStage::Final.into(),
        ..degraded(&receipt)
    };
    alice.amend(last).await.unwrap();
    assert_eq!(
        refused(degraded(&receipt)).await,
        (Code::FailedPrecondition, "STAGE_PASSED".to_owned())
    );

    let withdrawn = alice.submit(incident()).await.unwrap();
    alice
        .withdraw(WithdrawReportRequest {
            request_id: Uuid::new_v4().to_string(),
            report_id: withdrawn.report_id.clone(),
            reason: "Fausse alerte.".to_owned(),
            etag: String::new(),
        })
        .await
        .unwrap();
    assert_eq!(
        refused(degraded(&withdrawn)).await,
        (Code::FailedPrecondition, "WITHDRAWN".to_owned())
    );
}

/// A complement that gives another address and telephone number of the declarant.
fn reached_otherwise(receipt: &Receipt) -> AmendReportRequest {
    let declarant = Contact {
        email: "secours@ch-exemple.fr".to_owned(),
        phone: "0474454647".to_owned(),
        ..Contact::default()
    };
    let draft = ReportDraft {
        declarant: Some(declarant),
        ..ReportDraft::default()
    };
    complement(receipt, &["declarant.email", "declarant.phone"], draft)
}

#[tokio::test]
async fn contacts_of_every_revision_rest_sealed_and_are_shown_to_those_who_see_contacts() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    alice.amend(degraded(&receipt)).await.unwrap();
    let answer = alice.amend(reached_otherwise(&receipt)).await.unwrap();
    let declarant = report(answer).draft.unwrap().declarant.unwrap();
    assert_eq!(declarant.email, "secours@ch-exemple.fr");
    assert_eq!(declarant.family_name, "Martin");

    let mail = "declarant.email: rssi@ch-exemple.fr -> secours@ch-exemple.fr".to_owned();
    for (person, contacts, people) in [
        (alice.clone(), true, false),
        (env.agent("84"), true, false),
        (env.with_role("analyst"), true, true),
        (env.with_role("security_officer"), true, true),
        (env.with_role("health_authority"), false, false),
    ] {
        let listed = changes(&person, &receipt).await;
        assert_eq!(listed[0].1.contains(&mail), contacts);
        assert_eq!(listed[1].1.len(), 2);
        let listed = person.revisions(&receipt.report_id, 0, "").await.unwrap();
        for revision in listed.revisions {
            assert_eq!(revision.author == "alice", people, "{}", revision.author);
            assert_eq!(revision.author_role(), Role::Declarant);
        }
    }

    let events = env.events().await;
    let is_amendment = |event: &&Event| event.event_type == "vigie.report.amended.v1";
    let last = events.iter().rfind(is_amendment).unwrap();
    let told: ReportAmended = last.decode().unwrap();
    let master = SealingKey::from_bytes(MASTER_KEY);
    let key = master.unwrap_data_key(last.data_key.as_ref().unwrap());
    let report_id = Uuid::parse_str(&receipt.report_id).unwrap();
    let purpose = [b"report:".as_slice(), report_id.as_bytes()];
    let sealed = told.report.unwrap().sealed_personal_data;
    let opened = key.unwrap().open(&purpose.concat(), &sealed).unwrap();
    let contacts = SealedPersonalData::decode(opened.as_slice()).unwrap();
    assert_eq!(contacts.declarant.unwrap().email, "secours@ch-exemple.fr");

    let mut shown = 0;
    for table in [
        "report_revision",
        "report",
        "idempotency_key",
        "audit_entry",
    ] {
        let sql = format!("select coalesce(string_agg(t::text, ''), '') from {table} as t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&env.pool)
            .await
            .unwrap();
        assert!(!rows.contains("ch-exemple"), "{table}");
        assert!(!rows.contains(&hex("ch-exemple")), "{table}");
        shown += usize::from(rows.contains(&hex(&receipt.reference)));
    }
    assert!(shown > 0, "such a look would find what is there");
}

#[tokio::test]
async fn an_erasure_takes_the_contacts_of_every_revision_and_ends_the_amendments() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let request = reached_otherwise(&receipt);
    alice.amend(request.clone()).await.unwrap();
    alice.amend(degraded(&receipt)).await.unwrap();
    assert!(
        erase_contacts_of(&env.pool, &env.log, &receipt.report_id, true)
            .await
            .unwrap()
    );

    let listed = changes(&env.with_role("analyst"), &receipt).await;
    assert_eq!(listed.iter().map(|it| it.0).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((listed[0].1.len(), listed[1].1.len()), (2, 0));
    let kept = "select count(*) from report_revision where sealed_contacts is not null";
    assert_eq!(env.count(kept).await, 0);
    for event in env.events().await {
        assert_eq!(event.data_key, None, "{}", event.event_type);
    }
    for (again, expected) in [
        (degraded(&receipt), (Code::FailedPrecondition, "ERASED")),
        // Nobody guesses by it what the request held.
        (request, (Code::AlreadyExists, "REQUEST_ID_REUSED")),
    ] {
        let status = alice.amend(again).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), expected);
    }
}

#[tokio::test]
async fn revisions_are_listed_in_pages_that_change_nothing_of_what_each_changed() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    for number in 2..=5 {
        let text = format!("Version {number}.");
        let request = complement(&receipt, &["description"], described(&text));
        alice.amend(request).await.unwrap();
    }
    let all = alice.revisions(&receipt.report_id, 0, "").await.unwrap();
    assert_eq!(all.revisions.len(), 5);
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let page = alice
            .revisions(&receipt.report_id, 2, &token)
            .await
            .unwrap();
        assert!(page.revisions.len() <= 2);
        listed.extend(page.revisions);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, all.revisions);
}

#[tokio::test]
async fn a_snapshot_tells_every_revision_as_the_log_did() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    alice.submit(incident()).await.unwrap();
    alice.amend(reached_otherwise(&receipt)).await.unwrap();
    env.agent("84").amend(degraded(&receipt)).await.unwrap();
    alice
        .withdraw(WithdrawReportRequest {
            request_id: Uuid::new_v4().to_string(),
            report_id: receipt.report_id.clone(),
            reason: "Fausse alerte.".to_owned(),
            etag: String::new(),
        })
        .await
        .unwrap();

    let told = snapshot(&env).await;
    let logged = env.events().await;
    // The structure, two reports, two amendments and a withdrawal.
    assert_eq!((logged.len(), told.len()), (6, 6));
    for event in logged {
        let payload = &told[&event.id.to_string()];
        assert_eq!(payload, &event.payload, "{}", event.event_type);
    }
}

/// The payloads of a snapshot by the ids of their events.
async fn snapshot(env: &TestEnv) -> BTreeMap<String, prost::bytes::Bytes> {
    let mut client = EventLogServiceClient::new(env.service.as_service("statistics"));
    let answer = client.snapshot(SnapshotRequest::default()).await.unwrap();
    let mut parts = answer.into_inner();
    let mut told = BTreeMap::new();
    while let Some(part) = parts.message().await.unwrap() {
        if let Some(Part::Events(batch)) = part.part {
            told.extend(batch.events.into_iter().map(|it| match it.data {
                Some(Data::BinaryData(payload)) => (it.id, payload),
                _ => panic!("an event has a payload"),
            }));
        }
    }
    told
}

#[tokio::test]
async fn after_a_restore_every_declaration_outranks_an_amendment_that_was_lost() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let untouched = alice.submit(incident()).await.unwrap();
    let amended = alice.submit(incident()).await.unwrap();
    alice.amend(degraded(&amended)).await.unwrap();
    let before = env.events().await;
    let mut conn = env.pool.acquire().await.unwrap();
    let operator = platform::Caller::service("operator");
    eventlog::reincarnate(&mut conn, &operator, platform::now())
        .await
        .unwrap();

    let told = snapshot(&env).await;
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
    for event in &before {
        let payload = told[&event.id.to_string()].clone();
        match event.event_type.as_str() {
            "vigie.report.submitted.v1" => {
                let report = ReportSubmitted::decode(payload).unwrap();
                first.insert(report.report_id, report.revision);
            }
            "vigie.report.amended.v1" => {
                let amended = ReportAmended::decode(payload).unwrap();
                last.insert(amended.report.unwrap().report_id, amended.revision);
            }
            _ => {}
        }
    }
    let many = 1_000_000_000;
    assert!(first[&untouched.report_id] > many, "{first:?}");
    assert_eq!(first[&amended.report_id], 1);
    assert!(last[&amended.report_id] > many, "{last:?}");

    // And so does what is sent again because it was lost itself.
    let again = alice.submit(incident()).await.unwrap();
    let events = env.events().await;
    let subject = format!("report/{}", again.report_id);
    let event = events.iter().find(|event| event.subject == subject);
    let report: ReportSubmitted = event.unwrap().decode().unwrap();
    assert_eq!(report.reference, again.reference);
    assert!(report.revision > many, "{}", report.revision);
}

#[tokio::test]
async fn the_receipt_of_an_amended_report_is_what_it_was() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let request = proto::intake::v1::SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        draft: Some(incident()),
        ..Default::default()
    };
    let receipt = alice.send(request.clone()).await.unwrap();
    alice.amend(degraded(&receipt)).await.unwrap();
    assert_eq!(alice.send(request.clone()).await.unwrap(), receipt);
    // Spelt otherwise, it is still what was submitted, which the report said at first.
    let mut spelt = request;
    spelt
        .draft
        .as_mut()
        .unwrap()
        .declarant
        .as_mut()
        .unwrap()
        .email = "rssi@CH-exemple.fr".to_owned();
    assert_eq!(alice.send(spelt).await.unwrap(), receipt);
}
