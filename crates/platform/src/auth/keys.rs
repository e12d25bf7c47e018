//! The issuer's keys: fetched, refreshed, and kept for a day while the issuer is unavailable.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jsonwebtoken::jwk::JwkSet;
use time::OffsetDateTime;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use crate::{Error, Files, Result, StartError, clock};

use super::{
    AuthConfig,
    issuer_client::{FetchError, IssuerClient},
    key_set::{Key, KeySet},
    key_store::KeyStore,
};

/// How often the keys are fetched, and how soon again after a failure.
const REFRESH: Duration = Duration::from_mins(5);
const RETRY: Duration = Duration::from_secs(15);
/// The pause after a failure while there are no keys at all; it doubles up to the longest.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_FIRST_RETRY: Duration = Duration::from_secs(5);
/// How far the clock of another replica may be ahead.
const CLOCK_DRIFT: time::Duration = time::Duration::minutes(1);
/// The least time between two fetches because of unknown keys.
const THROTTLE: Duration = Duration::from_secs(10);
/// How long a call with an unknown key waits for the issuer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// The issuer's keys.
#[derive(Debug)]
pub(super) struct Keys {
    client: IssuerClient,
    store: Option<KeyStore>,
    known: watch::Sender<Option<Arc<KeySet>>>,
    /// Whether the last fetch failed: a failure is logged once.
    is_failing: AtomicBool,
    /// An unknown key asks for a fetch. Calls never fetch themselves: one that is
    /// dropped would take the fetch, and everybody's turn, with it.
    wanted: Notify,
    /// The last fetch that an unknown key asked for.
    asked: watch::Sender<Option<KeyFetch>>,
}

/// A fetch that an unknown key asked for.
#[derive(Debug, Clone, Copy)]
struct KeyFetch {
    ended_at: Instant,
    answered: bool,
}

impl Keys {
    /// Starts with the stored keys or, without any that are usable, with the issuer's.
    pub(super) async fn start(
        config: &AuthConfig,
        files: &Files,
        store: Option<KeyStore>,
    ) -> Result<Self, StartError> {
        let keys = Self {
            client: IssuerClient::new(config, files)?,
            store,
            known: watch::Sender::new(None),
            is_failing: AtomicBool::new(false),
            wanted: Notify::new(),
            asked: watch::Sender::new(None),
        };
        keys.load().await;
        if keys.usable().is_err()
            && let Err(FetchError::Wrong(cause)) = keys.fetch().await
        {
            return Err(StartError::unusable("AUTH_ISSUER", cause));
        }
        Ok(keys)
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.client.is_encrypted()
    }

    /// How long ago the keys were fetched; `None` when they never were.
    pub(super) fn age(&self) -> Option<Duration> {
        self.known.borrow().as_ref().map(|keys| keys.age())
    }

    /// Waits until there are keys for the first time.
    pub(super) async fn read_once(&self) {
        let mut known = self.known.subscribe();
        let seen = known.wait_for(Option::is_some).await;
        // The sender lives as long as `self`.
        drop(seen);
    }

    /// Which answer of the issuer is in use.
    pub(super) fn generation(&self) -> Result<u64> {
        Ok(self.usable()?.generation)
    }

    /// The key of this name; one that is unknown makes us ask the issuer, now and then.
    pub(super) async fn find(&self, id: &str) -> Result<Option<Arc<Key>>> {
        // Before looking: a fetch that ends in between is seen.
        let mut asked = self.asked.subscribe();
        if let Some(key) = self.usable()?.find(id) {
            return Ok(Some(key));
        }
        let last = *asked.borrow_and_update();
        let mut last = last.filter(|last| last.ended_at.elapsed() < THROTTLE);
        if last.is_none() {
            self.wanted.notify_one();
            if let Ok(Ok(())) = timeout(FETCH_TIMEOUT, asked.changed()).await {
                last = *asked.borrow();
            }
        }
        match self.usable()?.find(id) {
            // Whether the key is a new one, only the issuer could have said.
            None if !last.is_some_and(|last| last.answered) => Err(away()),
            found => Ok(found),
        }
    }

    /// Fetches the keys now and then, and when a call meets an unknown one.
    pub(super) async fn keep_fresh(&self) {
        let mut first_retry = FIRST_RETRY;
        loop {
            let pause = if self.refresh().await {
                REFRESH
            } else if self.known.borrow().is_some() {
                RETRY
            } else {
                let pause = first_retry;
                first_retry = (2 * pause).min(LONGEST_FIRST_RETRY);
                pause
            };
            let next = sleep(pause);
            tokio::pin!(next);
            while tokio::select! {
                () = &mut next => false,
                () = self.wanted.notified() => true,
            } {
                let answered = self.refresh().await;
                let ended_at = Instant::now();
                self.asked
                    .send_replace(Some(KeyFetch { ended_at, answered }));
            }
        }
    }

    /// Fetches the keys once, and falls back on those that another replica has fetched;
    /// tells whether the issuer answered.
    async fn refresh(&self) -> bool {
        let answered = self.fetch().await.is_ok();
        if !answered {
            self.load().await;
        }
        answered
    }

    async fn fetch(&self) -> Result<(), FetchError> {
        match self.client.fetch().await {
            Ok(document) => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the issuer of tokens answers again");
                }
                let now = clock::now();
                self.save(&document, now).await;
                self.adopt(document, now);
                Ok(())
            }
            Err(error) => {
                if !self.is_failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        error.message = %error,
                        "the keys of the issuer could not be fetched"
                    );
                }
                Err(error)
            }
        }
    }

    /// Takes over keys that are usable.
    fn adopt(&self, document: JwkSet, fetched_at: OffsetDateTime) {
        self.known.send_if_modified(|known| {
            let generation = match known {
                Some(last) if last.document == document => last.generation,
                Some(last) => last.generation + 1,
                None => 1,
            };
            let set = KeySet::new(document, generation, fetched_at, clock::now());
            let is_usable = set.is_usable();
            if is_usable {
                *known = Some(Arc::new(set));
            }
            is_usable
        });
    }

    async fn load(&self) {
        let Some(store) = &self.store else {
            return;
        };
        match store.load().await {
            // Stored by a replica whose clock is ahead: they would pass for fresh too long.
            Ok(Some((_, fetched_at))) if fetched_at > clock::now() + CLOCK_DRIFT => {}
            Ok(Some((document, fetched_at))) => {
                let known = self.known.borrow().as_ref().map(|known| known.fetched_at);
                if known.is_none_or(|known| known < fetched_at) {
                    self.adopt(document, fetched_at);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "the stored keys of the issuer are not used"),
        }
    }

    async fn save(&self, document: &JwkSet, fetched_at: OffsetDateTime) {
        if let Some(store) = &self.store
            && let Err(error) = store.save(document, fetched_at).await
        {
            tracing::debug!(%error, "the keys of the issuer are not stored");
        }
    }

    fn usable(&self) -> Result<Arc<KeySet>> {
        let known = self.known.borrow().clone();
        known.filter(|known| known.is_usable()).ok_or_else(away)
    }
}

fn away() -> Error {
    Error::unavailable(
        "ISSUER_UNAVAILABLE",
        "le fournisseur d'identité ne répond pas ; réessayez",
    )
}
