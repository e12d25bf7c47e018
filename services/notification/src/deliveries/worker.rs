//! Workers that take what is due.

use std::{sync::Arc, time::Duration};

use platform::{Result, SealingKey, Watched};
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    message::{OutgoingMail, Sender},
    retry::{Next, Outcome, RetryPolicy},
    smtp::{Attempted, SmtpServer},
};
use crate::{
    convert::contacts,
    metrics::ServiceMetrics,
    notices::{self, Branding},
    store::delivery_queue::{self, Attempt, Claimed},
};

/// The safety net under the wake-ups: what another replica commits, and what
/// becomes due with time, is found by it.
const POLL: Duration = Duration::from_secs(1);
/// The wait while the database is away.
const PAUSE: Duration = Duration::from_secs(2);
/// How many deliveries a worker claims at once: what a kill may repeat, or leave
/// to wait for the end of the claim.
const BATCH: usize = 16;
/// How long a worker sends before it looks again what is due: an urgent message
/// does not wait behind a batch that a slow server takes.
pub(crate) const TURN: Duration = Duration::from_secs(1);
/// How often the queue is measured.
const SAMPLE: Duration = Duration::from_secs(5);

/// The class of what cannot be sent because the contacts were erased meanwhile.
const ERASED: &str = "erased";

/// A worker, with what all workers share.
#[derive(Clone)]
pub(crate) struct DeliveryWorker {
    /// Where deliveries rest.
    pub(crate) pool: PgPool,
    /// Woken when there is something to deliver.
    pub(crate) due: Arc<Notify>,
    /// Opens the reports' own keys.
    pub(crate) master_key: SealingKey,
    /// What the service tells about itself.
    pub(crate) metrics: ServiceMetrics,
    /// How it works.
    pub(crate) settings: Arc<DeliverySettings>,
}

/// How deliveries are made.
pub(crate) struct DeliverySettings {
    /// The mail server.
    pub(crate) server: Watched<SmtpServer>,
    /// Who sends.
    pub(crate) sender: Sender,
    /// What messages say of the place they come from.
    pub(crate) branding: Branding,
    /// When a delivery is tried again.
    pub(crate) policy: RetryPolicy,
    /// How long a claim holds; longer than a turn and an attempt may take.
    pub(crate) claim: time::Duration,
    /// How long an attempt under way may take after a shutdown was asked.
    pub(crate) grace: Duration,
}

/// What a step of a worker did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Tried deliveries.
    Tried,
    /// Nothing is due.
    Idle,
}

impl DeliveryWorker {
    /// Delivers until the shutdown; never fails. An attempt under way has a
    /// while to end and be recorded; one that hangs is given up like at a kill.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let grace_ended = async {
            shutdown.cancelled().await;
            tokio::time::sleep(self.settings.grace).await;
        };
        tokio::select! {
            () = self.work(&shutdown) => {}
            () = grace_ended => {}
        }
    }

    async fn work(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let woken = self.due.notified();
            tokio::pin!(woken);
            // Registered before looking: nothing is missed in between.
            woken.as_mut().enable();
            let pause = match self.step().await {
                Ok(Step::Tried) => continue,
                Ok(Step::Idle) => POLL,
                Err(error) => {
                    tracing::warn!(%error, "deliveries wait: the queue cannot be read");
                    PAUSE
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tries deliveries that are due, if there are any.
    pub(crate) async fn step(&self) -> Result<Step> {
        let now = platform::now();
        let until = now + self.settings.claim;
        let batch = in_time(delivery_queue::claim(&self.pool, now, until, BATCH)).await?;
        if batch.is_empty() {
            return Ok(Step::Idle);
        }
        let (tried, to_record) = mpsc::channel(BATCH);
        let (untried, recorded) =
            tokio::join!(self.send(batch, tried), self.record(until, to_record));
        recorded?;
        if !untried.is_empty() {
            in_time(delivery_queue::give_back(&self.pool, until, &untried)).await?;
        }
        Ok(Step::Tried)
    }

    /// Tries what was claimed, for a turn or until the server is down; returns
    /// what is left.
    async fn send(&self, batch: Vec<Claimed>, tried: mpsc::Sender<Attempt>) -> Vec<Uuid> {
        let turn = tokio::time::Instant::now();
        let mut batch = batch.into_iter();
        for claimed in batch.by_ref() {
            let span = tracing::info_span!(
                "deliver",
                delivery.id = %claimed.delivery_id,
                delivery.rule = claimed.rule,
                delivery.attempt = claimed.attempts,
                trace_id = tracing::field::Empty,
            );
            platform::set_parent(&span, claimed.traceparent.as_deref());
            let (attempt, outcome) = self.deliver(&claimed).instrument(span).await;
            // Nobody records any more once the claim has ended.
            let unrecorded = tried.send(attempt).await.is_err();
            if unrecorded || outcome == Outcome::ServerDown || turn.elapsed() >= TURN {
                break;
            }
        }
        batch.map(|claimed| claimed.delivery_id).collect()
    }

    async fn deliver(&self, claimed: &Claimed) -> (Attempt, Outcome) {
        if claimed.earlier_claim_expired {
            self.metrics.expired_claims.inc();
            tracing::warn!(
                delivery.id = %claimed.delivery_id,
                "an attempt ended without a record; its message may be sent twice",
            );
        }
        let started_at = platform::now();
        let sent = match self.message(claimed) {
            Ok(mail) => {
                let sent = self.settings.server.current().send(&mail).await;
                #[cfg(feature = "mutants")]
                platform::mutant::crash_point();
                sent
            }
            Err(class) => Attempted {
                outcome: Outcome::RefusedForGood,
                error_class: Some(class.to_owned()),
            },
        };
        let refusals = claimed.refusals + u32::from(sent.outcome.counts());
        let ended_at = platform::now();
        let jitter = rand::random();
        let next =
            self.settings
                .policy
                .next(sent.outcome, claimed.attempts, refusals, ended_at, jitter);
        self.tell(claimed, &sent, next);
        let attempt = Attempt {
            delivery_id: claimed.delivery_id,
            number: claimed.attempts,
            started_at,
            ended_at,
            refusals,
            next,
            error_class: sent.error_class,
        };
        (attempt, sent.outcome)
    }

    /// Records attempts as they end, again while the claim holds: what was sent
    /// and is not recorded would be sent again.
    async fn record(
        &self,
        until: time::OffsetDateTime,
        mut tried: mpsc::Receiver<Attempt>,
    ) -> Result<()> {
        let mut attempts = Vec::new();
        while tried.recv_many(&mut attempts, BATCH).await > 0 {
            while let Err(error) =
                in_time(delivery_queue::record(&self.pool, until, &attempts)).await
            {
                if platform::now() + PAUSE >= until {
                    return Err(error);
                }
                tracing::warn!(%error, "attempts cannot be recorded yet");
                tokio::time::sleep(PAUSE).await;
            }
            attempts.clear();
        }
        Ok(())
    }

    /// Addresses and writes a message; the error is the class that is recorded.
    fn message(&self, claimed: &Claimed) -> Result<OutgoingMail, &'static str> {
        let address = match (&claimed.mailbox, &claimed.sealed_address) {
            (Some(mailbox), _) => mailbox.clone(),
            (None, Some(sealed)) => self.open(claimed, sealed)?,
            (None, None) => return Err("no_address"),
        };
        let now = platform::now();
        let mail = notices::mail(&claimed.content, &self.settings.branding, now)
            .map_err(|_| "template")?;
        // The span of this attempt where it is recorded, else the request's own.
        let traceparent = platform::traceparent().or_else(|| claimed.traceparent.clone());
        self.settings
            .sender
            .message(
                claimed.delivery_id,
                &address,
                mail,
                claimed.dated_at,
                traceparent.as_deref(),
            )
            .map_err(|_| "bad_address")
    }

    fn open(&self, claimed: &Claimed, sealed: &[u8]) -> Result<String, &'static str> {
        let wrapped = claimed.data_key.as_deref().ok_or(ERASED)?;
        let plain = self
            .master_key
            .unwrap_data_key(wrapped)
            .and_then(|key| key.open(&contacts::address_aad(claimed.delivery_id), sealed))
            .map_err(|_| "sealed")?;
        String::from_utf8(plain).map_err(|_| "bad_address")
    }

    fn tell(&self, claimed: &Claimed, sent: &Attempted, next: Next) {
        let class = sent.error_class.as_deref().unwrap_or_default();
        match next {
            Next::Sent => {
                self.metrics.attempted("sent");
                tracing::info!("a message was delivered");
            }
            Next::Again(_) => {
                self.metrics.attempted("failed");
                tracing::info!(error.class = class, "a message could not be delivered yet");
            }
            Next::Dead if class == ERASED => {
                self.metrics.attempted("erased");
                tracing::info!("a message has nobody to go to: the contacts were erased");
            }
            Next::Dead => {
                self.metrics.attempted("dead");
                tracing::error!(
                    delivery.id = %claimed.delivery_id,
                    delivery.rule = claimed.rule,
                    error.class = class,
                    "a delivery was given up: an operator must look at it",
                );
            }
        }
    }

    /// Tells how the queue stands until the shutdown; never fails.
    pub(crate) async fn sample(self, shutdown: CancellationToken) {
        let work = async {
            loop {
                if let Ok(queue_stats) = delivery_queue::queue_stats(&self.pool).await {
                    self.metrics.pending.set(queue_stats.pending);
                    self.metrics.dead.set(queue_stats.dead);
                    let age = queue_stats.oldest.map(|oldest| platform::now() - oldest);
                    // A digest is written down before the moment from which it waits.
                    let age = age.map_or(0.0, time::Duration::as_seconds_f64).max(0.0);
                    self.metrics.oldest_age.set(age);
                }
                tokio::time::sleep(SAMPLE).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }
}

/// Gives a question to the database up when it takes too long.
async fn in_time<T>(question: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    platform::in_time(async { Ok::<_, platform::Error>(question.await?) }).await
}

#[cfg(test)]
mod tests;
