//! Faults at random; the same seed deals the same ones.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    time::{Duration, Instant},
};

use dev::SERVICES;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde::Serialize;
use tokio::time::sleep_until;

use super::{
    ledger::Ledger,
    load::Load,
    mailbox::Mailbox,
    network::Network,
    plan::{Ground, Plan},
    processes::{Fleet, REPLICAS, Signal},
    reader::Reader,
    servers::{Servers, Undone},
};

/// How often one is told how far it came.
const TOLD: Duration = Duration::from_secs(30);
/// How long a server stays away, in milliseconds.
const AWAY: Range<u64> = 100..2_000;
/// How long a process stays frozen, in milliseconds: longer than PostgreSQL
/// bears with a session that holds locks and says nothing.
const FROZEN: Range<u64> = 6_000..8_000;

/// How often what was done.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// SIGKILL, by service.
    pub killed: BTreeMap<&'static str, i64>,
    /// SIGSTOP for several seconds, by service.
    pub frozen: BTreeMap<&'static str, i64>,
    /// SIGKILL of PostgreSQL with all its processes.
    pub postgres: i64,
    /// SIGKILL of Redis.
    pub redis: i64,
    /// `FLUSHALL`.
    pub emptied: i64,
    /// PostgreSQL destroyed for good, and its place taken by a standby or a backup.
    pub replaced: i64,
    /// Whether that is what was planned.
    pub were_enough: bool,
}

/// A fault, as a card of the deck.
#[derive(Clone, Copy, Debug)]
enum Fault {
    KillService,
    FreezeService,
    KillPostgres,
    KillRedis,
    EmptyRedis,
}

/// Every card comes up before one comes again.
const DECK: [Fault; 9] = [
    Fault::KillService,
    Fault::KillService,
    Fault::KillService,
    Fault::KillService,
    Fault::KillService,
    Fault::FreezeService,
    Fault::KillPostgres,
    Fault::KillRedis,
    Fault::EmptyRedis,
];

/// Deals faults to the suite for as long as the plan says, and longer until there
/// were enough of every kind and enough was declared.
pub(super) async fn deal(
    plan: &Plan,
    servers: &mut Servers<'_>,
    surroundings: &Surroundings<'_>,
    load: &Load,
) -> (Tally, Undone) {
    let mut undone = Undone::default();
    let mut dealer = Dealer {
        plan,
        servers,
        fleet: surroundings.fleet,
        dice: StdRng::seed_from_u64(plan.seed),
        faults: Vec::new(),
        victims: Vec::new(),
        frozen: None,
        tally: Tally::default(),
    };
    let (starts, mut told) = (Instant::now(), Instant::now());
    loop {
        let enough = dealer.tally.is_enough(plan) && load.counts().declared >= plan.declarations;
        dealer.tally.were_enough = enough;
        let taken = starts.elapsed();
        if (enough && taken >= plan.lasts) || taken >= plan.at_most {
            break;
        }
        dealer.pause().await;
        if taken > plan.lasts / 4 {
            dealer.servers.back_up().await;
        }
        if taken > plan.lasts / 2 && dealer.servers.awaits_successor() {
            undone = dealer.replace_postgres(surroundings).await;
        }
        dealer.deal().await;
        if told.elapsed() > TOLD {
            told = Instant::now();
            let (declared, kills) = (load.counts().declared, dealer.tally.kills());
            println!(
                "{:>5} s: {declared} declared, {kills} kills",
                starts.elapsed().as_secs()
            );
        }
    }
    dealer.thaw().await;
    (dealer.tally, undone)
}

/// What faults reach beside the servers.
pub(super) struct Surroundings<'a> {
    /// The services.
    pub(super) fleet: &'a Fleet,
    /// Their way to PostgreSQL.
    pub(super) network: &'a Network,
    /// What clients were told.
    pub(super) ledger: &'a Ledger,
    /// What arrived.
    pub(super) mailbox: &'a Mailbox,
    /// Who reads back what was said.
    pub(super) reader: &'a Reader,
    /// The folder with the programs of this release.
    pub(super) programs: &'a Path,
}

struct Dealer<'a, 'suite> {
    plan: &'a Plan,
    servers: &'a mut Servers<'suite>,
    fleet: &'a Fleet,
    dice: StdRng,
    /// What is left of the deck.
    faults: Vec<Fault>,
    /// The processes whose turn has not come yet.
    victims: Vec<usize>,
    /// The process that is frozen, and until when.
    frozen: Option<(usize, Instant)>,
    tally: Tally,
}

impl Dealer<'_, '_> {
    async fn deal(&mut self) {
        if self.faults.is_empty() {
            self.faults.extend(DECK);
            self.faults.shuffle(&mut self.dice);
        }
        let fault = self.faults.pop().expect("the deck was just filled");
        match fault {
            Fault::KillService => {
                let victim = self.victim();
                let member = &self.fleet.members[victim];
                member.send(Signal::Kill).await;
                *self.tally.killed.entry(member.service).or_default() += 1;
            }
            Fault::FreezeService => {
                self.thaw().await;
                let victim = self.victim();
                let member = &self.fleet.members[victim];
                member.send(Signal::Freeze).await;
                *self.tally.frozen.entry(member.service).or_default() += 1;
                self.frozen = Some((victim, Instant::now() + self.throw(FROZEN)));
            }
            Fault::KillPostgres => {
                let away = self.throw(AWAY);
                self.servers.kill_postgres(away).await;
                self.tally.postgres += 1;
            }
            Fault::KillRedis => {
                let away = self.throw(AWAY);
                self.servers.kill_redis(away).await;
                self.tally.redis += 1;
            }
            Fault::EmptyRedis => {
                self.servers.empty_redis().await;
                self.tally.emptied += 1;
            }
        }
    }

    async fn replace_postgres(&mut self, surroundings: &Surroundings<'_>) -> Undone {
        // A frozen process would keep its place at the old one.
        self.thaw().await;
        let Surroundings {
            network,
            ledger,
            mailbox,
            ..
        } = surroundings;
        let undone = self
            .servers
            .replace_postgres(network, ledger, mailbox)
            .await;
        self.tally.postgres += 1;
        self.tally.replaced += 1;
        undone
    }

    /// A process, of which every one has its turn before one comes again.
    fn victim(&mut self) -> usize {
        if self.victims.is_empty() {
            self.victims.extend(0..self.fleet.members.len());
            self.victims.shuffle(&mut self.dice);
        }
        self.victims.pop().expect("the victims were just filled")
    }

    fn throw(&mut self, milliseconds: Range<u64>) -> Duration {
        Duration::from_millis(self.dice.random_range(milliseconds))
    }

    /// Waits for the next fault; thaws meanwhile what was frozen long enough.
    async fn pause(&mut self) {
        let next = Instant::now() + self.throw(self.plan.between.clone());
        if let Some((_, until)) = self.frozen.filter(|(_, until)| *until < next) {
            sleep_until(until.into()).await;
            self.thaw().await;
        }
        sleep_until(next.into()).await;
    }

    /// Lets a frozen process go on, if it was not killed meanwhile.
    async fn thaw(&mut self) {
        if let Some((victim, until)) = self.frozen.take() {
            sleep_until(until.into()).await;
            self.fleet.members[victim].send(Signal::Thaw).await;
        }
    }
}

impl Tally {
    /// How many processes and servers were killed.
    pub fn kills(&self) -> i64 {
        self.killed.values().sum::<i64>() + self.postgres + self.redis
    }

    /// Whether there was enough of every kind to prove something.
    pub(super) fn is_enough(&self, plan: &Plan) -> bool {
        let of_servers = [self.postgres, self.redis, self.emptied];
        self.kills() >= plan.kills
            && self.emptied >= plan.wipes
            && SERVICES.iter().all(|name| self.killed.contains_key(name))
            && !self.frozen.is_empty()
            && (plan.ground == Ground::Single || self.replaced > 0)
            && of_servers.iter().all(|count| *count > 0)
    }

    /// How often a process of a service was interrupted in what it did, by
    /// itself or with its database.
    pub(super) fn interruptions(&self, service: &str) -> i64 {
        let of = |counts: &BTreeMap<&str, i64>| counts.get(service).copied().unwrap_or_default();
        of(&self.killed) + of(&self.frozen) + self.postgres * REPLICAS
    }
}
