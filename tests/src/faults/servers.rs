//! The servers that the suite stands on, and what befalls them.

use std::{
    collections::HashMap,
    net::SocketAddr,
    ops::Range,
    time::{Duration, Instant},
};

use dev::Suite;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use testkit::{
    Backup, Database, Point, Postgres, PostgresOptions, Redis, RedisCluster, RedisClusterOptions,
    Standby, Synchrony, eventually_within, some_within,
};
use time::OffsetDateTime;
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use super::{ledger::Ledger, mailbox::Mailbox, mutants::operate, network::Network, plan::Ground};

/// How many more lines the ledger has before a restore undoes them.
const UNDONE: usize = 150;
/// How long that may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Which producers each consumer follows.
const CONSUMERS: [(&str, &[&str]); 4] = [
    ("intake", &["qualification"]),
    ("qualification", &["intake"]),
    ("notification", &["intake", "qualification"]),
    ("statistics", &["intake", "qualification"]),
];

/// The queue, before the suite that uses it.
pub(super) struct Queue(Option<RedisCluster>);

/// The servers that the suite stands on.
pub(super) struct Servers<'a> {
    suite: &'a Suite,
    ground: Ground,
    queue: Queue,
    standby: Option<Standby>,
    backup: Option<Backup>,
    /// What took the place of the first PostgreSQL.
    successor: Option<Postgres>,
    /// How long each step of that took.
    pub(super) steps: Vec<Step>,
    /// Finds out when notification follows the new history of each producer.
    rejoining: JoinSet<Option<(&'static str, OffsetDateTime)>>,
}

/// A step, and how long it took.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What was done.
    pub what: String,
    /// Milliseconds.
    pub ms: u128,
}

impl Step {
    /// It was begun then, and is done now.
    pub(super) fn since(what: impl Into<String>, begun: Instant) -> Self {
        Self {
            what: what.into(),
            ms: begun.elapsed().as_millis(),
        }
    }
}

/// What a restore took back.
#[derive(Clone, Debug, Default)]
pub(super) struct Undone {
    /// The lines of the ledger that nobody is held to.
    pub(super) lines: Range<usize>,
    /// How often messages arrived meanwhile, by delivery.
    pub(super) mails: HashMap<Uuid, i32>,
    /// A moment at which the old history was gone, and nobody reached the new one yet.
    pub(super) at: Option<Instant>,
}

impl Undone {
    /// Whether the restore came between the first answer and the last.
    pub(super) fn came_between(&self, answers: &Range<Instant>) -> bool {
        self.at.is_some_and(|at| answers.contains(&at))
    }
}

impl Queue {
    /// Starts what the ground asks for beside the suite's own Redis.
    pub(super) async fn start(ground: Ground) -> Self {
        match ground {
            Ground::Single | Ground::Restored => Self(None),
            Ground::Replicated => {
                let cluster = RedisCluster::start(RedisClusterOptions::default()).await;
                Self(Some(cluster.expect("a Redis Cluster starts")))
            }
        }
    }

    /// What the services have to be told of it.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let of = |cluster: &RedisCluster| {
            [
                ("EVENTLOG_REDIS_URL", cluster.url()),
                ("EVENTLOG_REDIS_MODE", "cluster".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
        };
        self.0.as_ref().map(of).unwrap_or_default()
    }
}

impl<'a> Servers<'a> {
    /// Adds to the servers of the suite what the ground asks for.
    pub(super) async fn around(suite: &'a Suite, ground: Ground, queue: Queue) -> Self {
        let standby = match ground {
            Ground::Single | Ground::Restored => None,
            Ground::Replicated => {
                let primary = &suite.postgres;
                let standby = primary.standby(PostgresOptions::default()).await;
                let standby = standby.expect("a standby follows");
                let synchronous = primary.synchronous_with(&standby, Synchrony::Flushed);
                synchronous.await.expect("commits wait for the standby");
                Some(standby)
            }
        };
        Self {
            suite,
            ground,
            queue,
            standby,
            backup: None,
            successor: None,
            steps: Vec::new(),
            rejoining: JoinSet::new(),
        }
    }

    /// The database where it is now.
    pub(super) fn database(&self) -> Database {
        self.suite.database.at(self.postgres().port())
    }

    /// Whether PostgreSQL has yet to be replaced.
    pub(super) fn awaits_successor(&self) -> bool {
        self.ground != Ground::Single && self.successor.is_none()
    }

    /// Kills PostgreSQL, and starts it again after a while.
    pub(super) async fn kill_postgres(&self, away: Duration) {
        let postgres = self.postgres();
        postgres.kill9().await.expect("PostgreSQL can be killed");
        sleep(away).await;
        postgres.restart().await.expect("PostgreSQL comes back");
    }

    /// Kills a Redis, and starts it again after a while.
    pub(super) async fn kill_redis(&self, away: Duration) {
        let redis = match &self.queue.0 {
            None => &self.suite.redis,
            Some(cluster) => one_of(cluster.nodes()),
        };
        redis.kill9().await.expect("Redis can be killed");
        sleep(away).await;
        redis.restart().await.expect("Redis comes back");
    }

    /// Empties Redis.
    pub(super) async fn empty_redis(&self) {
        let emptied = match &self.queue.0 {
            None => self.suite.redis.flush_all().await,
            Some(cluster) => cluster.flush_all().await,
        };
        emptied.expect("Redis can be emptied");
    }

    /// Takes a backup, where the ground asks for one; from then on the server
    /// archives what it commits.
    pub(super) async fn back_up(&mut self) {
        let awaited = self.ground == Ground::Restored && self.successor.is_none();
        if awaited && self.backup.is_none() {
            let begun = Instant::now();
            let backup = self.suite.postgres.back_up().await;
            self.steps.push(Step::since("backup taken", begun));
            self.backup = Some(backup.expect("a backup is taken"));
        }
    }

    /// Destroys PostgreSQL for good and puts another in its place: the standby,
    /// which has everything, or the backup, which has what was committed up to a
    /// moment.
    pub(super) async fn replace_postgres(
        &mut self,
        network: &Network,
        ledger: &Ledger,
        mailbox: &Mailbox,
    ) -> Undone {
        let (successor, undone) = match (self.standby.take(), self.backup.take()) {
            (Some(standby), _) => {
                let primary = &self.suite.postgres;
                primary.kill9().await.expect("PostgreSQL can be killed");
                let begun = Instant::now();
                let promoted = standby.promote().await;
                self.steps.push(Step::since("standby promoted", begun));
                (
                    promoted.expect("the standby is promoted"),
                    Undone::default(),
                )
            }
            (None, Some(backup)) => self.restore(&backup, ledger, mailbox).await,
            (None, None) => unreachable!("the ground has a standby or a backup"),
        };
        network.lead_to(SocketAddr::from(([127, 0, 0, 1], successor.port())));
        self.successor = Some(successor);
        if self.ground == Ground::Restored {
            for producer in ["intake", "qualification"] {
                let url = self.database().superuser_url();
                let rejoins = some_within(5 * PATIENCE, move || rejoined(url.clone(), producer));
                self.rejoining.spawn(rejoins);
            }
        }
        undone
    }

    /// Restores a backup to this moment while people go on, and has everybody
    /// accept the new history, as the run-book says.
    async fn restore(
        &mut self,
        backup: &Backup,
        ledger: &Ledger,
        mailbox: &Mailbox,
    ) -> (Postgres, Undone) {
        let lost = &self.suite.postgres;
        let url = self.suite.database.superuser_url();
        let mut administrator = PgConnection::connect(&url).await.unwrap();
        // Read before the moment: what is told by then was committed before.
        let (first, arrived) = (ledger.lines().await, mailbox.copies());
        let moment: OffsetDateTime = sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(&mut administrator)
            .await
            .unwrap();
        let enough = first + UNDONE;
        eventually_within(PATIENCE, async || ledger.lines().await >= enough).await;
        let archived = backup.catch_up_with(lost).await;
        archived.expect("what was committed is archived");
        lost.kill9().await.expect("PostgreSQL can be killed");

        let begun = Instant::now();
        let point = Point::Time(moment);
        let restored = backup.restore(&point, PostgresOptions::default()).await;
        let restored = restored.expect("the backup is restored");
        self.steps.push(Step::since("backup restored", begun));
        let begun = Instant::now();
        let database = self.suite.database.at(restored.port());
        let mut administrator = PgConnection::connect(&database.superuser_url())
            .await
            .unwrap();
        sqlx::query(
            "select setval('intake.report_number', last_value + 10000000) from intake.report_number",
        )
        .execute(&mut administrator)
        .await
        .unwrap();
        for producer in ["intake", "qualification", "notification"] {
            operate(&database, producer, &["reincarnate"]).await;
        }
        for (consumer, producers) in CONSUMERS {
            for producer in producers {
                let adopt = ["adopt", "--consumer", consumer, "--producer", producer];
                operate(&database, consumer, &adopt).await;
            }
        }
        self.steps.push(Step::since("new history accepted", begun));
        // No service has had a database since, so nobody was told anything more.
        let mut mails = mailbox.copies();
        for (delivery, before) in arrived {
            mails.entry(delivery).and_modify(|copies| *copies -= before);
        }
        let lines = first..ledger.lines().await;
        let at = Some(Instant::now());
        (restored, Undone { lines, mails, at })
    }

    /// When notification followed the new history of each producer: until then it is
    /// told how cases stand, not all that came before.
    pub(super) async fn rejoined_at(&mut self) -> Vec<(&'static str, OffsetDateTime)> {
        let mut moments = Vec::new();
        while let Some(rejoined) = self.rejoining.join_next().await {
            let rejoined = rejoined.expect("nobody ends it");
            moments.push(rejoined.expect("notification follows it"));
        }
        moments
    }

    fn postgres(&self) -> &Postgres {
        self.successor.as_ref().unwrap_or(&self.suite.postgres)
    }
}

/// The present moment, once notification follows a producer and the server says so.
async fn rejoined(url: String, producer: &'static str) -> Option<(&'static str, OffsetDateTime)> {
    let sql = "select clock_timestamp() from notification.consumer_offset
               where producer = $1
               having bool_and(incarnation is not null)";
    let mut administrator = PgConnection::connect(&url).await.ok()?;
    let moment = sqlx::query_scalar(sql)
        .bind(producer)
        .fetch_optional(&mut administrator);
    Some((producer, moment.await.ok()??))
}

fn one_of(nodes: &[Redis]) -> &Redis {
    &nodes[rand::random_range(0..nodes.len())]
}
