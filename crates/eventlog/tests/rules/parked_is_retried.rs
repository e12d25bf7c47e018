//! Rule 5: what is parked keeps nobody from starting, and is applied by itself once what
//! it waits for is there.

use eventlog::{Step, consumer_service};
use proto::eventlog::v1::{
    RetryParkedEventsRequest, consumer_service_client::ConsumerServiceClient,
};

use crate::{
    applying_is_total::request,
    env::{CONSUMER, PRODUCER, Running, TestEnv, event},
    ledger::Ledger,
    reads_the_next_release::{Foreseen, foreseen},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_subject_that_fails_again_keeps_no_consumer_from_starting() {
    let env = TestEnv::new("start_beside_parked").await;
    let ledger = Ledger::new();
    let old = Running::consumer(env.consumer(&ledger));
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [foreseen("report/1", &Foreseen::<1>)];
    env.log.append(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    env.until_caught_up().await;
    old.stop().await;

    // The release that knows the type fails at it, for what may be a passing reason.
    ledger.upgrade();
    ledger.hold_up("foreseen");
    let mut new = env.consumer(&ledger);
    assert_eq!(new.step().await, Step::Attached);
    env.append("report/2", &["free"]).await;
    let new = Running::consumer(new);
    assert_eq!(env.until_applied(1).await[0].text, "free");
    assert_eq!(env.parked().await.len(), 1);

    ledger.cure();
    assert_eq!(env.until_applied(2).await[1].text, "foreseen");
    new.stop().await;
    assert_eq!(env.parked().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_type_that_newly_names_the_consumer_is_kept_until_a_release_applies_it() {
    let env = TestEnv::new("newly_named").await;
    let ledger = Ledger::new();
    let consumer = env.consumer(&ledger);
    let operators = consumer_service(env.qualification.clone(), None, vec![consumer.handle()]);
    let old = Running::consumer(consumer);
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [foreseen("structure/1", &Foreseen::<4>)];
    env.log.append(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    env.until_caught_up().await;
    let kept = [("structure/1".to_owned(), "unknown_type".to_owned())];
    assert_eq!(env.parked().await, kept);

    let again = RetryParkedEventsRequest {
        consumer: CONSUMER.to_owned(),
        producer: PRODUCER.to_owned(),
        subject: "structure/1".to_owned(),
    };
    let retried = ConsumerServiceClient::new(operators)
        .retry_parked_events(request(again))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((retried.applied, retried.still_parked), (0, 1));
    assert_eq!(env.parked().await, kept);
    old.stop().await;

    ledger.upgrade_to_structures();
    let new = Running::consumer(env.consumer(&ledger));
    assert_eq!(env.until_applied(1).await[0].text, "structure");
    testkit::eventually(async || env.parked().await.is_empty()).await;
    new.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_release_parked_waits_for_nothing_once_its_type_is_for_others() {
    let env = TestEnv::new("parked_before_names").await;
    let ledger = Ledger::new();
    let old = Running::consumer(env.consumer(&ledger));
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [
        foreseen("structure/1", &Foreseen::<4>),
        event("structure/1", "behind"),
    ];
    env.log.append(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    env.until_caught_up().await;
    old.stop().await;
    assert_eq!(env.parked().await.len(), 2);
    // As a release parked it whose events did not name their consumers.
    sqlx::query("update parked_event set consumers = null")
        .execute(&env.qualification)
        .await
        .unwrap();

    let new = Running::consumer(env.consumer(&ledger));
    assert_eq!(env.until_applied(1).await[0].text, "behind");
    testkit::eventually(async || env.parked().await.is_empty()).await;
    new.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_stopped_retries_nothing_by_itself() {
    let env = TestEnv::new("stopped_beside_parked").await;
    let ledger = Ledger::new();
    let old = Running::consumer(env.consumer(&ledger));
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [foreseen("report/1", &Foreseen::<1>)];
    env.log.append(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    env.until_caught_up().await;
    old.stop().await;
    let stop = "update consumer_offset set stopped = 'LOG_REINCARNATED'";
    sqlx::query(stop).execute(&env.qualification).await.unwrap();

    ledger.upgrade();
    let new = Running::consumer(env.consumer(&ledger));
    let stopped = "eventlog_consumer_stopped{";
    testkit::eventually(async || env.metric(stopped) > 0.0).await;
    assert_eq!(env.parked().await.len(), 1);
    let adopt = "update consumer_offset set stopped = null";
    sqlx::query(adopt)
        .execute(&env.qualification)
        .await
        .unwrap();
    assert_eq!(env.until_applied(1).await[0].text, "foreseen");
    new.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_schema_refuses_is_parked_and_applied_once_it_fits() {
    let env = TestEnv::new("schema").await;
    sqlx::query("alter table applied rename to renamed")
        .execute(&env.qualification)
        .await
        .unwrap();
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.append("report/1", &["1", "2"]).await;
    env.until_caught_up().await;
    let parked = env.parked().await;
    let reasons: Vec<&str> = parked.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["schema_mismatch", "behind_a_parked_event"]);

    sqlx::query("alter table renamed rename to applied")
        .execute(&env.qualification)
        .await
        .unwrap();
    let entries = env.until_applied(2).await;
    consumer.stop().await;
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["1", "2"]);
    assert_eq!(env.parked().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_at_which_the_database_fails_holds_up_no_other() {
    let env = TestEnv::new("database_fault").await;
    sqlx::raw_sql(
        "create function fail() returns trigger language plpgsql as $$
         begin raise exception 'a page is damaged' using errcode = 'XX001'; end $$;
         create trigger fail before insert on applied for each row
         when (new.text = 'damaged') execute function fail()",
    )
    .execute(&env.qualification)
    .await
    .unwrap();
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.append(&env.subject_in(0), &["damaged"]).await;
    env.append(&env.subject_in(0).replace("report", "case"), &["x"])
        .await;
    env.append(&env.subject_in(1), &["y"]).await;
    assert_eq!(env.until_applied(2).await.len(), 2);
    env.until_caught_up().await;
    let expected = (env.subject_in(0), "database_fault".to_owned());
    assert_eq!(env.parked().await, [expected]);

    sqlx::query("drop trigger fail on applied")
        .execute(&env.qualification)
        .await
        .unwrap();
    assert_eq!(env.until_applied(3).await[2].text, "damaged");
    consumer.stop().await;
}
