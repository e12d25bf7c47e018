//! Seals audit entries a second after they were written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::chain::{self, Entry, Seal};
use crate::{Error, Metrics, Result, SealingKey, in_time, now};

/// How often entries are sealed.
const EVERY: Duration = Duration::from_secs(1);

/// How many entries a seal binds, and a few more where a transaction wrote many.
const MOST: i64 = 5_000;

/// How often the newest seal is told in the log, which leaves the machine.
const CHECKPOINT_EVERY: Duration = Duration::from_mins(5);

/// Binds the audit entries of a service into a chain of seals, so that whoever edits,
/// removes or adds one afterwards is found by [`super::verify_audit`].
///
/// Any number of replicas may run one: they take turns.
#[derive(Debug)]
pub struct AuditSealer {
    service: &'static str,
    pool: PgPool,
    key: SealingKey,
    /// The newest seal that was seen here: one that is gone later was taken away.
    seen: Option<Seal>,
    waiting: Arc<Waiting>,
    breaks: Counter,
}

/// How long entries have waited for their seal.
#[derive(Debug)]
struct Waiting {
    /// When it was last looked at, in seconds since `started`.
    looked: AtomicU64,
    started: Instant,
    /// When the oldest entry without a seal was written, in microseconds since 1970;
    /// the greatest number when there is none.
    oldest: AtomicI64,
    age: Gauge<f64, AtomicU64>,
}

impl Waiting {
    fn seconds(&self) -> f64 {
        let written = self.oldest.load(Ordering::Relaxed);
        let now = i64::try_from(now().unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
        let waited = Duration::from_micros(u64::try_from(now.saturating_sub(written)).unwrap_or(0));
        // What nobody could look at may wait as well.
        let looked = Duration::from_secs(self.looked.load(Ordering::Relaxed));
        let blind = self.started.elapsed().saturating_sub(looked);
        let blind = if blind < 10 * EVERY {
            Duration::ZERO
        } else {
            blind
        };
        waited.max(blind).as_secs_f64()
    }

    fn look(&self, oldest: Option<OffsetDateTime>) {
        let oldest = oldest.and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1_000).ok());
        self.oldest
            .store(oldest.unwrap_or(i64::MAX), Ordering::Relaxed);
        let looked = self.started.elapsed().as_secs();
        self.looked.store(looked, Ordering::Relaxed);
    }
}

impl AuditSealer {
    /// Seals the entries of a service under the key of its logs.
    pub fn new(service: &'static str, pool: PgPool, key: SealingKey, metrics: &Metrics) -> Self {
        let waiting = Arc::new(Waiting {
            looked: AtomicU64::new(0),
            started: Instant::now(),
            oldest: AtomicI64::new(i64::MAX),
            age: metrics.register(
                "vigie_audit_unsealed_age_seconds",
                "For how long the oldest audit entry without a seal has waited for it",
                Gauge::default(),
            ),
        });
        let read = Arc::clone(&waiting);
        metrics.on_reading(move || {
            read.age.set(read.seconds());
        });
        Self {
            service,
            pool,
            key,
            seen: None,
            waiting,
            breaks: metrics.register(
                "vigie_audit_breaks",
                "How often a seal was gone or changed that was seen before, or not ours",
                Counter::default(),
            ),
        }
    }

    /// Seals until the shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = (0, Instant::now());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // What is not sealed now is sealed at the next start: nobody waits for it.
            let Some(sealed) = shutdown.run_until_cancelled(self.seal_all()).await else {
                break;
            };
            if let Err(error) = sealed {
                tracing::warn!(error.message = %error, "audit entries could not be sealed; trying again");
            }
            if told.1.elapsed() >= CHECKPOINT_EVERY {
                told = (self.tell(told.0), Instant::now());
            }
        }
        self.tell(told.0);
    }

    /// Tells the newest seal, if it is not the one that was told last.
    fn tell(&self, told: i64) -> i64 {
        let Some(seal) = self.seen.as_ref().filter(|seal| seal.number != told) else {
            return told;
        };
        tracing::info!(
            audit.seal = seal.number,
            audit.entries = seal.total,
            audit.chain = STANDARD.encode(&seal.chain),
            "audit checkpoint",
        );
        seal.number
    }

    /// Seals what is there, and looks at what is left.
    async fn seal_all(&mut self) -> Result<()> {
        let mut oldest = self.oldest_unsealed().await?;
        if self.seen.is_none() || oldest.is_some() {
            while in_time(self.seal_some()).await? {}
            oldest = self.oldest_unsealed().await?;
        }
        if self.seen.is_some() {
            self.waiting.look(oldest);
        }
        Ok(())
    }

    /// When the oldest entry was written that no seal seen here binds.
    async fn oldest_unsealed(&self) -> Result<Option<OffsetDateTime>> {
        let until = self.seen.as_ref().map_or(0, |seal| seal.until);
        let oldest = sqlx::query_scalar!(
            "select recorded_at from audit_entry
             where transaction_id >= $1 order by transaction_id limit 1",
            until,
        );
        in_time(async { Ok(oldest.fetch_optional(&self.pool).await?) }).await
    }

    /// Seals the next entries; tells whether there may be more.
    async fn seal_some(&mut self) -> Result<bool> {
        let mut transaction = self.pool.begin().await?;
        // A replica that is at it keeps the others away from the newest seal.
        let newest = sqlx::query_as!(
            Seal,
            "select number, sealed_at, until, entries, total, chain, signature from audit_seal
             where number = (select max(number) from audit_seal) for update skip locked",
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(newest) = newest else {
            let there =
                sqlx::query_scalar!(r#"select exists (select from audit_seal) as "there!""#);
            if !there.fetch_one(&mut *transaction).await? {
                self.tell_break(self.seen.as_ref());
                return Err(Error::internal("there are no seals any more"));
            }
            return Ok(false);
        };
        self.compare(&newest, &mut transaction).await?;
        let mut entries = sqlx::query_file_as!(
            Entry,
            "src/audit/entries.sql",
            newest.until,
            None::<i64>,
            MOST
        )
        .fetch_all(&mut *transaction)
        .await?;
        let Some(last) = entries.iter().map(|entry| entry.transaction_id).max() else {
            self.seen = Some(newest);
            return Ok(false);
        };
        chain::in_order(&mut entries);
        let seal = newest.next(self.service, &entries, last + 1, now(), &self.key);
        let new = sqlx::query!(
            "insert into audit_seal (number, sealed_at, until, entries, total, chain, signature)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            seal.number,
            seal.sealed_at,
            seal.until,
            seal.entries,
            seal.total,
            seal.chain,
            seal.signature,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        // Another replica may have been first; then its seal is met the next time.
        self.seen = Some(if new.rows_affected() == 1 {
            seal
        } else {
            newest
        });
        Ok(entries.len() >= usize::try_from(MOST).unwrap_or(usize::MAX))
    }

    /// Finds out whether the seal that was seen last is still there. The first time:
    /// whether the newest is one of this service, and what comes can follow it.
    async fn compare(&self, newest: &Seal, conn: &mut PgConnection) -> Result<()> {
        let Some(seen) = &self.seen else {
            if newest.number > 0 && !newest.is_signed(self.service, &self.key) {
                self.tell_break(Some(newest));
            }
            if next_transaction(conn).await? < newest.until {
                return Err(Error::internal(
                    "transactions are counted anew, below those of the seals",
                ));
            }
            return Ok(());
        };
        let found = if seen.number == newest.number {
            Some(newest.chain.clone())
        } else {
            sqlx::query_scalar!(
                "select chain from audit_seal where number = $1",
                seen.number
            )
            .fetch_optional(conn)
            .await?
        };
        if found.as_ref() != Some(&seen.chain) {
            self.tell_break(Some(seen));
        }
        Ok(())
    }

    /// Tells that a seal is not what it was.
    fn tell_break(&self, seal: Option<&Seal>) {
        self.breaks.inc();
        tracing::error!(
            audit.seal = seal.map(|seal| seal.number),
            audit.entries = seal.map(|seal| seal.total),
            audit.chain = seal.map(|seal| STANDARD.encode(&seal.chain)),
            runbook = "docs/runbooks/audit-broken.md",
            "a seal of the audit trail is gone, changed or not ours: unless the database was just \
             restored to an earlier moment, somebody tampers with it",
        );
    }
}

/// The number of the next transaction.
pub(super) async fn next_transaction(conn: &mut PgConnection) -> Result<i64> {
    let next = sqlx::query_scalar!(
        r#"select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as "next!""#
    );
    Ok(next.fetch_one(conn).await?)
}
