//! Workers that take what is due.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use platform::{Metrics, Result, StartError};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    Failure, Handler, Job, JobPolicy, months,
    policy::Next,
    store::{self, Attempt},
};

/// The safety net under the wake-ups: what another replica commits, and what becomes due
/// with time, is found by it.
const POLL: Duration = Duration::from_secs(1);
/// The wait while the database is away.
const PAUSE: Duration = Duration::from_secs(2);
/// How many jobs a worker claims at once: what a kill may repeat, or leave to wait for the
/// end of the claim.
const BATCH: usize = 16;
/// How long a worker works before it looks again what is due: an urgent job does not wait
/// behind a batch that a slow receiver takes.
pub const TURN: Duration = Duration::from_secs(1);
/// How often the queue is measured.
const SAMPLE: Duration = Duration::from_secs(5);
/// How often the months are looked after, in samples.
const MONTHS_EVERY: u32 = 720;

/// The jobs of a service, and who does them.
#[derive(Clone)]
pub struct Jobs {
    /// Where they rest.
    pub pool: PgPool,
    /// Woken when there is something to do.
    pub wake: Arc<Notify>,
    /// What is told of them.
    pub metrics: JobMetrics,
    /// How they are done.
    pub policy: JobPolicy,
    handlers: Vec<(Arc<dyn Handler>, u16)>,
}

/// What a step of a worker did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Tried jobs.
    Tried,
    /// Nothing is due.
    Idle,
}

impl Jobs {
    /// Prepares the tables of this month. Handlers are added with [`Jobs::on`].
    pub async fn open(
        pool: PgPool,
        policy: JobPolicy,
        metrics: JobMetrics,
    ) -> Result<Self, StartError> {
        let made = months::keep(&pool, platform::now()).await;
        made.map_err(|cause| StartError::unusable("the tables of jobs", cause))?;
        Ok(Self {
            pool,
            wake: Arc::default(),
            metrics,
            policy,
            handlers: Vec::new(),
        })
    }

    /// Lets a handler do the jobs of its kinds, so many at once. Each handler has workers of
    /// its own: a receiver that is away holds up no other.
    #[must_use]
    pub fn on(mut self, handler: Arc<dyn Handler>, workers: u16) -> Self {
        self.handlers.push((handler, workers.max(1)));
        self
    }

    /// Works until the shutdown; never fails. An attempt under way has a while to end and
    /// be recorded; one that hangs is given up like at a kill.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut workers = JoinSet::new();
        for (handler, count) in &self.handlers {
            for _ in 0..*count {
                let (jobs, handler, shutdown) = (self.clone(), Arc::clone(handler), shutdown.clone());
                workers.spawn(async move {
                    let grace_ended = async {
                        shutdown.cancelled().await;
                        sleep(jobs.policy.grace).await;
                    };
                    tokio::select! {
                        () = jobs.work(&*handler, &shutdown) => {}
                        () = grace_ended => {}
                    }
                });
            }
        }
        workers.spawn(async move {
            shutdown.run_until_cancelled(self.look_after()).await;
        });
        // A worker that panics ends the task, which ends the service.
        workers.join_all().await;
    }

    async fn work(&self, handler: &dyn Handler, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before looking: nothing is missed in between.
            woken.as_mut().enable();
            let pause = match self.step(handler).await {
                Ok(Step::Tried) => continue,
                Ok(Step::Idle) => POLL,
                Err(error) => {
                    tracing::warn!(%error, "jobs wait: the queue cannot be read");
                    PAUSE
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = woken => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Tries jobs of a handler that are due, if there are any.
    pub async fn step(&self, handler: &dyn Handler) -> Result<Step> {
        let now = platform::now();
        let until = now + self.policy.claim;
        let kinds = handler.kinds();
        let batch = in_time(store::claim(&self.pool, &kinds, now, until, BATCH)).await?;
        if batch.is_empty() {
            return Ok(Step::Idle);
        }
        let (tried, to_record) = mpsc::channel(BATCH);
        let (untried, recorded) =
            tokio::join!(self.run_batch(handler, batch, tried), self.record(until, to_record));
        recorded?;
        if !untried.is_empty() {
            in_time(store::give_back(&self.pool, until, &untried)).await?;
        }
        Ok(Step::Tried)
    }

    /// Tries what was claimed, for a turn or until the receiver is away; returns what is
    /// left.
    async fn run_batch(
        &self,
        handler: &dyn Handler,
        batch: Vec<Job>,
        tried: mpsc::Sender<Attempt>,
    ) -> Vec<Uuid> {
        let turn = Instant::now();
        let mut batch = batch.into_iter();
        for job in batch.by_ref() {
            let span = tracing::info_span!(
                "job",
                job.id = %job.job_id,
                job.kind,
                job.attempt = job.attempts,
                trace_id = tracing::field::Empty,
            );
            platform::set_parent(&span, job.traceparent.as_deref());
            let (attempt, away) = self.attempt(handler, &job).instrument(span).await;
            // Nobody records any more once the claim has ended.
            let unrecorded = tried.send(attempt).await.is_err();
            if unrecorded || away || turn.elapsed() >= TURN {
                break;
            }
        }
        batch.map(|job| job.job_id).collect()
    }

    async fn attempt(&self, handler: &dyn Handler, job: &Job) -> (Attempt, bool) {
        if job.claim_expired {
            self.metrics.expired_claims.inc();
            tracing::warn!(
                job.id = %job.job_id,
                "an attempt ended without a record; its job may be done twice",
            );
        }
        let started_at = platform::now();
        let result = handler.run(job).await;
        let ended_at = platform::now();
        let refused = matches!(result, Err(Failure::Refused(_) | Failure::Rejected(_)));
        let refusals = job.refusals + u32::from(refused);
        let jitter = rand::random();
        let next = self
            .policy
            .next(&result, job.attempts, refusals, ended_at, jitter);
        let failure = result.err();
        self.tell(job, next, failure.as_ref());
        let (outcome, due_at) = match next {
            Next::Done => ("done", None),
            Next::Again(due_at) => ("again", Some(due_at)),
            Next::Dead => ("dead", None),
        };
        let attempt = Attempt {
            job_id: job.job_id,
            attempt: job.attempts,
            started_at,
            ended_at,
            outcome,
            due_at,
            refusals,
            error_class: failure.as_ref().map(|failure| failure.class().to_owned()),
        };
        (attempt, matches!(failure, Some(Failure::Away(_))))
    }

    /// Records attempts as they end, again while the claim holds: what was done and is not
    /// recorded would be done again.
    async fn record(
        &self,
        until: OffsetDateTime,
        mut tried: mpsc::Receiver<Attempt>,
    ) -> Result<()> {
        let mut attempts = Vec::new();
        while tried.recv_many(&mut attempts, BATCH).await > 0 {
            while let Err(error) = in_time(store::record(&self.pool, until, &attempts)).await {
                if platform::now() + PAUSE >= until {
                    return Err(error);
                }
                tracing::warn!(%error, "attempts cannot be recorded yet");
                sleep(PAUSE).await;
            }
            attempts.clear();
        }
        Ok(())
    }

    fn tell(&self, job: &Job, next: Next, failure: Option<&Failure>) {
        let class = failure.map(Failure::class).unwrap_or_default();
        let outcome = match (next, failure) {
            (Next::Done, _) => {
                tracing::info!("a job was done");
                "sent"
            }
            (Next::Again(_), _) => {
                tracing::info!(error.class = class, "a job could not be done yet");
                "failed"
            }
            (Next::Dead, Some(Failure::Erased)) => {
                tracing::info!("a job was given up: what it needs was erased");
                "erased"
            }
            (Next::Dead, _) => {
                tracing::error!(
                    job.id = %job.job_id,
                    job.kind,
                    error.class = class,
                    "a job was given up: an operator must look at it",
                );
                "dead"
            }
        };
        self.metrics
            .attempts
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
    }

    /// Tells how the queue stands and looks after the months; never ends.
    async fn look_after(&self) {
        let handlers = self.handlers.iter();
        let kinds: Vec<String> = handlers.flat_map(|(handler, _)| handler.kinds()).collect();
        for sample in (1..=MONTHS_EVERY).cycle() {
            if let Ok(stats) = store::queue_stats(&self.pool, &kinds).await {
                self.metrics.pending.set(stats.pending);
                self.metrics.dead.set(stats.dead);
                let age = stats.oldest.map(|oldest| platform::now() - oldest);
                // A job may be written down before it is due.
                let age = age.map_or(0.0, time::Duration::as_seconds_f64).max(0.0);
                self.metrics.oldest_age.set(age);
            }
            if sample == MONTHS_EVERY
                && let Err(error) = months::keep(&self.pool, platform::now()).await
            {
                tracing::warn!(%error, "the months of jobs are not looked after yet");
            }
            sleep(SAMPLE).await;
        }
    }
}

/// The metrics of jobs.
#[derive(Clone, Debug, Default)]
pub struct JobMetrics {
    attempts: Family<OutcomeLabel, Counter>,
    /// Claims that ended without a record: the job may be done twice.
    pub expired_claims: Counter,
    /// Jobs that wait, counted up to 10,000.
    pub pending: Gauge,
    /// Jobs that were given up, counted up to 10,000: somebody must act.
    pub dead: Gauge,
    oldest_age: Gauge<f64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

impl JobMetrics {
    /// Registers the metrics with those of the process; `what` names the jobs of the
    /// service, as in `delivery`.
    pub fn register(metrics: &Metrics, what: &str) -> Self {
        let this = Self::default();
        let name = |metric: &str| format!("vigie_{what}_{metric}");
        metrics.register(
            &name("attempts"),
            "Attempts, by outcome",
            this.attempts.clone(),
        );
        metrics.register(
            &name("expired_claims"),
            "Claimed again because an earlier claim ended without a record",
            this.expired_claims.clone(),
        );
        metrics.register(&name("pending"), "What waits", this.pending.clone());
        metrics.register(
            &name("dead"),
            "What was given up: an operator must look at it",
            this.dead.clone(),
        );
        metrics.register(
            &name("oldest_age_seconds"),
            "For how long the oldest that waits has waited",
            this.oldest_age.clone(),
        );
        this
    }
}

/// Gives a question to the database up when it takes too long.
async fn in_time<T>(question: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    platform::in_time(async { Ok::<_, platform::Error>(question.await?) }).await
}
