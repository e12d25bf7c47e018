//! A run: people work, faults happen, and in the end the books are read.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use dev::{Layout, SERVICES, Suite};
use serde::Serialize;

use super::{
    chaos::{self, Surroundings, Tally},
    checks::{Acknowledged, Books, Broken, Post},
    client::Counts,
    holder,
    ledger::{KINDS, Ledger},
    load::Load,
    mailbox::Mailbox,
    network::{Network, Weathered},
    plan::{Ground, Plan},
    processes::{Fleet, build},
    reader::Reader,
    servers::{Queue, Servers, Undone},
};
use crate::process::Programs;

/// How many workers send messages in a process of notification.
const WORKERS: i64 = 16;

/// How many cases the cell may follow that a restore undid: the one it treats, and
/// one that waits meanwhile.
const CELL: usize = 2;

/// The same of those who talk about a report, two structures with the cell, and of who
/// escalates one.
const OTHERS: usize = 3 * CELL;

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// What the dice started from.
    pub seed: u64,
    /// How long all of it took.
    pub seconds: u64,
    /// How many processes and servers were killed.
    pub kills: i64,
    /// What was done to the suite.
    pub faults: Tally,
    /// What befell the connections of each service to its database.
    pub network: BTreeMap<&'static str, Weathered>,
    /// What clients counted.
    pub clients: Counts,
    /// Reports that were acknowledged, without those that a restore undid.
    pub acknowledged: usize,
    /// What was said of reports, acknowledged and not undone, by its kind.
    pub said: BTreeMap<String, usize>,
    /// What clients asked for, and were told is done, while a restore undid it.
    pub undone: usize,
    /// Requests whose two answers differed, without those that a restore came between.
    pub differing: usize,
    /// Requests that may be refused, because they follow up what was undone.
    pub may_give_up: usize,
    /// Whether calls may be unknown, because the release before serves too.
    pub may_be_unknown: bool,
    /// How long a frozen holder of a lock held up the others.
    pub held_up_ms: u128,
    /// How long after the last answer everything was applied and sent; absent when
    /// that never came.
    pub calm_after_ms: Option<u128>,
    /// Messages, and what was tried twice.
    pub post: Post,
    /// What does not hold.
    pub broken: Vec<Broken>,
    /// What each service finds wrong with its own audit trail.
    pub unsealed: Vec<String>,
    /// How processes ended that nobody killed.
    pub unexplained_deaths: Vec<String>,
    /// Tries of messages without a record that interruptions may account for.
    pub tries_in_flight: i64,
}

impl Outcome {
    /// What was acknowledged or announced and is not there.
    pub fn lost(&self) -> usize {
        self.broken.iter().map(|broken| broken.lost).sum()
    }

    /// What is there more than once.
    pub fn duplicated(&self) -> usize {
        self.broken.iter().map(|broken| broken.twice).sum()
    }

    /// Everything that is not as it must be, one line each.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> = self
            .broken
            .iter()
            .map(|broken| {
                format!(
                    "{}: {} lost, {} twice, {} wrong, such as {}",
                    broken.claim, broken.lost, broken.twice, broken.wrong, broken.such_as
                )
            })
            .collect();
        let mut unless = |holds: bool, complaint: &str| {
            if !holds {
                complaints.push(complaint.to_owned());
            }
        };
        let (clients, post) = (&self.clients, &self.post);
        unless(self.calm_after_ms.is_some(), "the services never caught up");
        unless(
            self.faults.were_enough,
            "there were not faults enough, or not enough work",
        );
        unless(
            self.unsealed.is_empty(),
            "an audit trail is not as it was sealed",
        );
        unless(self.differing == 0, "a request was answered in two ways");
        unless(
            KINDS.iter().all(|kind| self.said.contains_key(*kind)) && clients.refused > 0,
            "not everything that can be said was said, or nothing was refused that must be",
        );
        unless(
            clients.gave_up <= self.may_give_up,
            "somebody was refused or not answered, see last_words",
        );
        unless(
            clients.unknown == 0 || self.may_be_unknown,
            "a call was not known",
        );
        unless(
            clients.internal == 0,
            "a service took a fault elsewhere for its own",
        );
        // Only what was in flight at an interruption is tried and received again.
        unless(
            post.duplicates <= post.further_tries && post.unrecorded_tries <= self.tries_in_flight,
            "messages were tried more often than interruptions account for",
        );
        complaints.extend(self.unexplained_deaths.iter().cloned());
        complaints
    }
}

/// One machine with a mail server of our own, and waits short enough to see their
/// end: an attempt that nobody recorded is made again after 27 s.
pub(super) fn layout(plan: &Plan, mailbox: &Mailbox, queue: Vec<(String, String)>) -> Layout {
    let variables = [
        ("SMTP_PORT", mailbox.port().to_string()),
        ("SMTP_TIMEOUT_MS", "5000".to_owned()),
        // The name that the first release knows it by, which drills start beside this one.
        ("SMTP_STEP_TIMEOUT_MS", "1500".to_owned()),
        ("NOTIFICATION_DELIVERY_WORKERS", WORKERS.to_string()),
        ("NOTIFICATION_RETRY_BASE_MS", "500".to_owned()),
        ("NOTIFICATION_CLAIM_MS", "27000".to_owned()),
        // Nobody is called twice: an escalation that stays open would never end a run.
        ("QUALIFICATION_ESCALATION_DELAY_SECONDS", "86400".to_owned()),
    ];
    Layout {
        folder: plan.folder.clone(),
        variables: variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .chain(queue)
            .collect(),
        ..Layout::throw_away()
    }
}

/// Carries out a plan on one machine, with two processes of each service.
///
/// # Panics
///
/// When the surroundings do not start, or an invariant cannot tell a violation.
pub async fn run(plan: &Plan) -> Outcome {
    let started = Instant::now();
    let mailbox = Mailbox::start().await;
    let queue = Queue::start(plan.ground).await;
    let suite = Suite::prepare(layout(plan, &mailbox, queue.variables()))
        .await
        .expect("the surroundings start");
    let mut servers = Servers::around(&suite, plan.ground, queue).await;
    let ledger = Arc::new(Ledger::open(suite.folder().join("acknowledged.jsonl")).await);
    let network = Network::start(plan, &suite).await;
    let binaries = build(&suite, Programs::Released).await;
    let fleet = Fleet::start(&suite, &network, &binaries).await;

    let held_up = Box::pin(holder::freeze_the_holder(&suite, &fleet, &ledger)).await;

    let load = Load::start(plan, &suite, &fleet, &ledger);
    let surroundings = Surroundings {
        fleet: &fleet,
        network: &network,
        ledger: &ledger,
        mailbox: &mailbox,
        reader: &Reader::of(plan, &suite, &fleet),
        programs: &binaries,
    };
    let dealt = chaos::deal(plan, &mut servers, &surroundings, &load);
    let (faults, undone) = Box::pin(dealt).await;
    let clients = load.finish().await;
    let told = Told {
        started,
        held_up,
        faults,
        undone,
        clients,
    };
    judge(plan, &mut servers, &surroundings, told).await
}

/// What is known before the books are read.
pub(super) struct Told {
    /// When it began.
    pub(super) started: Instant,
    /// How long a frozen holder of a lock held up the others.
    pub(super) held_up: Duration,
    /// What was done to the suite.
    pub(super) faults: Tally,
    /// What a restore took back.
    pub(super) undone: Undone,
    /// What clients counted.
    pub(super) clients: Counts,
}

/// Waits until all is done, and reads the books.
pub(super) async fn judge(
    plan: &Plan,
    servers: &mut Servers<'_>,
    surroundings: &Surroundings<'_>,
    told: Told,
) -> Outcome {
    let Surroundings {
        fleet,
        network,
        ledger,
        mailbox,
        reader,
        programs,
    } = surroundings;
    let Told {
        started,
        held_up,
        faults,
        undone,
        clients,
    } = told;
    fleet.ready().await;
    let mut books = Books::open(&servers.database()).await;
    let calm_after = books.calm(plan.catch_up).await;

    let rejoined_at = match calm_after {
        Some(_) => servers.rejoined_at().await,
        None => Vec::new(),
    };
    let Acknowledged { reports, said } = books
        .compare_with(ledger, mailbox, reader, &undone, &rejoined_at)
        .await;
    let post = books.post().await;
    let broken = books.broken_invariants().await;
    books.assert_that_violations_are_told().await;
    let database = servers.database();
    let mut unsealed = Vec::new();
    for service in SERVICES {
        let replica = fleet.replicas(service).next().expect("there are two");
        let verified = replica.run_beside(programs, &database, "verify-audit");
        let verified = verified.await;
        unsealed.extend(verified.err());
    }
    let weathered = network.weathered();
    let notification = weathered["notification"];
    // A connection that breaks may have carried a claim.
    let broken_off = i64::try_from(notification.cut + notification.half_open).unwrap_or(i64::MAX);
    // Whoever followed up what a restore undid is told that there is no such thing.
    let may_give_up = match plan.ground {
        Ground::Single | Ground::Replicated => 0,
        Ground::Restored => plan.declarants + CELL + OTHERS,
    };
    let by_the_restore = |answers: &&_| undone.came_between(answers);
    let excused = clients.differing.iter().filter(by_the_restore).count();
    Outcome {
        seed: plan.seed,
        seconds: started.elapsed().as_secs(),
        kills: faults.kills(),
        // One by each worker, and by that of the digests.
        tries_in_flight: (WORKERS + 1) * faults.interruptions("notification") + broken_off,
        faults,
        network: weathered,
        differing: clients.differing.len() - excused,
        clients,
        acknowledged: reports,
        said,
        undone: undone.lines.len(),
        may_give_up,
        may_be_unknown: plan.beside_the_last,
        held_up_ms: held_up.as_millis(),
        calm_after_ms: calm_after.map(|calm| calm.as_millis()),
        post,
        broken,
        unsealed,
        unexplained_deaths: fleet.unexplained_deaths(),
    }
}
