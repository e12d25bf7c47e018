//! What happened when, in the words of the structure.

use proto::{
    events::v1::CaseActivityRecorded,
    intake::v1::{
        AddTimelineEntryRequest, ListTimelineRequest, TimelineEntry, WithdrawReportRequest,
    },
    types::v1::{CaseActivity, Role},
};
use testkit::TokenSpec;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    erase_contacts_of,
    tests::{
        drafts::{incident, of_two_regions, seconds_ago},
        env::{TestEnv, User, nothing_is_stored, reason, violations},
    },
};

fn entry(report_id: &str, seconds: i64, text: &str) -> AddTimelineEntryRequest {
    AddTimelineEntryRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: report_id.to_owned(),
        happened_at: Some(seconds_ago(seconds)),
        text: text.to_owned(),
    }
}

async fn listed(who: &User, report_id: &str) -> Result<Vec<TimelineEntry>, Status> {
    let request = ListTimelineRequest {
        report_id: report_id.to_owned(),
        ..ListTimelineRequest::default()
    };
    Ok(who.timeline(request).await?.entries)
}

async fn texts(who: &User, report_id: &str) -> Vec<String> {
    let entries = listed(who, report_id).await.unwrap().into_iter();
    entries.map(|entry| entry.text).collect()
}

async fn refused(who: &User, request: AddTimelineEntryRequest, expected: (Code, &str)) {
    let status = who.add_entry(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), expected);
}

#[tokio::test]
async fn a_timeline_is_told_in_the_order_in_which_it_happened() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let id = receipt.report_id.as_str();
    let first = entry(id, 1_800, "Serveurs éteints");
    let same_moment = AddTimelineEntryRequest {
        request_id: Uuid::new_v4().to_string(),
        text: "Astreinte appelée".to_owned(),
        ..first.clone()
    };
    let added = alice.add_entry(first.clone()).await.unwrap();
    assert_eq!((added.number, added.text.as_str()), (1, "Serveurs éteints"));
    assert_eq!(added.happened_at, first.happened_at);
    assert_eq!(added.author_role(), Role::Declarant);
    assert_eq!(added.author, "");
    alice.add_entry(same_moment).await.unwrap();
    // It may lie before the incident was noticed; the agency enters what it is told.
    let agent = env.agent("84");
    let before = entry(id, 90_000, "Courriel piégé ouvert");
    let by_agent = agent.add_entry(before).await.unwrap();
    assert_eq!(by_agent.author_role(), Role::RegionalAgent);

    let in_order = [
        "Courriel piégé ouvert",
        "Serveurs éteints",
        "Astreinte appelée",
    ];
    for who in [
        &alice,
        &env.linked("bob"),
        &agent,
        &env.with_role("analyst"),
        &env.with_role("security_officer"),
    ] {
        assert_eq!(texts(who, id).await, in_order);
    }
    assert_eq!(texts(&alice, &receipt.reference).await, in_order);
    // Who added it is for the cell and the FSSI.
    for (who, author) in [
        (env.with_role("analyst"), "alice"),
        (env.with_role("security_officer"), "alice"),
        (env.agent("84"), ""),
        (env.linked("bob"), ""),
    ] {
        let seen = listed(&who, id).await.unwrap();
        assert_eq!(seen[1].author, author);
        assert_eq!(seen[1].author_role(), Role::Declarant);
        assert_eq!(seen[1].added_at, added.added_at);
    }
}

#[tokio::test]
async fn an_entry_is_added_once_however_often_it_is_sent_and_told_without_what_it_says() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let request = entry(&receipt.report_id, 60, "Mot de passe du coffre changé");
    let added = alice.add_entry(request.clone()).await.unwrap();
    assert_eq!(alice.add_entry(request.clone()).await.unwrap(), added);
    let reused = AddTimelineEntryRequest {
        text: "Autrement".to_owned(),
        ..request
    };
    let expected = (Code::AlreadyExists, "REQUEST_ID_REUSED");
    refused(&alice, reused, expected).await;
    assert_eq!(listed(&alice, &receipt.report_id).await.unwrap().len(), 1);

    let events = env.events().await;
    let told: Vec<CaseActivityRecorded> = events
        .iter()
        .filter(|event| event.event_type == "vigie.case.activity_recorded.v1")
        .map(|event| event.decode().unwrap())
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].activity(), CaseActivity::TimelineEntryAdded);
    assert_eq!(told[0].activity_id, added.entry_id);
    assert_eq!(told[0].report_id, receipt.report_id);
    assert_eq!(told[0].reference, receipt.reference);
    assert_eq!(told[0].actor_role(), Role::Declarant);
    let mut readers = told[0].visible_to.clone();
    readers.sort();
    let followers = [
        "ars:84",
        "cell",
        "fssi",
        "structure:finess:010000024",
        "structure:finess:010780054",
        "structure:siret:26010004500012",
        "subject:alice",
    ];
    assert_eq!(readers, followers);

    // Neither the log, nor the table, nor what is kept for retries holds the text.
    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from timeline_entry
                 where position(convert_to($1, 'UTF8') in sealed_text) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind("Mot de passe du coffre")
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn entries_added_at_once_are_numbered_without_gaps_and_paged_without_loss() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let id = alice.submit(incident()).await.unwrap().report_id;
    // Of five moments, five each.
    let requests: Vec<_> = (0..25)
        .map(|n| entry(&id, 600 + 60 * (n % 5), &format!("entrée {n}")))
        .collect();
    let additions = requests.iter().cloned().map(|it| alice.add_entry(it));
    for added in futures::future::join_all(additions).await {
        added.unwrap();
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTimelineRequest {
            report_id: id.clone(),
            page_size: 7,
            page_token,
        };
        let page = alice.timeline(request).await.unwrap();
        assert!(page.entries.len() <= 7);
        seen.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let place = |entry: &TimelineEntry| (entry.happened_at.unwrap().seconds, entry.number);
    assert!(seen.is_sorted_by_key(place));
    let mut numbers: Vec<u32> = seen.iter().map(|entry| entry.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_full_withdrawn_or_erased_takes_no_entry() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let full = alice.submit(incident()).await.unwrap().report_id;
    sqlx::query(
        "insert into timeline_entry
         select $1, number, gen_random_uuid(), now(), 'declarant', 'alice', now(), ''
         from generate_series(1, 499) as number",
    )
    .bind(full.parse::<Uuid>().unwrap())
    .execute(&env.pool)
    .await
    .unwrap();
    let last = alice.add_entry(entry(&full, 60, "La dernière")).await;
    assert_eq!(last.unwrap().number, 500);
    let expected = (Code::FailedPrecondition, "TIMELINE_FULL");
    refused(&alice, entry(&full, 60, "Une de trop"), expected).await;

    let erased = alice.submit(incident()).await.unwrap().report_id;
    alice
        .add_entry(entry(&erased, 60, "Le Dr Martin appelle"))
        .await
        .unwrap();
    erase_contacts_of(&env.pool, &env.log, &erased, true)
        .await
        .unwrap();
    let seen = listed(&env.with_role("analyst"), &erased).await.unwrap();
    assert!(seen[0].erased && seen[0].text.is_empty());
    let expected = (Code::FailedPrecondition, "ERASED");
    refused(&alice, entry(&erased, 60, "Encore"), expected).await;

    let withdrawn = alice.submit(incident()).await.unwrap().report_id;
    let withdraw = WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: withdrawn.clone(),
        reason: "Fausse alerte.".to_owned(),
        etag: String::new(),
    };
    alice.withdraw(withdraw).await.unwrap();
    let expected = (Code::FailedPrecondition, "WITHDRAWN");
    refused(&alice, entry(&withdrawn, 60, "Encore"), expected).await;
}

#[tokio::test]
async fn a_text_that_does_not_open_hides_no_other_and_is_not_said_to_be_erased() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let id = alice.submit(incident()).await.unwrap().report_id;
    for (seconds, text) in [(60, "Serveurs éteints"), (30, "Serveurs rallumés")] {
        alice.add_entry(entry(&id, seconds, text)).await.unwrap();
    }
    sqlx::query("update timeline_entry set sealed_text = '' where number = 1")
        .execute(&env.pool)
        .await
        .unwrap();
    let seen = listed(&alice, &id).await.unwrap();
    let seen: Vec<_> = seen
        .iter()
        .map(|entry| (entry.text.as_str(), entry.erased))
        .collect();
    assert_eq!(seen, [("", false), ("Serveurs rallumés", false)]);
}

#[tokio::test]
async fn a_timeline_does_not_exist_for_those_who_do_not_see_its_report() {
    let env = TestEnv::with_directory().await;
    let id = env
        .linked("alice")
        .submit(incident())
        .await
        .unwrap()
        .report_id;
    // An analyst who also declares adds as a declarant, who does not see it.
    let both = TokenSpec::of("carol").role("analyst").role("declarant");
    for stranger in [
        env.declarant("mallory"),
        env.agent("76"),
        env.as_user(&both),
    ] {
        let status = stranger.add_entry(entry(&id, 60, "Faux")).await;
        assert_eq!(status.unwrap_err().code(), Code::NotFound);
    }
    for stranger in [env.declarant("mallory"), env.agent("76")] {
        let status = listed(&stranger, &id).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    for role in ["health_authority", "importer", "prober"] {
        let status = listed(&env.with_role(role), &id).await.unwrap_err();
        assert_eq!(reason(&status), "ROLE_MISSING");
    }
    let expected = (Code::PermissionDenied, "ROLE_MISSING");
    refused(&env.with_role("analyst"), entry(&id, 60, "Faux"), expected).await;
    let outcomes = env.trail_of("timeline.list").await;
    let not_visible = (format!("report/{id}"), "not_visible".to_owned());
    assert_eq!(outcomes, [not_visible.clone(), not_visible]);
}

#[tokio::test]
async fn the_agency_of_a_region_that_is_merely_named_reads_a_timeline_and_adds_nothing() {
    let env = TestEnv::start().await;
    let (agent, other) = (env.agent("84"), env.agent("76"));
    let id = agent.submit(of_two_regions()).await.unwrap().report_id;
    let expected = (Code::PermissionDenied, "NOT_YOURS_TO_COMPLETE");
    refused(&other, entry(&id, 60, "Faux"), expected).await;
    agent.add_entry(entry(&id, 60, "Vrai")).await.unwrap();
    assert_eq!(texts(&other, &id).await, ["Vrai"]);
}

#[tokio::test]
async fn a_malformed_entry_is_refused_with_its_field() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let nobody = Uuid::new_v4().to_string();
    let of = |status: &Status| {
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        violations(status)
    };
    let ancient = prost_types::Timestamp::default();
    for (request, field, reason) in [
        (entry(&nobody, -360, "Demain"), "happened_at", "IN_FUTURE"),
        (
            AddTimelineEntryRequest {
                happened_at: Some(ancient),
                ..entry(&nobody, 0, "Jadis")
            },
            "happened_at",
            "OUT_OF_RANGE",
        ),
        (entry(&nobody, 60, " \n"), "text", "REQUIRED"),
        (entry(&nobody, 60, &"x".repeat(4_001)), "text", "TOO_LONG"),
        (entry(&nobody, 60, "a\u{7}b"), "text", "BAD_CHARACTER"),
    ] {
        let status = alice.add_entry(request).await.unwrap_err();
        assert_eq!(of(&status), [(field.to_owned(), reason.to_owned())]);
    }
    let empty = AddTimelineEntryRequest::default();
    let fields = of(&alice.add_entry(empty).await.unwrap_err());
    let fields: Vec<_> = fields.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["happened_at", "report_id", "request_id", "text"]);
    nothing_is_stored(&env).await;
}
