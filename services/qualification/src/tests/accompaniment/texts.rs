//! What is said of accompaniment, where it rests and where it does not.

use prost::Message as _;
use proto::{
    events::v1 as events,
    qualification::v1::{AccompanimentGiver as Giver, AccompanimentState as State},
    types::v1::{self as types, CaseActivity},
};
use testkit::eventually;
use tonic::Code;

use super::{accept, ask, begin, declarant, decline, end, offer};
use crate::tests::env::{TestEnv, agent, analyst, reason};

#[tokio::test]
async fn every_step_is_announced_to_all_concerned_without_what_was_said() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.visible_to.push("dgs".into());
    let id = env.open(&report).await.case_id;
    let secret = "Société Exemple, astreinte de Dominique";
    env.ask_for_accompaniment(&declarant(), ask(&id, secret))
        .await
        .unwrap();
    let offered = env
        .offer_accompaniment(&analyst(), offer(&id, Giver::Provider, secret))
        .await
        .unwrap();
    let it = offered.accompaniment_id.as_str();
    env.answer_accompaniment(&agent("76"), accept(it))
        .await
        .unwrap();
    env.begin_accompaniment(&agent("76"), begin(it))
        .await
        .unwrap();
    env.end_accompaniment(&analyst(), end(it, secret))
        .await
        .unwrap();
    let other = env
        .offer_accompaniment(&analyst(), offer(&id, Giver::Cell, ""))
        .await
        .unwrap();
    env.answer_accompaniment(&declarant(), decline(&other.accompaniment_id))
        .await
        .unwrap();

    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "select payload from event where event_type = 'vigie.case.activity_recorded.v1'
         order by recorded_at",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    let announced: Vec<_> = rows
        .iter()
        .map(|payload| events::CaseActivityRecorded::decode(payload.as_slice()).unwrap())
        .collect();
    let told: Vec<_> = announced
        .iter()
        .map(|it| (it.activity(), it.actor_role()))
        .collect();
    let (structure, cell, agency) = (
        types::Role::Declarant,
        types::Role::Analyst,
        types::Role::RegionalAgent,
    );
    assert_eq!(
        told,
        [
            (CaseActivity::AccompanimentAsked, structure),
            (CaseActivity::AccompanimentOffered, cell),
            (CaseActivity::AccompanimentAccepted, agency),
            (CaseActivity::AccompanimentGiven, agency),
            (CaseActivity::AccompanimentEnded, cell),
            (CaseActivity::AccompanimentOffered, cell),
            (CaseActivity::AccompanimentDeclined, structure),
        ]
    );
    for event in announced {
        assert!(event.to_structure);
        assert!(event.visible_to.contains(&"subject:decl".to_owned()));
        assert!(!event.visible_to.contains(&"dgs".to_owned()));
    }

    // Neither the log, nor the table, nor what is kept for retries holds the texts.
    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from accompaniment
                 where position(convert_to($1, 'UTF8') in sealed_texts) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind(secret)
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn erasure_takes_the_texts_and_leaves_nothing_but_the_end() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    let offered = env
        .offer_accompaniment(&analyst(), offer(&id, Giver::Provider, "Exemple"))
        .await
        .unwrap();
    let it = offered.accompaniment_id.as_str();
    env.announce(&[report.contacts_erased()]).await;
    eventually(async || env.accompaniments(&analyst(), &id).await[0].erased).await;
    let seen = env.accompaniments(&analyst(), &id).await;
    let texts = [&seen[0].giver_name, &seen[0].offer].map(String::as_str);
    assert_eq!((texts, seen[0].giver()), (["", ""], Giver::Provider));
    for refused in [
        env.answer_accompaniment(&declarant(), accept(it))
            .await
            .unwrap_err(),
        env.ask_for_accompaniment(&declarant(), ask(&id, "Encore"))
            .await
            .unwrap_err(),
        env.offer_accompaniment(&analyst(), offer(&id, Giver::Cell, ""))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ERASED")
        );
    }
    let ended = env
        .end_accompaniment(&analyst(), end(it, "Sans suite"))
        .await
        .unwrap();
    assert_eq!((ended.state(), ended.outcome.as_str()), (State::Ended, ""));
    assert!(ended.erased);
}
