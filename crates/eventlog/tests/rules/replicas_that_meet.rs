//! Replicas that meet at the worst moment break no rule.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use eventlog::{Step, consumer_service};
use platform::Caller;
use proto::{
    Payload as _,
    eventlog::v1::{SkipParkedEventRequest, consumer_service_client::ConsumerServiceClient},
    events::v1::ReportWithdrawn,
};
use sqlx::PgPool;
use testkit::{Redis, RedisOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinSet,
};
use tonic::Request;
use uuid::Uuid;
use vocabulary::Role;

use crate::{
    env::{CONSUMER, PRODUCER, Running, SHARDS, TestEnv, streams},
    ledger::Ledger,
    reads_the_next_release::{Foreseen, foreseen},
};

/// A stage that every read of the offsets waits for while somebody holds it.
const STAGE: &str = "
    alter table consumer_offset rename to offset_row;
    create function wait_for_the_stage() returns boolean language plpgsql volatile as $$
    begin
        perform pg_advisory_lock_shared(42);
        perform pg_advisory_unlock_shared(42);
        return true;
    end $$;
    create view consumer_offset as select * from offset_row where wait_for_the_stage()";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_waits_behind_one_that_another_replica_parks_at_the_same_moment() {
    let env = TestEnv::new("parks_meanwhile").await;
    let subject = env.subject_in(0);
    let mut consumer = env.consumer(&Ledger::new());
    assert_eq!(consumer.step().await, Step::Attached);
    assert_eq!(consumer.step().await, Step::Applied(0));
    sqlx::raw_sql(STAGE)
        .execute(&env.qualification)
        .await
        .unwrap();
    let mut stage = env.qualification.acquire().await.unwrap();
    sqlx::query("select pg_advisory_lock(42)")
        .execute(&mut *stage)
        .await
        .unwrap();
    env.append(&subject, &["bad", "later"]).await;
    let consumer = Running::consumer(consumer);
    testkit::eventually(async || waiting(&env.qualification).await > 0).await;

    // The other replica parks the first event, while this one reads the offset.
    let mut other = env.qualification.begin().await.unwrap();
    park(&mut other, Uuid::now_v7(), 1, &subject, "bad", "test").await;
    sqlx::query("update offset_row set position = 1 where shard = 0")
        .execute(&mut *other)
        .await
        .unwrap();
    other.commit().await.unwrap();
    sqlx::query("select pg_advisory_unlock(42)")
        .execute(&mut *stage)
        .await
        .unwrap();
    env.until_caught_up().await;
    consumer.stop().await;
    assert_eq!(env.applied().await, []);
    assert_eq!(
        env.parked().await,
        [
            (subject.clone(), "test".to_owned()),
            (subject, "behind_a_parked_event".to_owned())
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_parked_behind_one_that_is_being_skipped_is_let_through() {
    let env = TestEnv::new("skipped_meanwhile").await;
    let subject = env.subject_in(0);
    let consumer = env.consumer(&Ledger::new());
    let handle = consumer.handle();
    let attached = Running::consumer(consumer);
    env.until_caught_up().await;
    attached.stop().await;
    let bad = Uuid::now_v7();
    let mut conn = env.qualification.acquire().await.unwrap();
    park(&mut conn, bad, 1, &subject, "bad", "test").await;

    // The other replica is about to park what follows.
    let mut other = env.qualification.begin().await.unwrap();
    sqlx::query("select from consumer_offset where shard = 0 for update")
        .execute(&mut *other)
        .await
        .unwrap();
    let service = consumer_service(env.qualification.clone(), None, vec![handle]);
    let mut request = Request::new(SkipParkedEventRequest {
        consumer: CONSUMER.to_owned(),
        producer: PRODUCER.to_owned(),
        event_id: bad.to_string(),
    });
    request.extensions_mut().insert(Caller {
        roles: BTreeSet::from([Role::Operator]),
        ..Caller::service("u-operator")
    });
    let mut skipping = JoinSet::new();
    skipping.spawn(async move {
        ConsumerServiceClient::new(service)
            .skip_parked_event(request)
            .await
    });
    testkit::eventually(async || {
        waiting(&env.qualification).await > 0 || env.parked().await.is_empty()
    })
    .await;
    let behind = "behind_a_parked_event";
    park(&mut other, Uuid::now_v7(), 2, &subject, "later", behind).await;
    other.commit().await.unwrap();

    skipping.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(env.parked().await, []);
    assert_eq!(env.applied().await[0].text, "later");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_goes_on_obeys_the_stop_of_another() {
    let env = TestEnv::new("stops_too").await;
    let mut consumer = env.consumer(&Ledger::new());
    assert_eq!(consumer.step().await, Step::Attached);
    assert_eq!(consumer.step().await, Step::Applied(0));
    sqlx::query("update consumer_offset set stopped = 'OFFSET_ABOVE_HEAD'")
        .execute(&env.qualification)
        .await
        .unwrap();
    env.append(&env.subject_in(0), &["lost"]).await;
    loop {
        match consumer.step().await {
            Step::Stopped => break,
            Step::Applied(0) | Step::Waited => {}
            other => panic!("a stopped consumer goes on: {other:?}"),
        }
    }
    assert_eq!(env.applied().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_leaves_what_another_has_just_applied_and_goes_on() {
    let env = TestEnv::new("just_applied").await;
    let subject = env.subject_in(0);
    let (mut quick, mut slow) = (env.consumer(&Ledger::new()), env.consumer(&Ledger::new()));
    for replica in [&mut quick, &mut slow] {
        assert_eq!(replica.step().await, Step::Attached);
    }
    env.append(&subject, &["1", "2", "3"]).await;
    assert_eq!(quick.step().await, Step::Applied(3));
    // The slow one knows of none of them, and reads the very same run.
    let step = tokio::time::timeout(Duration::from_secs(10), slow.step());
    assert_eq!(step.await.unwrap(), Step::Applied(0));
    env.append(&subject, &["4"]).await;
    let slow = Running::consumer(slow);
    assert_eq!(env.until_applied(4).await[3].text, "4");
    slow.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_waits_for_a_shard_that_another_replica_holds() {
    // In the first shard of the two there is something to apply; of the other, only
    // the offset is moved at the end.
    for held in [1, 3] {
        let env = TestEnv::new(&format!("snapshot_beside_{held}")).await;
        let texts = ["1", "2", "3", "4"];
        env.append(&env.subject_in(0), &texts).await;
        env.append(&env.subject_in(1), &["5"]).await;
        sqlx::query(
            "insert into consumer_offset (consumer, producer, shard, moved_at)
             select $1, $2, shard, now() from generate_series(0, $3 - 1) as shard",
        )
        .bind(CONSUMER)
        .bind(PRODUCER)
        .bind(i32::from(SHARDS))
        .execute(&env.qualification)
        .await
        .unwrap();
        let mut other = env.qualification.begin().await.unwrap();
        sqlx::query("select from consumer_offset where shard = $1 for update")
            .bind(held)
            .execute(&mut *other)
            .await
            .unwrap();
        let consumer = Running::consumer(env.consumer(&Ledger::new()));
        let twice = async || env.applied().await.iter().any(|entry| entry.times > 1);
        testkit::eventually(async || waiting(&env.qualification).await > 0 || twice().await).await;
        other.rollback().await.unwrap();
        env.until_caught_up().await;
        consumer.stop().await;
        assert_eq!(env.applied().await.len(), 5);
        assert!(!twice().await, "the snapshot began anew");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_old_replica_parks_during_an_upgrade_is_applied_by_a_new_one() {
    let env = TestEnv::new("rolling_upgrade").await;
    let (old, new) = (Ledger::new(), Ledger::new());
    new.upgrade();
    let mut upgraded = env.consumer(&new);
    assert_eq!(upgraded.step().await, Step::Attached);
    let old = Running::consumer(env.consumer(&old));
    let mut transaction = env.intake.begin().await.unwrap();
    let events = [foreseen("report/1", &Foreseen::<1>)];
    env.log.append(&mut transaction, &events).await.unwrap();
    transaction.commit().await.unwrap();
    testkit::eventually(async || !env.parked().await.is_empty()).await;
    old.stop().await;

    let upgraded = Running::consumer(upgraded);
    assert_eq!(env.until_applied(1).await[0].text, "foreseen");
    upgraded.stop().await;
    assert_eq!(env.parked().await, []);
}

#[tokio::test]
async fn a_publisher_that_another_one_overtakes_does_not_cry_of_a_restore() {
    let said = Said::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::ERROR)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let env = TestEnv::new("overtaken").await;
    let redis = Redis::start(RedisOptions::default()).await.unwrap();
    let subject = env.subject_in(0);
    let mut way = SlowWay::to(redis.port()).await;
    let mut slow = env.publisher(&streams(&way.url));
    let mut quick = env.publisher(&streams(&redis.url()));
    slow.step().await.unwrap();
    env.append(&subject, &["1"]).await;

    way.close();
    let mut overtaken = JoinSet::new();
    overtaken.spawn(async move { slow.step().await.map_err(|error| error.to_string()) });
    way.until_asked().await;
    env.append(&subject, &["2"]).await;
    quick.step().await.unwrap();
    way.open();
    overtaken.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.0.lock().unwrap()), "");
}

/// Parks an event as a consumer does.
async fn park(
    conn: &mut sqlx::PgConnection,
    event_id: Uuid,
    position: i64,
    subject: &str,
    text: &str,
    reason: &str,
) {
    let payload = ReportWithdrawn {
        reference: text.to_owned(),
        ..ReportWithdrawn::default()
    };
    sqlx::query(
        "insert into parked_event
         (consumer, producer, event_id, shard, position, event_type, subject, recorded_at, payload,
          reason, parked_at)
         values ($1, $2, $3, 0, $4, $5, $6, now(), $7, $8, now())",
    )
    .bind(CONSUMER)
    .bind(PRODUCER)
    .bind(event_id)
    .bind(position)
    .bind(ReportWithdrawn::TYPE)
    .bind(subject)
    .bind(prost::Message::encode_to_vec(&payload))
    .bind(reason)
    .execute(conn)
    .await
    .unwrap();
}

/// How many sessions of the database wait for a lock.
async fn waiting(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "select count(*) from pg_locks l inner join pg_stat_activity a using (pid)
         where not l.granted and a.datname = current_database()",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

/// What was logged.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl io::Write for Said {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A way to Redis that can be closed: what is asked meanwhile waits.
struct SlowWay {
    url: String,
    gate: Arc<Semaphore>,
    asked: mpsc::UnboundedReceiver<()>,
    _tasks: JoinSet<io::Result<()>>,
}

impl SlowWay {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let gate = Arc::new(Semaphore::new(1));
        let (told, asked) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let opened = Arc::clone(&gate);
        tasks.spawn(async move {
            let (client, _) = listener.accept().await?;
            let server = TcpStream::connect(("127.0.0.1", port)).await?;
            let (mut questions, mut back) = client.into_split();
            let (mut answers, mut on) = server.into_split();
            let forth = async {
                let mut buffer = vec![0; 65_536];
                loop {
                    let count = questions.read(&mut buffer).await?;
                    if count == 0 {
                        return Ok(());
                    }
                    told.send(()).map_err(io::Error::other)?;
                    let _open = opened.acquire().await.map_err(io::Error::other)?;
                    on.write_all(&buffer[..count]).await?;
                }
            };
            tokio::select! {
                ended = forth => ended,
                ended = tokio::io::copy(&mut answers, &mut back) => ended.map(drop),
            }
        });
        Self {
            url,
            gate,
            asked,
            _tasks: tasks,
        }
    }

    fn close(&mut self) {
        self.gate.try_acquire().unwrap().forget();
        while self.asked.try_recv().is_ok() {}
    }

    fn open(&self) {
        self.gate.add_permits(1);
    }

    async fn until_asked(&mut self) {
        self.asked.recv().await.unwrap();
    }
}
