//! Applies the log of a producer, exactly once and in order per shard.

mod batch;
mod fetch;
mod follow;
mod offset;
mod parked;
mod parked_retry;
mod restart;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use self::fetch::Source;
pub(crate) use self::parked::{DATABASE, LATER, ParkedRow, Retried, SCHEMA, list, retry, skip};
use self::{fetch::Producer, follow::Following, offset::Offsets, parked_retry::ParkedRetry};
use crate::{
    Apply, LogMetrics, RUNBOOK,
    backoff::Backoff,
    metrics::{ConsumerLabels, ShardLabels, SourceLabels},
};

/// How often a stopped consumer looks whether an operator let it go on.
const STOPPED: Duration = Duration::from_secs(2);

/// Applies the log of one producer. Any number of replicas may run: they share
/// the shards batch by batch.
pub struct Consumer {
    context: Arc<ConsumerContext>,
    producer: Producer,
    state: State,
    snapshot_progress: Option<restart::SnapshotProgress>,
    backoff: Backoff,
}

/// What an operator's commands act on: a consumer that runs elsewhere.
#[derive(Clone)]
pub struct ConsumerHandle(pub(crate) Arc<ConsumerContext>);

/// What all parts of a consumer share.
pub(crate) struct ConsumerContext {
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
    /// Applied or parked so many events.
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

/// Why a step failed.
#[derive(Debug)]
enum StepError {
    /// The log has another history, or a shorter one, than the offsets.
    Stop(String),
    /// What follows the offsets was dropped.
    BelowFloor,
    /// The offsets were moved by someone else.
    Moved,
    /// Something is away: the step is tried again.
    Retry(platform::Error),
}

impl From<platform::Error> for StepError {
    fn from(error: platform::Error) -> Self {
        Self::Retry(error)
    }
}

impl From<sqlx::Error> for StepError {
    fn from(error: sqlx::Error) -> Self {
        Self::Retry(error.into())
    }
}

impl Consumer {
    /// Prepares the consumer `name` (the service's own name: the one its
    /// certificate carries) of the log of `producer`. Effects and offsets are
    /// written through `pool`.
    ///
    /// A service that makes its tables anew adds a slash and what it keeps there to its name:
    /// the offsets of the release before are then its own, and each release goes on where
    /// its own tables stand; the producer keeps what either needs. Metrics bear the service's name alone.
    pub fn new(
        name: &'static str,
        producer: &'static str,
        pool: PgPool,
        source: Source,
        apply: Arc<dyn Apply>,
        metrics: LogMetrics,
    ) -> Self {
        let context = ConsumerContext {
            name,
            producer,
            pool,
            apply,
            metrics,
            heads: Mutex::default(),
        };
        Self {
            producer: Producer::new(&context, source),
            context: Arc::new(context),
            state: State::Detached,
            snapshot_progress: None,
            backoff: Backoff::new(format!("the consumer of the log of {producer}")),
        }
    }

    /// What an operator's commands act on.
    pub fn handle(&self) -> ConsumerHandle {
        ConsumerHandle(Arc::clone(&self.context))
    }

    /// Applies until the shutdown; never fails. An interrupted batch is rolled
    /// back with its offset. What was parked is retried beside it.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut tasks = JoinSet::new();
        tasks.spawn(ParkedRetry::new(Arc::clone(&self.context)).run(shutdown.clone()));
        let work = async {
            loop {
                self.step().await;
            }
        };
        shutdown.run_until_cancelled(work).await;
        tasks.join_all().await;
    }

    /// Does one thing: attaches, or waits for events and applies them. Waits for
    /// about a second at most, or for as long as its backoff asks.
    pub async fn step(&mut self) -> Step {
        let done = match &mut self.state {
            State::Detached => self.attach().await,
            State::Following(following) => following
                .step(&self.context, &mut self.producer)
                .await
                .map(Step::Applied),
            State::Stopped(_) => self.look_again().await,
        };
        match done {
            Ok(step) => {
                self.backoff.reset();
                step
            }
            Err(error) => self.handle_error(error).await,
        }
    }

    /// Finds out where the consumer stands, and starts from a snapshot where it
    /// must.
    async fn attach(&mut self) -> Result<Step, StepError> {
        let mut offsets = offset::load(&self.context).await?;
        if offsets.is_empty() {
            let log = self.producer.describe().await?;
            let start = if log.floors.iter().all(|&floor| floor == 0) {
                Some(log.incarnation)
            } else {
                None
            };
            offset::create(&self.context, log.heads.len(), start).await?;
            offsets = offset::load(&self.context).await?;
        }
        if let Some(why) = &offsets.stopped {
            return Err(StepError::Stop(why.clone()));
        }
        let Some(incarnation) = offsets.incarnation() else {
            self.read_snapshot(&offsets).await?;
            return Ok(Step::Attached);
        };
        self.set_stopped(false);
        self.context.reset_lag();
        self.state = State::Following(Following::new(&self.context, incarnation, &offsets));
        Ok(Step::Attached)
    }

    /// Sees whether the offsets were changed since the consumer stopped.
    async fn look_again(&mut self) -> Result<Step, StepError> {
        tokio::time::sleep(STOPPED).await;
        let now = offset::load(&self.context).await?;
        if matches!(&self.state, State::Stopped(then) if *then == now) {
            return Ok(Step::Stopped);
        }
        tracing::info!(
            eventlog.consumer = self.context.name,
            eventlog.producer = self.context.producer,
            "the consumer goes on: its offsets were changed",
        );
        self.state = State::Detached;
        Ok(Step::Waited)
    }

    async fn handle_error(&mut self, error: StepError) -> Step {
        // Another replica, or an operator, may have moved the offsets since they
        // were read: then what the producer said was about the past.
        let moved = match (&self.state, &error) {
            (State::Following(following), StepError::Stop(_) | StepError::BelowFloor) => {
                let known = following.offsets();
                offset::load(&self.context)
                    .await
                    .map(|now| (now != known).then_some(now))
            }
            _ => Ok(None),
        };
        let handled = match (error, moved) {
            (_, Err(error)) | (StepError::Retry(error), _) => Err(error),
            (StepError::Moved, _) | (_, Ok(Some(_))) => {
                self.state = State::Detached;
                Ok(Step::Waited)
            }
            (StepError::BelowFloor, Ok(None)) => self.fall_back_on_a_snapshot().await,
            (StepError::Stop(why), Ok(None)) => self.stop(&why).await,
        };
        match handled {
            Ok(step) => step,
            Err(error) => {
                self.context
                    .metrics
                    .failures
                    .get_or_create(&self.context.labels())
                    .inc();
                tokio::time::sleep(self.backoff.failed(&error)).await;
                Step::Waited
            }
        }
    }

    /// Stops loudly, for a human to decide.
    async fn stop(&mut self, why: &str) -> Result<Step, platform::Error> {
        offset::stop(&self.context, why).await?;
        if !matches!(self.state, State::Stopped(_)) {
            tracing::error!(
                eventlog.consumer = self.context.name,
                eventlog.producer = self.context.producer,
                why,
                runbook = RUNBOOK,
                "a consumer stopped: the log is not the one it knew",
            );
        }
        self.set_stopped(true);
        self.state = State::Stopped(offset::load(&self.context).await?);
        Ok(Step::Stopped)
    }

    async fn fall_back_on_a_snapshot(&mut self) -> Result<Step, platform::Error> {
        let offsets = offset::load(&self.context).await?;
        self.state = State::Detached;
        match self.read_snapshot(&offsets).await {
            Ok(()) | Err(StepError::Moved) => Ok(Step::Attached),
            Err(StepError::Retry(error)) => Err(error),
            Err(StepError::Stop(why)) => self.stop(&why).await,
            Err(StepError::BelowFloor) => Ok(Step::Waited),
        }
    }

    async fn read_snapshot(&mut self, offsets: &Offsets) -> Result<(), StepError> {
        let (producer, snapshot_progress) = (&mut self.producer, &mut self.snapshot_progress);
        restart::from_snapshot(&self.context, producer, offsets, snapshot_progress).await
    }

    /// A consumer that stopped is no reason to take its service out: it shows here alone.
    fn set_stopped(&self, is_stopped: bool) {
        self.context
            .metrics
            .stopped
            .get_or_create(&self.context.labels())
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

impl ConsumerContext {
    /// The name of the service that the consumer is of: the one that events name.
    pub(crate) fn service(&self) -> &'static str {
        self.name
            .split_once('/')
            .map_or(self.name, |(service, _)| service)
    }

    fn labels(&self) -> ConsumerLabels {
        ConsumerLabels {
            consumer: self.service(),
            producer: self.producer,
        }
    }

    fn shard_labels(&self, shard: u16) -> ShardLabels {
        ShardLabels {
            consumer: self.service(),
            producer: self.producer,
            shard,
        }
    }

    fn source_labels(&self, source: &'static str) -> SourceLabels {
        SourceLabels {
            consumer: self.service(),
            producer: self.producer,
            source,
        }
    }

    /// Forgets how far the log reached: it may have another history now.
    fn reset_lag(&self) {
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
