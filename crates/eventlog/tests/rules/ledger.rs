//! A consumer that writes down what it applies.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use eventlog::{Apply, ApplyError, Event};
use proto::{
    Payload as _,
    events::v1::{ReportWithdrawn, StructureRecorded},
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// A type that only the next release knows.
pub(crate) const NEXT_RELEASE: &str = "vigie.report.foreseen.v1";
/// A type that only the release after the next one knows.
pub(crate) const FAR_RELEASE: &str = "vigie.report.distant.v1";

/// Writes down every event it applies, and fails on demand.
#[derive(Default)]
pub(crate) struct Ledger {
    poisonous: Mutex<HashSet<String>>,
    panicking: Mutex<HashSet<String>>,
    held_up: Mutex<HashSet<String>>,
    known_later: Mutex<HashSet<&'static str>>,
    transient_failures: AtomicUsize,
    pub(crate) attempts: AtomicUsize,
}

/// What the ledger wrote down.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Entry {
    pub(crate) shard: i32,
    pub(crate) position: i64,
    pub(crate) event_id: Uuid,
    pub(crate) subject: String,
    pub(crate) text: String,
    /// How often it was applied.
    pub(crate) times: i32,
}

impl Ledger {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Events with this text fail for good.
    pub(crate) fn poison(&self, text: &str) {
        self.poisonous.lock().unwrap().insert(text.to_owned());
    }

    /// Events with this text fail for a passing reason.
    pub(crate) fn hold_up(&self, text: &str) {
        self.held_up.lock().unwrap().insert(text.to_owned());
    }

    /// They no longer do.
    pub(crate) fn cure(&self) {
        self.poisonous.lock().unwrap().clear();
        self.panicking.lock().unwrap().clear();
        self.held_up.lock().unwrap().clear();
    }

    /// Events with this text make it panic.
    pub(crate) fn panic_at(&self, text: &str) {
        self.panicking.lock().unwrap().insert(text.to_owned());
    }

    /// The next so many batches fail for a passing reason, with their effects
    /// already written.
    pub(crate) fn fail_next(&self, batches: usize) {
        self.transient_failures.store(batches, Ordering::SeqCst);
    }

    /// The next release, which knows one type more.
    pub(crate) fn upgrade(&self) {
        self.known_later.lock().unwrap().insert(NEXT_RELEASE);
    }

    /// The release after the next one.
    pub(crate) fn upgrade_again(&self) {
        self.known_later.lock().unwrap().insert(FAR_RELEASE);
    }

    /// A release that applies a type which the contract did not give this consumer before.
    pub(crate) fn upgrade_to_structures(&self) {
        let mut known = self.known_later.lock().unwrap();
        known.insert(StructureRecorded::TYPE);
    }

    pub(crate) async fn create_table(pool: &PgPool) {
        sqlx::raw_sql(
            "create table applied (
                 entry bigint generated always as identity, shard integer not null,
                 position bigint not null, event_id uuid primary key, subject text not null,
                 text text not null check (text <> 'forbidden'),
                 times integer not null default 1)",
        )
        .execute(pool)
        .await
        .unwrap();
    }

    /// What was applied, in the order of the transactions of each shard.
    pub(crate) async fn entries(pool: &PgPool) -> Vec<Entry> {
        sqlx::query_as(
            "select shard, position, event_id, subject, text, times from applied order by entry",
        )
        .fetch_all(pool)
        .await
        .unwrap()
    }
}

#[async_trait::async_trait]
impl Apply for Ledger {
    fn accepts(&self, event_type: &str) -> bool {
        event_type == ReportWithdrawn::TYPE || self.known_later.lock().unwrap().contains(event_type)
    }

    async fn apply(&self, conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        let failing =
            self.transient_failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                });
        for event in events {
            let text = match event.event_type.as_str() {
                NEXT_RELEASE => "foreseen".to_owned(),
                FAR_RELEASE => "distant".to_owned(),
                StructureRecorded::TYPE => "structure".to_owned(),
                _ => event.decode::<ReportWithdrawn>()?.reference,
            };
            assert!(
                !self.panicking.lock().unwrap().contains(&text),
                "asked to panic at {text}"
            );
            if self.held_up.lock().unwrap().contains(&text) {
                let error = platform::Error::unavailable("TEST", "held up");
                return Err(ApplyError::Transient(error));
            }
            if self.poisonous.lock().unwrap().contains(&text) {
                return Err(ApplyError::Poison("test_poison"));
            }
            sqlx::query(
                "insert into applied (shard, position, event_id, subject, text) values ($1, $2, $3, $4, $5)
                 on conflict (event_id) do update set times = applied.times + 1",
            )
            .bind(i32::from(event.shard))
            .bind(event.position.cast_signed())
            .bind(event.id)
            .bind(&event.subject)
            .bind(text)
            .execute(&mut *conn)
            .await?;
        }
        if failing.is_ok() {
            return Err(platform::Error::unavailable("AWAY", "something is away").into());
        }
        Ok(())
    }
}
