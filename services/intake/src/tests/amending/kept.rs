//! Revisions as they rest, are erased, listed and told again.

use std::collections::BTreeMap;

use super::*;
use crate::erase_contacts_of;

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
