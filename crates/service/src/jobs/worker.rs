//! Workers that take what is due.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use futures::FutureExt as _;
use platform::{Metrics, Result, StartError};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::{sync::Notify, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    Failure, Handler, Job, JobPolicy,
    store::{self, Attempt},
};

/// The safety net under the wake-ups: what another replica commits, and what becomes due
/// with time, is found by it.
const POLL: Duration = Duration::from_secs(1);
/// The wait while the database is away.
const PAUSE: Duration = Duration::from_secs(2);
/// How often the queue is measured.
const SAMPLE: Duration = Duration::from_secs(5);
/// How often the months are looked after, in samples: each hour.
const MONTHS: u32 = 720;

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

impl Jobs {
    /// Prepares the tables of this month. Handlers are added with [`Jobs::on`].
    pub async fn open(
        pool: PgPool,
        policy: JobPolicy,
        metrics: JobMetrics,
    ) -> Result<Self, StartError> {
        let jobs = Self {
            pool,
            wake: Arc::default(),
            metrics,
            policy,
            handlers: Vec::new(),
        };
        let made = in_time(store::make_months(&jobs.pool, platform::now())).await;
        made.map_err(|cause| StartError::unusable("the tables of jobs", cause))?;
        Ok(jobs)
    }

    /// Lets a handler do the jobs of its kinds, so many at once. Each handler has workers of
    /// its own: a receiver that is away holds up no other.
    #[must_use]
    pub fn on(mut self, handler: impl Handler, workers: u16) -> Self {
        self.handlers.push((Arc::new(handler), workers.max(1)));
        self
    }

    /// Works until the shutdown; never fails. An attempt under way has a while to end and
    /// be recorded; one that hangs is given up like at a kill.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut workers = JoinSet::new();
        for (handler, count) in &self.handlers {
            for _ in 0..*count {
                let (jobs, handler) = (self.clone(), Arc::clone(handler));
                let shutdown = shutdown.clone();
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
        let polling = shutdown.run_until_cancelled(self.poll());
        let looking_after = shutdown.run_until_cancelled(self.look_after());
        tokio::join!(workers.join_all(), polling, looking_after);
    }

    fn kinds(&self) -> Vec<String> {
        let handlers = self.handlers.iter();
        handlers.flat_map(|(handler, _)| handler.kinds()).collect()
    }

    /// Wakes the workers when something is due, looking once for all of them; never ends.
    async fn poll(&self) {
        let kinds = self.kinds();
        loop {
            sleep(POLL).await;
            if let Ok(true) = in_time(store::is_due(&self.pool, &kinds, platform::now())).await {
                self.wake.notify_waiters();
            }
        }
    }

    async fn work(&self, handler: &dyn Handler, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            // Registered before looking: nothing is missed in between.
            woken.as_mut().enable();
            let pause = match self.step(handler).await {
                Ok(true) => continue,
                Ok(false) => Duration::MAX,
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

    /// Tries the job of a handler that has been due longest; tells whether there is one.
    pub async fn step(&self, handler: &dyn Handler) -> Result<bool> {
        let now = platform::now();
        let until = now + self.policy.claim;
        let kinds = handler.kinds();
        let claimed = in_time(store::claim(&self.pool, &kinds, now, until)).await?;
        let Some(job) = claimed else {
            return Ok(false);
        };
        if job.claim_expired {
            self.metrics.expired_claims.inc();
            tracing::warn!(
                job.id = %job.job_id,
                "an attempt ended without a record; its job may be done twice",
            );
        }
        let span = tracing::info_span!(
            "job",
            job.id = %job.job_id,
            job.kind,
            job.attempt = job.attempts,
            trace_id = tracing::field::Empty,
        );
        platform::set_parent(&span, job.traceparent.as_deref());
        let started_at = platform::now();
        // The hook of the process tells of a panic.
        let ran = AssertUnwindSafe(handler.run(&job)).catch_unwind();
        let failure = match ran.instrument(span.clone()).await {
            Ok(done) => done.err(),
            Err(_) => Some(Failure::Refused("panic".to_owned())),
        };
        let attempt = self.judge(&job, started_at, failure.as_ref());
        // While the claim holds: what was done and is not recorded would be done again.
        let recorded = loop {
            match in_time(store::record(&self.pool, &job, &attempt, until)).await {
                Err(error) if platform::now() + PAUSE < until => {
                    tracing::warn!(%error, "an attempt cannot be recorded yet");
                    sleep(PAUSE).await;
                }
                recorded => break recorded,
            }
        };
        if recorded? {
            span.in_scope(|| self.tell(&job, failure.as_ref(), &attempt));
        }
        Ok(true)
    }

    /// Decides what becomes of a job after an attempt.
    fn judge<'a>(
        &self,
        job: &Job,
        started_at: OffsetDateTime,
        failure: Option<&'a Failure>,
    ) -> Attempt<'a> {
        let ended_at = platform::now();
        let refused = matches!(failure, Some(Failure::Refused(_) | Failure::Rejected(_)));
        let refusals = job.refusals + i32::from(refused);
        let due_at = failure.and_then(|failure| {
            let (attempts, refusals) = (job.attempts.cast_unsigned(), refusals.cast_unsigned());
            let jitter = rand::random();
            self.policy
                .due_again(failure, attempts, refusals, ended_at, jitter)
        });
        Attempt {
            started_at,
            ended_at,
            outcome: match (failure, due_at) {
                (None, _) => store::DONE,
                (Some(_), Some(_)) => "again",
                (Some(_), None) => "dead",
            },
            due_at,
            refusals,
            error_class: failure.map(Failure::class),
        }
    }

    /// Tells what became of a job.
    fn tell(&self, job: &Job, failure: Option<&Failure>, attempt: &Attempt<'_>) {
        let class = attempt.error_class.unwrap_or_default();
        let outcome = match (failure, attempt.due_at) {
            (None, _) => {
                tracing::info!("a job was done");
                "done"
            }
            (Some(_), Some(_)) => {
                tracing::info!(error.class = class, "a job could not be done yet");
                "failed"
            }
            (Some(Failure::Erased), None) => {
                tracing::info!("a job was given up: what it needs was erased");
                "erased"
            }
            (Some(_), None) => {
                tracing::error!(
                    job.id = %job.job_id,
                    job.kind,
                    error.class = class,
                    "a job was given up: an operator must look at it",
                );
                "dead"
            }
        };
        let label = OutcomeLabel { outcome };
        self.metrics.attempts.get_or_create(&label).inc();
    }

    /// Makes the tables of this month and the next, and drops those over a year old once
    /// nobody reads them.
    pub async fn keep_months(&self, now: OffsetDateTime) -> Result<()> {
        in_time(store::make_months(&self.pool, now)).await?;
        in_time(store::drop_months(&self.pool, now)).await
    }

    /// Tells how the queue stands and looks after the months; never ends.
    async fn look_after(&self) {
        let kinds = self.kinds();
        for sample in (1..=MONTHS).cycle() {
            if let Ok((pending, dead, oldest)) = store::stats(&self.pool, &kinds).await {
                self.metrics.pending.set(pending);
                self.metrics.dead.set(dead);
                let age = oldest.map_or(0.0, |it| (platform::now() - it).as_seconds_f64());
                // A job may be written down before it is due.
                self.metrics.oldest_age.set(age.max(0.0));
            }
            if sample == MONTHS
                && let Err(error) = self.keep_months(platform::now()).await
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
    pending: Gauge,
    dead: Gauge,
    oldest_age: Gauge<f64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

impl JobMetrics {
    /// Registers the metrics with those of the process.
    pub fn register(metrics: &Metrics) -> Self {
        Self {
            attempts: metrics.register(
                "vigie_job_attempts",
                "Attempts at jobs, by outcome",
                Family::default(),
            ),
            expired_claims: metrics.register(
                "vigie_job_expired_claims",
                "Jobs claimed again because an earlier claim ended without a record",
                Counter::default(),
            ),
            pending: metrics.register("vigie_job_pending", "Jobs that wait", Gauge::default()),
            dead: metrics.register(
                "vigie_job_dead",
                "Jobs that were given up: an operator must look at them",
                Gauge::default(),
            ),
            oldest_age: metrics.register(
                "vigie_job_oldest_age_seconds",
                "For how long the oldest job that waits has waited",
                Gauge::default(),
            ),
        }
    }
}

/// Gives a question to the database up when it takes too long.
async fn in_time<T>(question: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    platform::in_time(async { Ok::<_, platform::Error>(question.await?) }).await
}
