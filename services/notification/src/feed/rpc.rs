//! FeedRpc of notifications.

use std::{collections::BTreeSet, pin::Pin, sync::Arc, time::Duration};

use futures::Stream;
use platform::{AuditEntry, Caller, Error, Outcome, Result, audit};
use prometheus_client::metrics::gauge::Gauge;
use proto::notification::v1::{
    Gap, Heartbeat, WatchRequest, WatchResponse, WatchStart,
    notification_service_server::NotificationService, watch_response::Message,
};
use serde_json::json;
use sqlx::PgPool;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::{
    Feed, cursor,
    watcher::{Begin, Next, Watcher, refused},
};
use crate::{NotificationConfig, metrics::ServiceMetrics};

/// When a client that found too many streams has a chance again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long a token whose end is not known lets a stream live.
const LONGEST: Duration = Duration::from_hours(1);

/// Answers `NotificationService`.
pub(crate) struct FeedRpc {
    feed: Feed,
    /// Where the audit rests.
    pool: PgPool,
    /// How many streams may be open.
    room: Arc<Semaphore>,
    /// After how long a silence a heartbeat is sent.
    heartbeat: Duration,
    /// Ends all streams.
    shutdown: CancellationToken,
    metrics: ServiceMetrics,
}

impl FeedRpc {
    /// Streams a feed until the shutdown.
    pub(crate) fn new(
        feed: Feed,
        pool: PgPool,
        config: &NotificationConfig,
        shutdown: CancellationToken,
        metrics: ServiceMetrics,
    ) -> Self {
        Self {
            feed,
            pool,
            room: Arc::new(Semaphore::new(config.max_streams)),
            heartbeat: Duration::from_millis(config.heartbeat_ms),
            shutdown,
            metrics,
        }
    }
}

#[tonic::async_trait]
impl NotificationService for FeedRpc {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?.clone();
        let begin = begin(request.get_ref())?;
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            Error::exhausted("TOO_MANY_STREAMS", "trop de flux sont ouverts", RETRY_AFTER)
        })?;
        let parties: BTreeSet<String> = caller.parties().into_iter().collect();
        let now = platform::now();
        let watcher = Watcher::begin(&self.feed, parties, begin, now).await?;
        self.note(&caller, request.get_ref()).await?;

        let left = caller
            .expires_at
            .map(|end| (end - now).try_into().unwrap_or(Duration::ZERO));
        let watching = Watching {
            watcher,
            heartbeat: self.heartbeat,
            token_ends: Instant::now() + left.unwrap_or(LONGEST),
            shutdown: self.shutdown.clone(),
            metrics: self.metrics.clone(),
            _open: OpenStream::new(self.metrics.streams.clone(), room),
        };
        Ok(Response::new(Box::pin(watching.stream())))
    }
}

impl FeedRpc {
    /// Leaves the one audit entry of a stream.
    async fn note(&self, caller: &Caller, request: &WatchRequest) -> Result<()> {
        let start = if request.cursor.is_empty() {
            request.start().as_str_name()
        } else {
            "CURSOR"
        };
        let mut transaction = self.pool.begin().await?;
        let entry = AuditEntry {
            caller,
            action: "notification.watch",
            object: "feed",
            outcome: Outcome::Done,
            detail: json!({ "start": start, "visible_to": caller.parties() }),
            at: platform::now(),
        };
        audit(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn begin(request: &WatchRequest) -> Result<Begin> {
    if !request.cursor.is_empty() {
        return cursor::decode(&request.cursor)
            .map(Begin::After)
            .map_err(refused);
    }
    match WatchStart::try_from(request.start) {
        Ok(WatchStart::Unspecified | WatchStart::Now) => Ok(Begin::Now),
        Ok(WatchStart::Oldest) => Ok(Begin::Oldest),
        Err(_) => Err(Error::invalid(
            "start",
            "UNKNOWN_VALUE",
            "n'est pas un point de départ",
        )),
    }
}

/// A stream from its opening to its end.
struct Watching {
    watcher: Watcher,
    heartbeat: Duration,
    token_ends: Instant,
    shutdown: CancellationToken,
    metrics: ServiceMetrics,
    _open: OpenStream,
}

impl Watching {
    fn stream(mut self) -> impl Stream<Item = Result<WatchResponse, Status>> {
        async_stream::stream! {
            let mut silent_until = Instant::now() + self.heartbeat;
            loop {
                let message = match self.next(silent_until).await {
                    Ok(message) => message,
                    Err(error) => {
                        yield Err(error.into());
                        return;
                    }
                };
                silent_until = Instant::now() + self.heartbeat;
                yield Ok(WatchResponse {
                    cursor: cursor::encode(&self.watcher.cursor(platform::now())),
                    message: Some(message),
                });
            }
        }
    }

    async fn next(&mut self, silent_until: Instant) -> Result<Message> {
        let next = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => {
                return Err(Error::unavailable("SHUTTING_DOWN", "le service s'arrête : reconnectez-vous"));
            }
            () = tokio::time::sleep_until(self.token_ends) => {
                return Err(Error::unauthenticated("TOKEN_EXPIRED", "le jeton du flux a expiré"));
            }
            next = self.watcher.next(platform::now) => next?,
            () = tokio::time::sleep_until(silent_until) => Next::CaughtUp,
        };
        Ok(match next {
            Next::Item(item) => Message::Notification(item.notification),
            Next::CaughtUp => Message::Heartbeat(Heartbeat {}),
            Next::Gap(from) => {
                self.metrics.gaps.inc();
                Message::Gap(Gap {
                    from_cursor: cursor::encode(&from),
                })
            }
        })
    }
}

/// Counts a stream for as long as it is open.
struct OpenStream {
    gauge: Gauge,
    _room: OwnedSemaphorePermit,
}

impl OpenStream {
    fn new(gauge: Gauge, room: OwnedSemaphorePermit) -> Self {
        gauge.inc();
        Self { gauge, _room: room }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}
