//! Commits reports together: what queued while the previous commit was in
//! flight goes into the next one.
//!
//! There is no timer: an idle service adds no latency, a busy one shares each
//! flush of the disk among many. The work does not live in a handler's future,
//! which is dropped at the deadline: a client that gave up finds its report
//! when it retries.

mod writer;

use std::{sync::Arc, time::Duration};

use eventlog::NewEvent;
use platform::{Caller, Error, Metrics, Result};
use service::Commands;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use self::writer::Writer;
use super::{
    metrics::IntakeMetrics,
    store::{NewReport, Receipt},
};
use crate::config::IntakeConfig;

/// When a refused client may come back: the queue empties within a few commits.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where reports wait for their commit.
#[derive(Debug)]
pub(crate) struct Queue {
    jobs: mpsc::Sender<Job>,
    metrics: IntakeMetrics,
}

/// A report on its way to its commit.
#[derive(Debug)]
pub(super) struct Job {
    /// The report and its receipt.
    pub(super) new: NewReport,
    /// Its announcement.
    pub(super) event: NewEvent,
    /// Who sends it.
    pub(super) caller: Arc<Caller>,
    /// Who waits for the receipt.
    pub(super) answer: oneshot::Sender<Result<Receipt>>,
}

impl Queue {
    /// Starts the writers, which end when `closing` is cancelled and what they
    /// took is committed.
    pub(crate) fn start(
        config: &IntakeConfig,
        commands: &Commands,
        metrics: &Metrics,
        closing: &CancellationToken,
    ) -> Self {
        let metrics = IntakeMetrics::register(metrics);
        let (jobs, queued) = mpsc::channel(config.queue.max(1));
        let queued = Arc::new(Mutex::new(queued));
        for _ in 0..config.writers.max(1) {
            let writer = Writer {
                pool: commands.pool.clone(),
                log: commands.log.clone(),
                metrics: metrics.clone(),
                queued: Arc::clone(&queued),
                batch: config.batch.max(1),
            };
            let writing = writer.run(closing.clone());
            commands.tasks.spawn("report writer", writing);
        }
        Self { jobs, metrics }
    }

    /// Has a report committed and gives back its receipt, or that of the report that its
    /// request made before: whether that says the same, and the trace of that unless the
    /// hashes agree, is up to the caller. A full queue refuses at once.
    pub(super) async fn submit(
        &self,
        new: NewReport,
        event: NewEvent,
        caller: Arc<Caller>,
    ) -> Result<Receipt> {
        let (answer, answered) = oneshot::channel();
        let refused = self
            .jobs
            .try_send(Job {
                new,
                event,
                caller,
                answer,
            })
            .err();
        self.metrics.queued.set(depth(&self.jobs));
        match refused {
            None => answered.await.map_err(|_| stopping())?,
            Some(mpsc::error::TrySendError::Closed(_)) => Err(stopping()),
            Some(mpsc::error::TrySendError::Full(_)) => {
                self.metrics.refused.inc();
                Err(Error::exhausted(
                    "QUEUE_FULL",
                    "trop de signalements à la fois",
                    RETRY_AFTER,
                ))
            }
        }
    }
}

fn depth(jobs: &mpsc::Sender<Job>) -> i64 {
    i64::try_from(jobs.max_capacity() - jobs.capacity()).unwrap_or(i64::MAX)
}

fn stopping() -> Error {
    Error::unavailable("SHUTTING_DOWN", "le service s'arrête")
}
