//! Applies the log of a producer, exactly once and in order per shard.

mod batch;
mod fetch;
mod follow;
mod offset;
mod parked;
mod restart;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

pub use self::fetch::Source;
pub(crate) use self::parked::{LATER, ParkedRow, Retried, list, retry, skip};
use self::{fetch::Producer, follow::Following, offset::Offsets};
use crate::{
    Apply, LogMetrics, RUNBOOK,
    metrics::{ConsumerLabels, ShardLabels, SourceLabels},
    outage::Outage,
};

/// How often a stopped consumer looks whether an operator let it go on.
const STOPPED: Duration = Duration::from_secs(2);

/// Applies the log of one producer. Any number of replicas may run: they share
/// the shards batch by batch.
pub struct Consumer {
    core: Arc<Core>,
    producer: Producer,
    state: State,
    broken_off: Option<restart::BrokenOff>,
    outage: Outage,
}

/// What an operator's commands act on: a consumer that runs elsewhere.
#[derive(Clone)]
pub struct ConsumerHandle(pub(crate) Arc<Core>);

/// What all parts of a consumer share.
pub(crate) struct Core {
    pub(crate) name: &'static str,
    pub(crate) producer: &'static str,
    pub(crate) pool: PgPool,
    pub(crate) apply: Arc<dyn Apply>,
    pub(crate) metrics: LogMetrics,
    heads: Mutex<BTreeMap<u16, u64>>,
}

/// What a step of a consumer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Found out where it stands.
    Attached,
    /// Applied, ignored or parked so many events.
    Applied(usize),
    /// Something is away: waited.
    Waited,
    /// The log is not the one it knew: waits for an operator.
    Stopped,
}

enum State {
    Detached,
    Following(Following),
    Stopped(Offsets),
}

/// What stands in the way of a step.
#[derive(Debug)]
enum Trouble {
    /// The log has another history, or a shorter one, than the offsets.
    Stop(String),
    /// What follows the offsets was dropped.
    BelowFloor,
    /// The offsets were moved by someone else.
    Moved,
    /// Something is away.
    Later(platform::Error),
}

impl From<platform::Error> for Trouble {
    fn from(error: platform::Error) -> Self {
        Self::Later(error)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Later(error.into())
    }
}

impl Consumer {
    /// Prepares the consumer `name` (the service's own name: the one its
    /// certificate carries) of the log of `producer`. Effects and offsets are
    /// written through `pool`.
    pub fn new(
        name: &'static str,
        producer: &'static str,
        pool: PgPool,
        source: Source,
        apply: Arc<dyn Apply>,
        metrics: LogMetrics,
    ) -> Self {
        Self {
            core: Arc::new(Core {
                name,
                producer,
                pool,
                apply,
                metrics,
                heads: Mutex::default(),
            }),
            producer: Producer::new(producer, source),
            state: State::Detached,
            broken_off: None,
            outage: Outage::of(format!("the consumer of the log of {producer}")),
        }
    }

    /// What an operator's commands act on.
    pub fn handle(&self) -> ConsumerHandle {
        ConsumerHandle(Arc::clone(&self.core))
    }

    /// Applies until the shutdown; never fails. An interrupted batch is rolled
    /// back with its offset.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let work = async {
            loop {
                self.step().await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Does one thing: attaches, or waits for events and applies them. Waits for
    /// about a second at most, or for as long as its outage asks.
    pub async fn step(&mut self) -> Step {
        let done = match &mut self.state {
            State::Detached => self.attach().await,
            State::Following(following) => following
                .step(&self.core, &mut self.producer)
                .await
                .map(Step::Applied),
            State::Stopped(_) => self.look_again().await,
        };
        match done {
            Ok(step) => {
                self.outage.over();
                step
            }
            Err(trouble) => self.cope(trouble).await,
        }
    }

    /// Finds out where the consumer stands, and starts from a snapshot where it
    /// must.
    async fn attach(&mut self) -> Result<Step, Trouble> {
        let mut offsets = offset::load(&self.core).await?;
        if offsets.is_empty() {
            let log = self.producer.describe().await?;
            let start = if log.floors.iter().all(|&floor| floor == 0) {
                Some(log.incarnation)
            } else {
                None
            };
            offset::create(&self.core, log.heads.len(), start).await?;
            offsets = offset::load(&self.core).await?;
        }
        if let Some(why) = &offsets.stopped {
            return Err(Trouble::Stop(why.clone()));
        }
        let Some(incarnation) = offsets.incarnation() else {
            self.read_snapshot(&offsets).await?;
            return Ok(Step::Attached);
        };
        parked::apply_known(&self.core).await?;
        self.set_stopped(false);
        self.core.forget_heads();
        self.state = State::Following(Following::new(&self.core, incarnation, &offsets));
        Ok(Step::Attached)
    }

    /// Sees whether the offsets were changed since the consumer stopped.
    async fn look_again(&mut self) -> Result<Step, Trouble> {
        tokio::time::sleep(STOPPED).await;
        let now = offset::load(&self.core).await?;
        if matches!(&self.state, State::Stopped(then) if *then == now) {
            return Ok(Step::Stopped);
        }
        tracing::info!(
            eventlog.consumer = self.core.name,
            eventlog.producer = self.core.producer,
            "the consumer goes on: its offsets were changed",
        );
        self.state = State::Detached;
        Ok(Step::Waited)
    }

    async fn cope(&mut self, trouble: Trouble) -> Step {
        // Another replica, or an operator, may have moved the offsets since they
        // were read: then what the producer said was about the past.
        let moved = match (&self.state, &trouble) {
            (State::Following(following), Trouble::Stop(_) | Trouble::BelowFloor) => {
                let known = following.offsets();
                offset::load(&self.core)
                    .await
                    .map(|now| (now != known).then_some(now))
            }
            _ => Ok(None),
        };
        let coped = match (trouble, moved) {
            (_, Err(error)) | (Trouble::Later(error), _) => Err(error),
            (Trouble::Moved, _) | (_, Ok(Some(_))) => {
                self.state = State::Detached;
                Ok(Step::Waited)
            }
            (Trouble::BelowFloor, Ok(None)) => self.fall_back_on_a_snapshot().await,
            (Trouble::Stop(why), Ok(None)) => self.stop(&why).await,
        };
        match coped {
            Ok(step) => step,
            Err(error) => {
                self.core
                    .metrics
                    .failures
                    .get_or_create(&self.core.labels())
                    .inc();
                tokio::time::sleep(self.outage.failed(&error)).await;
                Step::Waited
            }
        }
    }

    /// Stops loudly, for a human to decide.
    async fn stop(&mut self, why: &str) -> Result<Step, platform::Error> {
        offset::stop(&self.core, why).await?;
        if !matches!(self.state, State::Stopped(_)) {
            tracing::error!(
                eventlog.consumer = self.core.name,
                eventlog.producer = self.core.producer,
                why,
                runbook = RUNBOOK,
                "a consumer stopped: the log is not the one it knew",
            );
        }
        self.set_stopped(true);
        self.state = State::Stopped(offset::load(&self.core).await?);
        Ok(Step::Stopped)
    }

    async fn fall_back_on_a_snapshot(&mut self) -> Result<Step, platform::Error> {
        let offsets = offset::load(&self.core).await?;
        self.state = State::Detached;
        match self.read_snapshot(&offsets).await {
            Ok(()) | Err(Trouble::Moved) => Ok(Step::Attached),
            Err(Trouble::Later(error)) => Err(error),
            Err(Trouble::Stop(why)) => self.stop(&why).await,
            Err(Trouble::BelowFloor) => Ok(Step::Waited),
        }
    }

    async fn read_snapshot(&mut self, offsets: &Offsets) -> Result<(), Trouble> {
        let (producer, broken_off) = (&mut self.producer, &mut self.broken_off);
        restart::from_snapshot(&self.core, producer, offsets, broken_off).await
    }

    /// A consumer that stopped is no reason to take its service out: it shows here alone.
    fn set_stopped(&self, is_stopped: bool) {
        self.core
            .metrics
            .stopped
            .get_or_create(&self.core.labels())
            .set(is_stopped.into());
    }
}

impl ConsumerHandle {
    /// The last head that was seen of each shard.
    pub(crate) fn heads(&self) -> BTreeMap<u16, u64> {
        self.0
            .heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Core {
    fn labels(&self) -> ConsumerLabels {
        ConsumerLabels {
            consumer: self.name,
            producer: self.producer,
        }
    }

    fn shard_labels(&self, shard: u16) -> ShardLabels {
        ShardLabels {
            consumer: self.name,
            producer: self.producer,
            shard,
        }
    }

    fn source_labels(&self, source: &'static str) -> SourceLabels {
        SourceLabels {
            consumer: self.name,
            producer: self.producer,
            source,
        }
    }

    /// Forgets how far the log reached: it may have another history now.
    fn forget_heads(&self) {
        self.heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Notes how far a shard of the log reaches.
    fn saw_head(&self, shard: u16, head: u64, applied: u64) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let known = heads.entry(shard).or_default();
        *known = head.max(*known);
        let lag = known.saturating_sub(applied);
        drop(heads);
        self.metrics
            .lag
            .get_or_create(&self.shard_labels(shard))
            .set(lag.cast_signed());
    }
}
