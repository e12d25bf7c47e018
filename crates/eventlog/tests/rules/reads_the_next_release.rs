//! Rule 8: this release reads what the next one writes.

use eventlog::{Event, NewEvent};
use prost::{
    Message,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType},
};
use proto::{
    Payload,
    events::v1::{ReportSubmitted, StructureRecorded},
};
use testkit::{Redis, RedisOptions};
use uuid::Uuid;

use crate::{
    env::{CONSUMER, Running, TestEnv, event, streams},
    ledger::{FAR_RELEASE, Ledger, NEXT_RELEASE},
};

/// A payload whose type only a later release knows, the farther the greater the
/// number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Foreseen<const RELEASES: u8>;

impl<const RELEASES: u8> Message for Foreseen<RELEASES> {
    fn encode_raw(&self, _: &mut impl BufMut) {}

    fn merge_field(
        &mut self,
        _: u32,
        _: WireType,
        _: &mut impl Buf,
        _: DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        0
    }

    fn clear(&mut self) {}
}

impl Payload for Foreseen<1> {
    const TYPE: &'static str = NEXT_RELEASE;
    const CONSUMERS: &'static [&'static str] = &[CONSUMER];
}

impl Payload for Foreseen<2> {
    const TYPE: &'static str = FAR_RELEASE;
    const CONSUMERS: &'static [&'static str] = &[CONSUMER];
}

#[test]
fn unknown_fields_are_passed_over_and_unknown_enumeration_numbers_kept() {
    let known = ReportSubmitted {
        reference: "SIG-2026-7K3M9Q4".to_owned(),
        kind: 99,
        ..Default::default()
    };
    let mut payload = known.encode_to_vec();
    // Field 900, of a later release: a text.
    prost::encoding::string::encode(900, &"later".to_owned(), &mut payload);
    let event = Event {
        shard: 0,
        position: 1,
        id: Uuid::nil(),
        event_type: ReportSubmitted::TYPE.to_owned(),
        source: "/vigie/intake".to_owned(),
        subject: "report/1".to_owned(),
        time: platform::now(),
        traceparent: None,
        payload: payload.into(),
        data_key: None,
        consumers: None,
    };
    let read: ReportSubmitted = event.decode().unwrap();
    assert_eq!(read, known);
    assert_eq!(read.kind, 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_unknown_type_are_parked_and_applied_after_the_upgrade() {
    let env = TestEnv::new("upgrade").await;
    let ledger = Ledger::new();
    let old = Running::consumer(env.consumer(&ledger));
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [
        foreseen("report/1", &Foreseen::<1>),
        event("report/1", "behind"),
        event("report/2", "free"),
    ];
    env.log.append(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    env.until_caught_up().await;
    old.stop().await;
    assert_eq!(env.applied().await.len(), 1);
    let reasons: Vec<String> = env
        .parked()
        .await
        .into_iter()
        .map(|(_, reason)| reason)
        .collect();
    assert_eq!(reasons, ["unknown_type", "behind_a_parked_event"]);

    ledger.upgrade();
    let new = Running::consumer(env.consumer(&ledger));
    let entries = env.until_applied(3).await;
    new.stop().await;
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["free", "foreseen", "behind"]);
    assert_eq!(env.parked().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_release_applies_as_far_as_it_knows_and_leaves_the_rest_to_the_next() {
    let env = TestEnv::new("two_upgrades").await;
    let ledger = Ledger::new();
    let old = Running::consumer(env.consumer(&ledger));
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [
        foreseen("report/1", &Foreseen::<1>),
        foreseen("report/1", &Foreseen::<2>),
        event("report/1", "behind"),
    ];
    env.log.append(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    env.until_caught_up().await;
    old.stop().await;

    ledger.upgrade();
    let next = Running::consumer(env.consumer(&ledger));
    env.until_applied(1).await;
    next.stop().await;
    assert_eq!(env.parked().await.len(), 2);

    ledger.upgrade_again();
    let last = Running::consumer(env.consumer(&ledger));
    let entries = env.until_applied(3).await;
    last.stop().await;
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["foreseen", "distant", "behind"]);
    assert_eq!(env.parked().await, []);
}

/// A type that this release's contract gives to no consumer, and that a later one names for
/// this one.
impl Payload for Foreseen<4> {
    const TYPE: &'static str = StructureRecorded::TYPE;
    const CONSUMERS: &'static [&'static str] = &[CONSUMER];
}

impl Payload for Foreseen<3> {
    const TYPE: &'static str = "vigie.report.elsewhere.v1";
    const CONSUMERS: &'static [&'static str] = &["statistics"];
}

/// An event of a later release.
pub(crate) fn foreseen<const RELEASES: u8>(subject: &str, payload: &Foreseen<RELEASES>) -> NewEvent
where
    Foreseen<RELEASES>: Payload,
{
    NewEvent::new(Uuid::now_v7(), subject.to_owned(), platform::now(), payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_for_others_are_passed_over_known_or_unknown() {
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    for by_redis in [false, true] {
        let env = TestEnv::new(&format!("passed_over_{by_redis}")).await;
        let streams = by_redis.then(|| streams(&redis.url()));
        let publisher = streams
            .as_ref()
            .map(|streams| Running::publisher(env.publisher(streams)));
        let consumer = Running::consumer(env.consumer_over(&Ledger::new(), streams));
        if by_redis {
            env.until_redis_is_heard().await;
        }
        let before = env.applied().await.len();
        let mut transaction = env.intake.begin().await.unwrap();
        let events = [
            NewEvent::new(
                Uuid::now_v7(),
                "report/1".to_owned(),
                platform::now(),
                &StructureRecorded::default(),
            ),
            foreseen("report/1", &Foreseen::<3>),
            event("report/1", "next"),
            foreseen("report/1", &Foreseen::<3>),
        ];
        env.log.append(&mut transaction, &events).await.unwrap();
        transaction.commit().await.unwrap();
        env.log.committed();
        env.until_caught_up().await;
        consumer.stop().await;
        if let Some(publisher) = publisher {
            publisher.stop().await;
        }
        let applied = env.applied().await;
        assert_eq!(applied.len(), before + 1);
        assert_eq!(applied[before].text, "next");
        assert_eq!(env.parked().await, []);
    }
}
