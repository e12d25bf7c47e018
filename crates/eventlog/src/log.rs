//! The log of one producer, as its own service sees it.

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{Event, MAX_PAYLOAD_BYTES, NewEvent, partition};

/// The most bytes that a page of events holds, but for a first event that is
/// larger alone.
pub(crate) const PAGE_BYTES: i64 = 1024 * 1024;

/// The log of this service: written with the fact, read by position.
#[derive(Clone, Debug)]
pub struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    producer: &'static str,
    source: String,
    shards: u16,
    pool: PgPool,
    appended: Notify,
}

/// Which log it is and how far it reaches. Lists are by shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The log's present history; changes after a restore.
    pub incarnation: Uuid,
    /// The last position of each shard.
    pub heads: Vec<u64>,
    /// Positions up to these were dropped.
    pub floors: Vec<u64>,
}

/// Positions of a shard that are looked through: what follows `after`, up to `until`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) shard: u16,
    pub(crate) after: u64,
    pub(crate) until: u64,
}

/// What a stretch holds, as far as a page has room for it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Event>,
    /// Up to here nothing was left out that was asked for.
    pub(crate) reached: u64,
}

struct Selected {
    events: Vec<Event>,
    /// Whether the last stretch holds more.
    more: bool,
}

/// Why a log does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Subjects would move to other shards and lose their order.
    #[error(
        "EVENTLOG_SHARDS is {configured}, but the log was installed with {installed}: this cannot change"
    )]
    Shards {
        /// What the installation has.
        installed: i32,
        /// What the configuration asks for.
        configured: u16,
    },
    /// The schema belongs to another service.
    #[error("the log of this schema belongs to {0}")]
    Producer(String),
    /// The database does not answer, or has no tables.
    #[error("the event log cannot be opened")]
    Database(#[from] sqlx::Error),
}

impl Log {
    /// Opens the log in the schema of the pool, and makes it when it is new.
    /// Refuses another number of shards than at installation.
    pub async fn open(
        pool: PgPool,
        producer: &'static str,
        shards: u16,
    ) -> Result<Self, OpenError> {
        let mut transaction = pool.begin().await?;
        sqlx::query!(
            "insert into eventlog_meta (producer, incarnation, shards, opened_at) values ($1, $2, $3, $4)
             on conflict do nothing",
            producer,
            Uuid::now_v7(),
            i32::from(shards),
            platform::now(),
        )
        .execute(&mut *transaction)
        .await?;
        let meta = sqlx::query!("select producer, shards from eventlog_meta for update")
            .fetch_one(&mut *transaction)
            .await?;
        if meta.producer != producer {
            return Err(OpenError::Producer(meta.producer));
        }
        if meta.shards != i32::from(shards) {
            return Err(OpenError::Shards {
                installed: meta.shards,
                configured: shards,
            });
        }
        sqlx::query!(
            "with head as (
                 insert into eventlog_head (shard) select generate_series(0, $1 - 1) on conflict do nothing
             )
             insert into eventlog_floor (shard) select generate_series(0, $1 - 1) on conflict do nothing",
            i32::from(shards),
        )
        .execute(&mut *transaction)
        .await?;
        partition::make_ahead(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Self(Arc::new(Inner {
            producer,
            source: format!("/vigie/{producer}"),
            shards,
            pool,
            appended: Notify::new(),
        })))
    }

    /// Appends events in the transaction of the facts they announce, as its last
    /// statement: heads stay locked until the commit.
    ///
    /// The id of an event is not looked for in the log: callers append only what
    /// they really inserted. Call [`Log::committed`] after the commit.
    pub async fn append(
        &self,
        conn: &mut PgConnection,
        events: &[NewEvent],
    ) -> platform::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        if events
            .iter()
            .any(|event| event.payload.len() > MAX_PAYLOAD_BYTES)
        {
            return Err(platform::Error::out_of_range(
                "EVENT_TOO_LARGE",
                "ce qui est annoncé dépasse 64 Kio",
            ));
        }
        let shards: Vec<i32> = events
            .iter()
            .map(|e| i32::from(self.shard_of(&e.subject)))
            .collect();
        let ids: Vec<Uuid> = events.iter().map(|e| e.id).collect();
        let types: Vec<&str> = events.iter().map(|e| e.event_type).collect();
        let subjects: Vec<&str> = events.iter().map(|e| e.subject.as_str()).collect();
        let times: Vec<OffsetDateTime> = events.iter().map(|e| e.time).collect();
        let traceparents: Vec<Option<&str>> =
            events.iter().map(|e| e.traceparent.as_deref()).collect();
        let payloads: Vec<&[u8]> = events.iter().map(|e| e.payload.as_ref()).collect();
        let data_keys: Vec<Option<&[u8]>> = events.iter().map(|e| e.data_key.as_deref()).collect();
        let consumers: Vec<String> = events.iter().map(|e| e.consumers.join(",")).collect();
        sqlx::query_file!(
            "src/sql/append.sql",
            &shards,
            &ids,
            &types as &[&str],
            &subjects as &[&str],
            &times,
            &traceparents as &[Option<&str>],
            &payloads as &[&[u8]],
            &data_keys as &[Option<&[u8]>],
            &consumers,
        )
        .execute(conn)
        .await
        .map_err(no_room)?;
        Ok(())
    }

    /// Wakes the publisher: something was committed.
    pub fn committed(&self) {
        self.0.appended.notify_waiters();
    }

    /// What the publisher waits for.
    pub(crate) fn appended(&self) -> &Notify {
        &self.0.appended
    }

    /// Reads what follows a position of a shard, in order: at most `limit` events
    /// and 1 MiB.
    pub async fn page(
        &self,
        conn: &mut PgConnection,
        shard: u16,
        after: u64,
        limit: u16,
    ) -> platform::Result<Vec<Event>> {
        self.pages(conn, &[(shard, after)], limit).await
    }

    /// Reads what follows positions of shards, shard by shard in order: of each at
    /// most `limit` events and 1 MiB.
    pub async fn pages(
        &self,
        conn: &mut PgConnection,
        after: &[(u16, u64)],
        limit: u16,
    ) -> platform::Result<Vec<Event>> {
        let stretches: Vec<Stretch> = after
            .iter()
            .map(|&(shard, after)| Stretch {
                shard,
                after,
                until: after + u64::from(limit),
            })
            .collect();
        let read = self.read(conn, &stretches, limit, PAGE_BYTES, None).await?;
        Ok(read.events)
    }

    /// Reads what a stretch of a shard holds, for one consumer or for all: at most
    /// `limit` events and `bytes`, but always the first.
    pub(crate) async fn page_of(
        &self,
        conn: &mut PgConnection,
        stretch: Stretch,
        limit: u16,
        bytes: i64,
        consumer: Option<&str>,
    ) -> platform::Result<Page> {
        let read = self.read(conn, &[stretch], limit, bytes, consumer).await?;
        let reached = match read.events.last() {
            Some(last) if read.more => last.position,
            _ => stretch.until,
        };
        Ok(Page {
            events: read.events,
            reached,
        })
    }

    async fn read(
        &self,
        conn: &mut PgConnection,
        stretches: &[Stretch],
        limit: u16,
        bytes: i64,
        consumer: Option<&str>,
    ) -> Result<Selected, sqlx::Error> {
        let shards: Vec<i32> = stretches.iter().map(|s| i32::from(s.shard)).collect();
        let after: Vec<i64> = stretches.iter().map(|s| s.after.cast_signed()).collect();
        let until: Vec<i64> = stretches.iter().map(|s| s.until.cast_signed()).collect();
        let not_for_it: Vec<&str> = consumer.map_or_else(Vec::new, |consumer| {
            proto::types_not_for(consumer).collect()
        });
        let rows = sqlx::query_file!(
            "src/sql/pages.sql",
            &shards,
            &after,
            &until,
            i64::from(limit),
            bytes,
            consumer,
            &not_for_it as &[&str],
        )
        .fetch_all(conn)
        .await?;
        let more = rows.last().is_some_and(|row| row.more);
        let events = rows.into_iter().map(|row| Event {
            shard: u16::try_from(row.shard).expect("a log has at most 1,024 shards"),
            position: row.position.cast_unsigned(),
            id: row.event_id,
            event_type: row.event_type,
            source: self.0.source.clone(),
            subject: row.subject,
            time: row.recorded_at,
            traceparent: row.traceparent,
            payload: row.payload.into(),
            data_key: row.data_key,
            consumers: row.consumers,
        });
        Ok(Selected {
            events: events.collect(),
            more,
        })
    }

    /// Says which log this is and how far it reaches.
    pub async fn describe(&self, conn: &mut PgConnection) -> platform::Result<Description> {
        let rows = sqlx::query_file!("src/sql/describe.sql")
            .fetch_all(conn)
            .await?;
        Ok(Description {
            incarnation: rows
                .first()
                .map(|row| row.incarnation)
                .expect("an open log has at least one shard"),
            heads: rows.iter().map(|row| row.head.cast_unsigned()).collect(),
            floors: rows.iter().map(|row| row.floor.cast_unsigned()).collect(),
        })
    }

    /// The last position of each shard.
    pub async fn heads(&self, conn: &mut PgConnection) -> platform::Result<Vec<u64>> {
        Ok(self.describe(conn).await?.heads)
    }

    /// The positions up to which events were dropped, by shard.
    pub async fn floors(&self, conn: &mut PgConnection) -> platform::Result<Vec<u64>> {
        Ok(self.describe(conn).await?.floors)
    }

    /// The log's present history.
    pub async fn incarnation(&self, conn: &mut PgConnection) -> platform::Result<Uuid> {
        Ok(self.describe(conn).await?.incarnation)
    }

    /// When the log was last reincarnated; `None` in its first history.
    pub async fn reincarnated_at(
        &self,
        conn: &mut PgConnection,
    ) -> platform::Result<Option<OffsetDateTime>> {
        let moment = sqlx::query_scalar!("select reincarnated_at from eventlog_meta")
            .fetch_one(conn)
            .await?;
        Ok(moment)
    }

    /// Whose log it is.
    pub fn producer(&self) -> &'static str {
        self.0.producer
    }

    /// The source that its events name.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The number of shards, fixed at installation.
    pub fn shards(&self) -> u16 {
        self.0.shards
    }

    /// The shard of a subject.
    pub fn shard_of(&self, subject: &str) -> u16 {
        vocabulary::shard_of(subject, self.0.shards)
    }

    /// The service's own pool.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }
}

/// What an append failed for. That no partition holds the next position passes, for
/// partitions are made ahead again: it says nothing against the events.
fn no_room(error: sqlx::Error) -> platform::Error {
    match error.as_database_error() {
        Some(refusal) if refusal.is_check_violation() && refusal.constraint().is_none() => {
            platform::Error::unavailable(
                "LOG_FULL",
                "le journal n'a pas encore de place ; réessayez",
            )
        }
        _ => error.into(),
    }
}
