//! Applies parked events again by itself, once this release or the schema can.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use futures::FutureExt as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{ConsumerContext, parked};
use crate::{backoff::Backoff, in_transaction};

/// How often parked events are looked for.
const ROUND: Duration = Duration::from_secs(5);
/// The wait of a subject doubles with each failure, so many times: to 5 minutes.
const DOUBLINGS: u32 = 6;

/// Retries the subjects whose parked events wait for something other than an
/// operator: apart from the consumer, which follows the log meanwhile.
pub(super) struct ParkedRetry {
    context: Arc<ConsumerContext>,
    delays: HashMap<String, Delay>,
    backoff: Backoff,
}

/// When a subject is tried again that could not be applied.
struct Delay {
    failures: u32,
    until: Instant,
}

impl ParkedRetry {
    pub(super) fn new(context: Arc<ConsumerContext>) -> Self {
        let backoff = Backoff::new(format!(
            "PostgreSQL (parked events of {})",
            context.producer
        ));
        Self {
            context,
            delays: HashMap::new(),
            backoff,
        }
    }

    /// Works until the shutdown; never fails.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let work = async {
            loop {
                match self.step().await {
                    Ok(()) => {
                        self.backoff.reset();
                        tokio::time::sleep(ROUND).await;
                    }
                    Err(error) => tokio::time::sleep(self.backoff.failed(&error)).await,
                }
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Tries every subject that is due.
    async fn step(&mut self) -> platform::Result<()> {
        let waiting: BTreeMap<String, String> = parked::waiting(&self.context).await?;
        self.delays
            .retain(|subject, _| waiting.contains_key(subject));
        for (subject, event_type) in waiting {
            let delay = self.delays.get(&subject);
            if delay.is_none_or(|delay| delay.until <= Instant::now()) {
                self.retry(subject, &event_type).await;
            }
        }
        Ok(())
    }

    async fn retry(&mut self, subject: String, event_type: &str) {
        let context = self.context.as_ref();
        let with = (context, &subject);
        let retried = in_transaction(&context.pool, &with, |conn, (context, subject)| {
            parked::retry(conn, context, subject).boxed()
        });
        let still_parked = match retried.await {
            Ok(retried) => {
                let applied = retried.map_or(0, |retried| retried.applied);
                if applied > 0 {
                    context.apply.committed();
                    tracing::info!(
                        eventlog.consumer = context.name,
                        eventlog.producer = context.producer,
                        event.r#type = event_type,
                        applied,
                        "applied events that had been kept aside",
                    );
                }
                retried.is_some_and(|retried| retried.still_parked > 0)
            }
            Err(error) => {
                if !self.delays.contains_key(&subject) {
                    tracing::warn!(
                        eventlog.consumer = context.name,
                        eventlog.producer = context.producer,
                        event.r#type = event_type,
                        error = &error as &dyn std::error::Error,
                        "events kept aside could not be applied now; retrying for ever",
                    );
                }
                true
            }
        };
        if still_parked {
            let failures = self.delays.get(&subject).map_or(0, |delay| delay.failures);
            let delay = Delay {
                failures: failures.saturating_add(1),
                until: Instant::now() + delay(failures),
            };
            self.delays.insert(subject, delay);
        } else {
            self.delays.remove(&subject);
        }
    }
}

/// How long a subject is left alone after so many failures before the last.
fn delay(failures: u32) -> Duration {
    ROUND * (1 << failures.min(DOUBLINGS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_tried_ever_more_slowly_but_every_six_minutes_at_least() {
        assert_eq!(delay(0), Duration::from_secs(5));
        assert_eq!(delay(1), Duration::from_secs(10));
        assert_eq!(delay(6), Duration::from_secs(320));
        assert_eq!(delay(u32::MAX), Duration::from_secs(320));
    }
}
