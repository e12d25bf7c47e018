//! Wrong variants of the suite: each breaks an invariant, and a run must tell.

use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use dev::{SERVICES, Suite};
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use testkit::Database;
use tokio::process::Command;

use super::{
    checks::{Books, Broken},
    ledger::Ledger,
    load::Load,
    mailbox::Mailbox,
    network::Network,
    plan::Plan,
    processes::{Fleet, Signal, build, signal},
    reader::Reader,
    run::layout,
    servers::Undone,
};
use crate::process::{Programs, programs};

/// A wrong variant of the suite.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name, as in `VIGIE_MUTANT`.
    pub name: &'static str,
    /// The invariants of which it breaks at least one.
    pub breaks: &'static [&'static str],
    provocation: Provocation,
}

/// What makes it break them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provocation {
    /// Processes end by themselves where that hurts most.
    Crashes,
    /// PostgreSQL is killed, and nothing writes to its log in the background:
    /// what no commit waited for is in memory.
    KillPostgres,
    /// An operator has consumers start over from a snapshot.
    StartOver,
}

/// The suite itself, provoked like the mutants: it breaks nothing.
pub const NO_MUTANTS: [Mutant; 3] = [
    Mutant {
        name: "none, at crash points",
        breaks: &[],
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "none, PostgreSQL killed",
        breaks: &[],
        provocation: Provocation::KillPostgres,
    },
    Mutant {
        name: "none, started over",
        breaks: &[],
        provocation: Provocation::StartOver,
    },
];

/// What a consumer that lost an event leaves undone.
const EFFECTS: &[&str] = &[
    "one-case",
    "told-once",
    "one-fact",
    "one-set-of-messages",
    "declarant-knows",
];

/// All wrong variants.
pub const MUTANTS: [Mutant; 11] = [
    Mutant {
        name: "acknowledge-before-commit",
        breaks: &["stored"],
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "offset-outside-transaction",
        breaks: EFFECTS,
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "events-in-a-second-transaction",
        breaks: &["announced"],
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "ignore-gaps",
        breaks: EFFECTS,
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "retry-without-the-key",
        breaks: &["one-per-request"],
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "random-ids",
        breaks: &["told-once"],
        provocation: Provocation::StartOver,
    },
    Mutant {
        name: "head-counts-attempts",
        breaks: &["log-whole"],
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "commit-without-flush",
        breaks: &["stored"],
        provocation: Provocation::KillPostgres,
    },
    Mutant {
        name: "amend-without-the-revision",
        breaks: &["numbered"],
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "answer-taken-twice",
        breaks: &["said-kept"],
        provocation: Provocation::Crashes,
    },
    Mutant {
        name: "measure-unannounced",
        breaks: &["activity-announced"],
        provocation: Provocation::Crashes,
    },
];

/// What a hunt found.
#[derive(Clone, Debug, Serialize)]
pub struct Hunt {
    /// The mutant.
    pub mutant: &'static str,
    /// The invariants of which it must break one.
    pub must_break: &'static [&'static str],
    /// Whether it did.
    pub caught: bool,
    /// What it broke.
    pub broken: Vec<Broken>,
    /// Reports that were acknowledged.
    pub acknowledged: usize,
    /// How long it took.
    pub seconds: u64,
}

/// How many reports are acknowledged before something is done to the suite.
const WORK: usize = 300;

/// Once in so many times a process ends at a crash point.
const CRASHES: &str = "300";

/// Lets a mutant loose for half a minute and says what it broke.
///
/// # Panics
///
/// When its surroundings do not start.
pub async fn hunt(mutant: Mutant) -> Hunt {
    let started = Instant::now();
    let plan = Plan {
        declarants: 16,
        pace: Duration::from_millis(150),
        patience: Duration::from_secs(4),
        // What must be caught is the mutant, not the weather.
        weather: None,
        catch_up: Duration::from_secs(if mutant.breaks.is_empty() { 120 } else { 20 }),
        ..Plan::short()
    };
    let mailbox = Mailbox::start().await;
    let mut layout = layout(&plan, &mailbox, Vec::new());
    let mut tell = |name: &str, value: &str| layout.variables.push((name.into(), value.into()));
    tell("VIGIE_MUTANT", mutant.name);
    if mutant.provocation == Provocation::Crashes {
        tell("VIGIE_CRASHES", CRASHES);
    }
    let suite = Suite::prepare(layout).await.expect("the suite is prepared");
    let ledger = Arc::new(Ledger::open(suite.folder().join("acknowledged.jsonl")).await);
    let network = Network::start(&plan, &suite).await;
    let binaries = build(&suite, Programs::Mutants).await;
    let fleet = Fleet::start(&suite, &network, &binaries).await;
    let mut books = Books::open(&suite.database).await;

    match mutant.provocation {
        Provocation::Crashes => {
            let load = Load::start(&plan, &suite, &fleet, &ledger);
            load.acknowledged(2 * WORK).await;
            load.finish().await;
        }
        Provocation::KillPostgres => {
            for _ in 0..2 {
                let load = Load::start(&plan, &suite, &fleet, &ledger);
                freeze_wal_writer(&suite).await;
                load.acknowledged(WORK).await;
                let postgres = &suite.postgres;
                postgres.kill9().await.expect("PostgreSQL can be killed");
                postgres.restart().await.expect("PostgreSQL comes back");
                load.finish().await;
            }
            books = Books::open(&suite.database).await;
        }
        Provocation::StartOver => {
            let load = Load::start(&plan, &suite, &fleet, &ledger);
            load.acknowledged(WORK).await;
            load.finish().await;
            books.calm(plan.catch_up).await;
            start_over(&suite, &fleet).await;
        }
    }
    books.calm(plan.catch_up).await;
    let undone = Undone::default();
    let reader = Reader::of(&plan, &suite, &fleet);
    let compared = books.compare_with(&ledger, &mailbox, &reader, &undone, &[]);
    let acknowledged = compared.await.reports;
    let broken = books.broken_invariants().await;
    Hunt {
        mutant: mutant.name,
        must_break: mutant.breaks,
        caught: broken
            .iter()
            .any(|broken| mutant.breaks.contains(&broken.invariant)),
        broken,
        acknowledged,
        seconds: started.elapsed().as_secs(),
    }
}

/// Freezes the process that writes what no commit waits for.
async fn freeze_wal_writer(suite: &Suite) {
    let url = suite.database.superuser_url();
    let mut administrator = PgConnection::connect(&url).await.unwrap();
    let writer: i32 =
        sqlx::query_scalar("select pid from pg_stat_activity where backend_type = 'walwriter'")
            .fetch_one(&mut administrator)
            .await
            .unwrap();
    signal(writer.cast_unsigned(), Signal::Freeze).await;
}

/// Starts the processes of notification anew and has every consumer of intake begin
/// again, as after a restore.
async fn start_over(suite: &Suite, fleet: &Fleet) {
    for replica in fleet.replicas("notification") {
        replica.send(Signal::Kill).await;
    }
    fleet.ready().await;
    operate(&suite.database, "intake", &["reincarnate"]).await;
    for consumer in SERVICES.iter().filter(|service| **service != "intake") {
        let adopt = ["adopt", "--consumer", consumer, "--producer", "intake"];
        operate(&suite.database, consumer, &adopt).await;
    }
}

/// Runs a command of `vigie log` on the schema of a service.
pub(super) async fn operate(database: &Database, service: &str, words: &[&str]) {
    let mut vigie = Command::new(programs().join("vigie-dev"));
    vigie.arg("log").args(words);
    vigie.args(["--schema", service, "--database-url"]);
    vigie.arg(database.url(service)).stdout(Stdio::null());
    let done = vigie.status().await.expect("the command can be run");
    assert!(done.success(), "vigie log {words:?}");
}
