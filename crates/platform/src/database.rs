//! The connections to PostgreSQL and the state of its schema.

mod first_connection;
mod migrations;
mod read_transaction;

use std::{
    path::PathBuf,
    str::FromStr as _,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use sqlx::{
    Connection as _, Executor as _, PgPool,
    pool::PoolConnectionMetadata,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::{
    ConfigError, Error, Files, SecretSource, StartError, config::number, files::FileState,
};

use self::first_connection::first_connection;

pub use self::{
    migrations::{MIGRATOR, check_migrated, migrate},
    read_transaction::read_transaction,
};

/// Where the service's schema is (`DATABASE_*`).
#[derive(Debug, Clone, Deserialize)]
pub struct DatabaseConfig {
    /// The address, with the role that sees only the service's schema; it or its file
    /// must be set.
    pub url: Option<SecretString>,
    /// The file with the address; the pool is filled anew when it changes.
    pub url_file: Option<PathBuf>,
    /// The schema of the service.
    pub schema: String,
    /// The greatest number of connections of the pool.
    #[serde(default = "number::<16, _>")]
    pub max_connections: u32,
    /// How long a call waits for a connection, in milliseconds.
    #[serde(default = "number::<3_000, _>")]
    pub acquire_timeout_ms: u64,
    /// How long one statement may take, in milliseconds; 0 for no limit.
    #[serde(default = "number::<30_000, _>")]
    pub statement_timeout_ms: u64,
    /// The greatest number of connections of the pool for searches and lists.
    #[serde(default = "number::<8, _>")]
    pub read_connections: u32,
    /// How long a start tries again while PostgreSQL cannot be reached, in milliseconds.
    #[serde(default = "number::<60_000, _>")]
    pub connect_timeout_ms: u64,
}

/// The connections of the pool for maintenance, and how long their statements may take.
const MAINTENANCE_CONNECTIONS: u32 = 4;
const MAINTENANCE_STATEMENT_TIMEOUT: Duration = Duration::from_mins(5);

/// After how long without use a connection may have died unseen.
const IDLE: Duration = Duration::from_secs(5);

/// How long a returned connection may take to say that it is well.
const WELL_WITHIN: Duration = Duration::from_secs(2);

/// How long one transaction of a task may take: far longer than any that PostgreSQL
/// answers.
const TASK_TIMEOUT: Duration = Duration::from_secs(30);

const URL: &str = "DATABASE_URL";
const URL_FILE: &str = "DATABASE_URL_FILE";

impl DatabaseConfig {
    /// The usual settings with this address and schema.
    pub fn new(url: impl Into<SecretString>, schema: impl Into<String>) -> Self {
        let schema = json!({ "schema": schema.into() });
        let usual: Self = serde_json::from_value(schema).expect("everything else has a default");
        Self {
            url: Some(url.into()),
            ..usual
        }
    }

    /// The settings of the pool for searches and lists, which must not take the
    /// connections of writes. Its transactions begin with [`read_transaction`].
    pub fn for_reads(&self) -> Self {
        Self {
            max_connections: self.read_connections,
            ..self.clone()
        }
    }

    /// The settings of the pool for maintenance and for readers of the log: few
    /// connections, whose statements may take minutes.
    pub fn for_maintenance(&self) -> Self {
        let timeout = MAINTENANCE_STATEMENT_TIMEOUT.as_millis();
        Self {
            max_connections: MAINTENANCE_CONNECTIONS,
            statement_timeout_ms: u64::try_from(timeout).unwrap_or(u64::MAX),
            ..self.clone()
        }
    }

    fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    fn source(&self) -> Result<SecretSource, StartError> {
        let file = self.url_file.as_deref();
        SecretSource::of([URL, URL_FILE], self.url.as_ref(), file)?
            .ok_or_else(|| ConfigError::Missing(format!("{URL} (or {URL_FILE})")).into())
    }

    fn options(
        &self,
        source: &SecretSource,
        application: &str,
    ) -> Result<PgConnectOptions, StartError> {
        // The cause would quote the address and its password.
        let options = PgConnectOptions::from_str(source.read()?.expose_secret()).map_err(|_| {
            let why = "not the address of a PostgreSQL database";
            StartError::unusable(source.variable(), why)
        })?;
        let plain = self
            .schema
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'_');
        if self.schema.is_empty() || !plain {
            return Err(StartError::unusable(
                "DATABASE_SCHEMA",
                "not a plain lower-case name",
            ));
        }
        Ok(options.application_name(application).options([
            ("search_path", self.schema.as_str()),
            // A peer that vanished is noticed after about half a minute.
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "4"),
            ("tcp_user_timeout", "30000"),
        ]))
    }

    /// Reads the address and the schema as [`connect`] does, without connecting.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        self.session(&self.source()?, "check-config").map(drop)
    }

    /// How the connections of a pool are made.
    fn session(
        &self,
        source: &SecretSource,
        application: &str,
    ) -> Result<PgConnectOptions, StartError> {
        let statement_timeout = self.statement_timeout_ms.to_string();
        let options = self.options(source, application)?.options([
            ("statement_timeout", statement_timeout.as_str()),
            // A statement ends soon after its connection was closed: a call that is dropped
            // leaves none behind.
            ("client_connection_check_interval", "1s"),
            // A frozen holder of a lock must stop nobody for longer than these.
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "5s"),
            // What is asked for often lies in memory, and disks have no arm to move: rows
            // are found by an index even where a table is small.
            ("random_page_cost", "1.1"),
            // What a call asks for is short, and not worth a compiler, which a high estimate calls.
            ("jit", "off"),
        ]);
        #[cfg(feature = "mutants")]
        let options = if crate::mutant::Mutant::CommitWithoutFlush.is_alive() {
            options.options([("synchronous_commit", "off")])
        } else {
            options
        };
        Ok(options)
    }
}

/// Opens the pool of a service.
///
/// One connection is made outside the pool first: a pool would only say, much later,
/// that it timed out. When the file of the address changes, and a connection can be made by
/// it, the pool is filled anew: what is open goes when its user is done with it.
pub async fn connect(
    config: &DatabaseConfig,
    application: &str,
    files: &Files,
) -> Result<PgPool, StartError> {
    let source = config.source()?;
    // Looked at before it is read: a change between the two is seen later.
    let found = FileState::of([(source.variable(), source.file())]);
    let options = config.session(&source, application)?;
    let unusable = |cause| StartError::unusable(source.variable(), cause);
    first_connection(&options, &source, config.connect_timeout())
        .await?
        .close()
        .await
        .map_err(unusable)?;
    let moved = Moved::default();
    let pool = pool(config, options, &moved);
    if let Some(found) = found {
        let followed = Arc::new((config.clone(), pool.clone(), application.to_owned(), moved));
        files.on_change(found, move || {
            let (followed, source) = (Arc::clone(&followed), source.clone());
            async move {
                let (config, pool, application, moved) = &*followed;
                let options = config.session(&source, application)?;
                // The file is looked at again soon: no need to wait here.
                let proof = first_connection(&options, &source, Duration::ZERO).await?;
                pool.set_connect_options(options);
                moved.now();
                // Whether it says goodbye does not matter.
                proof.close().await.unwrap_or_default();
                Ok(())
            }
            .boxed()
        });
    }
    Ok(pool)
}

/// When the pool was last told of another address.
#[derive(Clone, Default)]
struct Moved(Arc<RwLock<Option<Instant>>>);

impl Moved {
    fn now(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether a connection was made by the address of before: it may go on answering, and
    /// be another server.
    fn left_behind(&self, connection: &PoolConnectionMetadata) -> bool {
        let moved = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        moved.is_some_and(|moved| connection.age > moved.elapsed())
    }
}

fn pool(config: &DatabaseConfig, options: PgConnectOptions, moved: &Moved) -> PgPool {
    let (before, after) = (moved.clone(), moved.clone());
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .max_lifetime(Duration::from_mins(30))
        // A question before each use would double the round trips of a short statement.
        .test_before_acquire(false)
        .before_acquire(move |conn, seen| {
            let left_behind = before.left_behind(&seen);
            Box::pin(async move {
                Ok(!left_behind && (seen.idle_for < IDLE || conn.ping().await.is_ok()))
            })
        })
        // A `begin` that is given up while it is under way leaves a transaction that the
        // library does not know of (transact-rs/sqlx#4393): what the next one writes without a
        // transaction of its own would be undone with it. So it is ended here, behind a
        // `begin` that keeps PostgreSQL from warning of there being none. This also asks
        // whether the connection is well; without a limit, one to a machine that is gone
        // would keep its place in the pool for a quarter of an hour.
        .after_release(move |conn, seen| {
            let left_behind = after.left_behind(&seen);
            Box::pin(async move {
                if left_behind {
                    return Ok(false);
                }
                let ended = timeout(WELL_WITHIN, conn.execute("begin; rollback")).await;
                ended.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|_| true)
            })
        })
        .connect_lazy_with(options)
}

/// Gives up on work with the database that is not done in time: from a machine that is
/// gone comes neither an answer nor an error, ever. Calls have their deadline; this is
/// for tasks.
pub fn in_time<T, E: From<Error>>(
    work: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    // Boxed: what waits for it need not be as large as the work.
    let work = Box::pin(work);
    async move {
        timeout(TASK_TIMEOUT, work).await.unwrap_or_else(|_| {
            let silent = Error::unavailable("DATABASE_SILENT", "la base de données ne répond pas");
            Err(silent.into())
        })
    }
}
