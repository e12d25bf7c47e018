//! Drills: what an operator has to live through happens to the suite at work, and how
//! long people feel it is measured.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use dev::Suite;
use serde::Serialize;

use super::{
    chaos::{Surroundings, Tally},
    ledger::Ledger,
    load::Load,
    mailbox::Mailbox,
    network::Network,
    plan::{Ground, Plan},
    processes::{Fleet, build, copy, migrate},
    reader::Reader,
    run::{Outcome, Told, judge, layout},
    servers::{Queue, Servers, Step, Undone},
};
use crate::process::Programs;

/// How many reports are acknowledged before something happens, and afterwards.
const WORK: usize = 400;

/// What is drilled.
#[derive(Clone, Debug)]
pub enum Drill {
    /// PostgreSQL is destroyed, and restored from a backup to a moment before.
    Restore,
    /// PostgreSQL is destroyed, and the standby that its commits wait for promoted.
    Failover,
    /// The programs in this folder, of the last release, give way to these one by one,
    /// then these to them, and they to these once more.
    Upgrade(PathBuf),
}

/// What came of a drill.
#[derive(Clone, Debug, Serialize)]
pub struct Drilled {
    /// What was done, and how long it took.
    pub steps: Vec<Step>,
    /// What the books say.
    pub outcome: Outcome,
    /// What is not as it must be.
    pub complaints: Vec<String>,
}

impl Drill {
    fn plan(&self) -> Plan {
        let ground = match self {
            Self::Restore => Ground::Restored,
            Self::Failover => Ground::Replicated,
            Self::Upgrade(_) => Ground::Single,
        };
        Plan {
            // The drill is all that happens.
            weather: None,
            beside_the_last: matches!(self, Self::Upgrade(_)),
            pace: Duration::from_millis(150),
            ..Plan::on(ground)
        }
    }
}

/// Carries out a drill on one machine, with two processes of each service.
///
/// # Panics
///
/// When the surroundings do not start, or a step of the drill cannot be done.
pub async fn drill(drill: &Drill) -> Drilled {
    let started = Instant::now();
    let plan = drill.plan();
    let mailbox = Mailbox::start().await;
    let queue = Queue::start(plan.ground).await;
    let suite = Suite::without_migrations(layout(&plan, &mailbox, queue.variables()))
        .await
        .expect("the surroundings start");
    let binaries = build(&suite, Programs::Released).await;
    let first = match drill {
        Drill::Upgrade(previous) => previous.clone(),
        Drill::Restore | Drill::Failover => binaries.clone(),
    };
    let network = Network::start(&plan, &suite).await;
    let running = copy(&first, suite.folder().join("running"));
    migrate(&suite, &first).await;
    let fleet = Fleet::start(&suite, &network, &running).await;
    let mut servers = Servers::around(&suite, plan.ground, queue).await;
    let ledger = Arc::new(Ledger::open(suite.folder().join("acknowledged.jsonl")).await);

    let load = Load::start(&plan, &suite, &fleet, &ledger);
    load.acknowledged(WORK).await;
    let mut faults = Tally::default();
    let mut undone = Undone::default();
    let mut unknown = 0;
    if let Drill::Upgrade(previous) = drill {
        servers
            .steps
            .extend(upgrade(&suite, &fleet, &binaries).await);
        unknown += unknown_meanwhile(&load).await;
        servers
            .steps
            .extend(give_way(&fleet, previous, "rolled back").await);
        load.acknowledged(WORK).await;
        servers
            .steps
            .extend(give_way(&fleet, &binaries, "upgraded again").await);
        unknown += unknown_meanwhile(&load).await;
    } else {
        servers.back_up().await;
        load.acknowledged(WORK).await;
        undone = servers.replace_postgres(&network, &ledger, &mailbox).await;
        faults.postgres = 1;
        faults.replaced = 1;
    }
    load.acknowledged(WORK).await;
    faults.were_enough = true;
    let clients = load.finish().await;
    let surroundings = Surroundings {
        fleet: &fleet,
        network: &network,
        ledger: &ledger,
        mailbox: &mailbox,
        reader: &Reader::of(&plan, &suite, &fleet),
        programs: &binaries,
    };
    let told = Told {
        started,
        held_up: Duration::ZERO,
        faults,
        undone,
        clients,
    };
    let outcome = judge(&plan, &mut servers, &surroundings, told).await;
    let mut complaints = outcome.complaints();
    let insisted = outcome.clients.insisted;
    if matches!(drill, Drill::Upgrade(_)) && insisted > 0 {
        complaints.push(format!("{insisted} requests failed after one more try"));
    }
    if unknown > 0 {
        complaints.push(format!("{unknown} calls were unknown to this release"));
    }
    Drilled {
        steps: servers.steps,
        outcome,
        complaints,
    }
}

/// How many calls are unknown while work goes on.
async fn unknown_meanwhile(load: &Load) -> usize {
    let before = load.counts().unknown;
    load.acknowledged(WORK).await;
    load.counts().unknown - before
}

/// Brings the schemas up to date under load, then the programs.
async fn upgrade(suite: &Suite, fleet: &Fleet, binaries: &Path) -> Vec<Step> {
    let begun = Instant::now();
    migrate(suite, binaries).await;
    let mut steps = vec![Step::since("schemas migrated", begun)];
    steps.extend(give_way(fleet, binaries, "upgraded").await);
    steps
}

/// Replaces every process by one of the programs in this folder, one after the other.
async fn give_way(fleet: &Fleet, binaries: &Path, what: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for member in &fleet.members {
        let begun = Instant::now();
        member.give_way_to(binaries).await;
        let what = format!("a process of {} {what}", member.service);
        steps.push(Step::since(what, begun));
    }
    steps
}
