//! Workers that take what is due.

use std::{sync::Arc, time::Duration};

use platform::{Result, SealingKey};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    envelope::{Packed, Sender},
    relay::{Courier, Relay, Sent},
};
use crate::{
    convert::contacts,
    domain::{
        mail::{self, Letterhead},
        retry::{Next, Outcome, RetryPolicy},
    },
    metrics::ServiceMetrics,
    store::delivery_queue::{self, Attempt, Claimed},
};

/// The safety net under the wake-ups: what another replica commits, and what
/// becomes due with time, is found by it.
const POLL: Duration = Duration::from_secs(1);
/// The wait while the database is away.
const PAUSE: Duration = Duration::from_secs(2);
/// How often the standing of the queue is told.
const SAMPLE: Duration = Duration::from_secs(5);

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Post {
    /// Where deliveries rest.
    pub(crate) pool: PgPool,
    /// Woken when there is something to deliver.
    pub(crate) due: Arc<Notify>,
    /// Opens the reports' own keys.
    pub(crate) master_key: Arc<SealingKey>,
    /// What the service tells about itself.
    pub(crate) metrics: ServiceMetrics,
    /// How it works.
    pub(crate) settings: Arc<PostSettings>,
}

/// How the post works.
pub(crate) struct PostSettings {
    /// The relay.
    pub(crate) relay: Relay,
    /// Who sends.
    pub(crate) sender: Sender,
    /// What messages say of the place they come from.
    pub(crate) letterhead: Letterhead,
    /// When a delivery is tried again.
    pub(crate) policy: RetryPolicy,
    /// How long a claim holds; longer than an attempt may take.
    pub(crate) claim: time::Duration,
    /// How long an attempt under way may take after a shutdown was asked.
    pub(crate) grace: Duration,
}

/// What a step of a worker did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Tried a delivery.
    Tried,
    /// Nothing is due.
    Idle,
}

impl Post {
    /// Delivers until the shutdown; never fails. An attempt under way has a
    /// while to end and be recorded; one that hangs is given up like at a kill.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut courier = Courier::new(self.settings.relay.clone());
        let out_of_patience = async {
            shutdown.cancelled().await;
            tokio::time::sleep(self.settings.grace).await;
        };
        tokio::select! {
            () = self.work(&mut courier, &shutdown) => {}
            () = out_of_patience => {}
        }
    }

    async fn work(&self, courier: &mut Courier, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            let woken = self.due.notified();
            tokio::pin!(woken);
            // Registered before looking: nothing is missed in between.
            woken.as_mut().enable();
            let pause = match self.step(courier).await {
                Ok(Step::Tried) => continue,
                Ok(Step::Idle) => POLL,
                Err(error) => {
                    tracing::warn!(%error, "deliveries wait: the queue cannot be read");
                    PAUSE
                }
            };
            courier.rest().await;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tries one delivery, if one is due.
    pub(crate) async fn step(&self, courier: &mut Courier) -> Result<Step> {
        let now = platform::now();
        let claim =
            async { Ok(delivery_queue::claim(&self.pool, now, now + self.settings.claim).await?) };
        let claimed = platform::in_time::<_, platform::Error>(claim).await?;
        let Some(claimed) = claimed else {
            return Ok(Step::Idle);
        };
        if claimed.earlier_claim_expired {
            self.metrics.expired_claims.inc();
            tracing::warn!(
                delivery.id = %claimed.delivery_id,
                "an attempt ended without a record; its message may be sent twice",
            );
        }
        let span = tracing::info_span!(
            "deliver",
            delivery.id = %claimed.delivery_id,
            delivery.rule = claimed.rule,
            delivery.attempt = claimed.attempts,
        );
        platform::follow(&span, claimed.traceparent.as_deref());
        self.deliver(courier, &claimed, now)
            .instrument(span)
            .await?;
        Ok(Step::Tried)
    }

    async fn deliver(
        &self,
        courier: &mut Courier,
        claimed: &Claimed,
        started_at: time::OffsetDateTime,
    ) -> Result<()> {
        let sent = match self.pack(claimed) {
            Ok(packed) => {
                let sent = courier.send(&packed).await;
                #[cfg(feature = "mutants")]
                platform::mutant::crash_point();
                sent
            }
            Err(class) => Sent {
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
        let error_class = sent.error_class;
        let attempt = Attempt {
            started_at,
            ended_at,
            refusals,
            next,
            error_class,
        };
        self.record(claimed, &attempt).await
    }

    /// Records an attempt, again while the claim holds: what was sent and is not
    /// recorded would be sent again.
    async fn record(&self, claimed: &Claimed, attempt: &Attempt) -> Result<()> {
        loop {
            let record = async { Ok(delivery_queue::record(&self.pool, claimed, attempt).await?) };
            match platform::in_time::<_, platform::Error>(record).await {
                Ok(()) => return Ok(()),
                Err(error) if platform::now() + PAUSE >= claimed.until => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "an attempt cannot be recorded yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Addresses and writes a message; the error is the class that is recorded.
    fn pack(&self, claimed: &Claimed) -> Result<Packed, &'static str> {
        let address = match (&claimed.mailbox, &claimed.sealed_address) {
            (Some(mailbox), _) => mailbox.clone(),
            (None, Some(sealed)) => self.open(claimed, sealed)?,
            (None, None) => return Err("no_address"),
        };
        let mail = mail::write(
            &claimed.content,
            &self.settings.letterhead,
            claimed.created_at,
        );
        // The span of this attempt where it is recorded, else the request's own.
        let traceparent = platform::traceparent().or_else(|| claimed.traceparent.clone());
        self.settings
            .sender
            .pack(
                claimed.delivery_id,
                &address,
                mail,
                claimed.created_at,
                traceparent.as_deref(),
            )
            .map_err(|_| "bad_address")
    }

    fn open(&self, claimed: &Claimed, sealed: &[u8]) -> Result<String, &'static str> {
        let wrapped = claimed.data_key.as_deref().ok_or("erased")?;
        let plain = self
            .master_key
            .unwrap_data_key(wrapped)
            .and_then(|key| key.open(&contacts::address_aad(claimed.delivery_id), sealed))
            .map_err(|_| "sealed")?;
        String::from_utf8(plain).map_err(|_| "bad_address")
    }

    fn tell(&self, claimed: &Claimed, sent: &Sent, next: Next) {
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
                if let Ok(standing) = delivery_queue::standing(&self.pool).await {
                    self.metrics.pending.set(standing.pending);
                    self.metrics.dead.set(standing.dead);
                    let age = standing.oldest.map(|oldest| platform::now() - oldest);
                    self.metrics
                        .oldest_age
                        .set(age.map_or(0.0, time::Duration::as_seconds_f64));
                }
                tokio::time::sleep(SAMPLE).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }
}

#[cfg(test)]
mod tests;
