//! Rule 5: what fails for good is parked alone; what may pass is tried for ever.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use eventlog::{ConsumerHandle, consumer_service};
use platform::Caller;
use proto::eventlog::v1::{
    ListConsumersRequest, ListParkedEventsRequest, RetryParkedEventsRequest,
    SkipParkedEventRequest, UnregisterConsumerRequest,
    consumer_service_client::ConsumerServiceClient,
};
use tonic::{Code, Request};
use vocabulary::Role;

use crate::{
    env::{CONSUMER, PRODUCER, Running, TestEnv},
    ledger::Ledger,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_event_parks_its_own_subject_and_no_other() {
    let env = TestEnv::new("poison").await;
    let ledger = Ledger::new();
    ledger.poison("bad");
    let (subject, neighbour) = neighbours(&env);
    env.append(&neighbour, &["n1", "n2"]).await;
    env.append(&subject, &["good", "bad", "later"]).await;
    env.append(&neighbour, &["n3"]).await;
    let consumer = Running::consumer(env.consumer(&ledger));
    env.until_caught_up().await;
    env.append(&subject, &["much later"]).await;
    env.append(&neighbour, &["n4"]).await;
    env.until_caught_up().await;
    consumer.stop().await;

    let texts: Vec<String> = env
        .applied()
        .await
        .into_iter()
        .map(|entry| entry.text)
        .collect();
    assert_eq!(texts, ["n1", "n2", "good", "n3", "n4"]);
    let behind = (subject.clone(), "behind_a_parked_event".to_owned());
    assert_eq!(
        env.parked().await,
        [(subject, "test_poison".to_owned()), behind.clone(), behind]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_events_are_applied_in_order_once_the_cause_is_gone() {
    let env = TestEnv::new("retry").await;
    let ledger = Ledger::new();
    let (subject, _) = neighbours(&env);
    ledger.poison("bad");
    let (handle, consumer) = run(&env, &ledger);
    env.append(&subject, &["bad", "later"]).await;
    env.until_caught_up().await;
    let service = consumer_service(env.qualification.clone(), None, vec![handle]);
    let retry = || {
        request(RetryParkedEventsRequest {
            consumer: CONSUMER.to_owned(),
            producer: PRODUCER.to_owned(),
            subject: subject.clone(),
        })
    };

    let still = ConsumerServiceClient::new(service.clone())
        .retry_parked_events(retry())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((still.applied, still.still_parked), (0, 2));
    ledger.cure();
    let done = ConsumerServiceClient::new(service.clone())
        .retry_parked_events(retry())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((done.applied, done.still_parked), (2, 0));
    env.append(&subject, &["new"]).await;
    env.until_applied(3).await;
    consumer.stop().await;

    let texts: Vec<String> = env
        .applied()
        .await
        .into_iter()
        .map(|entry| entry.text)
        .collect();
    assert_eq!(texts, ["bad", "later", "new"]);
    assert_eq!(env.parked().await, []);
    let nothing_left = ConsumerServiceClient::new(service.clone())
        .retry_parked_events(retry())
        .await
        .unwrap_err();
    assert_eq!(nothing_left.code(), Code::NotFound);
    assert_eq!(
        audited(&env, "log.parked.retry").await,
        ["done", "done", "not_visible"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn skipping_a_parked_event_lets_the_later_ones_of_its_subject_through() {
    let env = TestEnv::new("skip").await;
    let ledger = Ledger::new();
    let (subject, _) = neighbours(&env);
    ledger.poison("bad");
    let (handle, consumer) = run(&env, &ledger);
    env.append(&subject, &["bad", "later"]).await;
    env.until_caught_up().await;
    let service = consumer_service(env.qualification.clone(), None, vec![handle]);

    let list = ConsumerServiceClient::new(service.clone())
        .list_parked_events(request(ListParkedEventsRequest {
            page_size: 1,
            ..Default::default()
        }))
        .await;
    let list = list.unwrap().into_inner();
    assert_eq!(list.events[0].reason, "test_poison");
    let next = ListParkedEventsRequest {
        page_size: 1,
        page_token: list.next_page_token,
    };
    let second = ConsumerServiceClient::new(service.clone())
        .list_parked_events(request(next))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(second.events[0].reason, "behind_a_parked_event");

    let skip = SkipParkedEventRequest {
        consumer: CONSUMER.to_owned(),
        producer: PRODUCER.to_owned(),
        event_id: list.events[0].event_id.clone(),
    };
    ConsumerServiceClient::new(service.clone())
        .skip_parked_event(request(skip.clone()))
        .await
        .unwrap();
    assert_eq!(env.until_applied(1).await[0].text, "later");
    assert_eq!(env.parked().await, []);
    let gone = ConsumerServiceClient::new(service.clone())
        .skip_parked_event(request(skip))
        .await
        .unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(
        audited(&env, "log.parked.skip").await,
        ["done", "not_visible"]
    );
    consumer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_event_is_found_by_halving_its_batch() {
    let env = TestEnv::new("halving").await;
    let ledger = Ledger::new();
    ledger.poison("143");
    let (bad, neighbour) = neighbours(&env);
    for number in 0..200 {
        let subject = if number == 143 { &bad } else { &neighbour };
        env.append(subject, &[&number.to_string()]).await;
    }
    let consumer = Running::consumer(env.consumer(&ledger));
    env.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(env.applied().await.len(), 199);
    assert_eq!(env.parked().await, [(bad, "test_poison".to_owned())]);
    let attempts = ledger.attempts.load(Ordering::SeqCst);
    assert!(attempts < 40, "{attempts} attempts for one event among 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_like_another() {
    let env = TestEnv::new("panic").await;
    let ledger = Ledger::new();
    ledger.panic_at("bad");
    let (subject, neighbour) = neighbours(&env);
    env.append(&subject, &["bad"]).await;
    env.append(&neighbour, &["fine"]).await;
    let consumer = Running::consumer(env.consumer(&ledger));
    env.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(env.applied().await[0].text, "fine");
    assert_eq!(env.parked().await, [(subject, "panic".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_for_good_is_parked() {
    let env = TestEnv::new("refused_by_database").await;
    let (subject, neighbour) = neighbours(&env);
    env.append(&subject, &["forbidden"]).await;
    env.append(&neighbour, &["fine"]).await;
    let consumer = Running::consumer(env.consumer(&Ledger::new()));
    env.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(env.applied().await[0].text, "fine");
    assert_eq!(
        env.parked().await,
        [(subject, "constraint_violated".to_owned())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_until_it_does() {
    let env = TestEnv::new("transient").await;
    let ledger = Ledger::new();
    ledger.fail_next(6);
    env.append(&env.subject_in(0), &["stubborn"]).await;
    let consumer = Running::consumer(env.consumer(&ledger));
    assert_eq!(env.until_applied(1).await[0].text, "stubborn");
    consumer.stop().await;
    assert_eq!(env.parked().await, []);
    assert_eq!(ledger.attempts.load(Ordering::SeqCst), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_how_far_consumers_are_on_both_sides() {
    let env = TestEnv::new("positions").await;
    let (handle, consumer) = run(&env, &Ledger::new());
    env.append_many(0..20).await;
    env.until_caught_up().await;
    testkit::eventually(async || {
        let reported: i64 = sqlx::query_scalar(
            "select coalesce(sum(position), 0)::bigint from eventlog_registration",
        )
        .fetch_one(&env.intake)
        .await
        .unwrap();
        reported == 20
    })
    .await;
    consumer.stop().await;

    let consuming = consumer_service(env.qualification.clone(), None, vec![handle]);
    let own = ConsumerServiceClient::new(consuming.clone())
        .list_consumers(request(ListConsumersRequest {}))
        .await
        .unwrap()
        .into_inner()
        .own;
    assert_eq!(own.iter().map(|position| position.applied).sum::<u64>(), 20);
    assert!(own.iter().all(|position| position.head == position.applied));

    let producing = consumer_service(env.intake.clone(), Some(env.log.clone()), Vec::new());
    let seen = ConsumerServiceClient::new(producing.clone())
        .list_consumers(request(ListConsumersRequest {}))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        seen.registered
            .iter()
            .map(|position| position.applied)
            .sum::<u64>(),
        20
    );

    let forget = || {
        request(UnregisterConsumerRequest {
            consumer: CONSUMER.to_owned(),
        })
    };
    ConsumerServiceClient::new(producing.clone())
        .unregister_consumer(forget())
        .await
        .unwrap();
    assert_eq!(
        ConsumerServiceClient::new(producing.clone())
            .unregister_consumer(forget())
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
}

/// Two subjects of the same shard.
fn neighbours(env: &TestEnv) -> (String, String) {
    let subject = env.subject_in(1);
    let neighbour = (0..10_000)
        .map(|number| format!("neighbour/{number}"))
        .find(|neighbour| env.log.shard_of(neighbour) == 1)
        .unwrap();
    (subject, neighbour)
}

fn run(env: &TestEnv, ledger: &Arc<Ledger>) -> (ConsumerHandle, Running) {
    let consumer = env.consumer(ledger);
    (consumer.handle(), Running::consumer(consumer))
}

/// A request of an operator.
pub(crate) fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller {
        roles: BTreeSet::from([Role::Operator]),
        ..Caller::service("u-operator")
    });
    request
}

async fn audited(env: &TestEnv, action: &str) -> Vec<String> {
    sqlx::query_scalar("select outcome from audit_entry where action = $1 order by audit_entry_id")
        .bind(action)
        .fetch_all(&env.qualification)
        .await
        .unwrap()
}
