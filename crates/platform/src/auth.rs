//! Who calls, and what may be called.

mod cache;
mod claims;
mod config;
mod keys;
mod policy;
mod rules;

use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

pub use config::AuthConfig;
pub use policy::Policy;
pub(crate) use policy::{Listener, Rule, Shape};

use crate::{Caller, Error, Result, ServerConfig, StartError, clock};

use self::{cache::Cache, keys::Keys, rules::Rules};

/// Turns bearer tokens into callers.
#[derive(Debug)]
pub struct Authenticator {
    rules: Rules,
    keys: Keys,
    cache: Cache,
}

impl Authenticator {
    /// Starts with the issuer's keys.
    ///
    /// An issuer that does not answer does not stop the start: its tokens are refused
    /// with `ISSUER_UNAVAILABLE` until [`refresh`](Self::refresh) reaches it.
    pub async fn start(config: &AuthConfig) -> Result<Self, StartError> {
        let started = Self::new(config)?;
        started.keys.start().await?;
        Ok(started)
    }

    /// Reads the configuration as a start beside this server does, without asking the issuer.
    pub(crate) fn check(config: &AuthConfig, server: &ServerConfig) -> Result<(), StartError> {
        Self::new(config)?.check_transport(server)
    }

    fn new(config: &AuthConfig) -> Result<Self, StartError> {
        Ok(Self {
            rules: Rules::new(config)?,
            keys: Keys::new(config)?,
            cache: Cache::default(),
        })
    }

    /// Who the token speaks of.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let now = clock::now();
        let generation = self.keys.generation()?;
        let fingerprint = Cache::fingerprint(token);
        if let Some(caller) = self.cache.get(&fingerprint, generation, now) {
            return Ok(caller);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid("is not readable"))?;
        let key_id = header
            .kid
            .as_deref()
            .ok_or_else(|| invalid("names no key"))?;
        let key = self
            .keys
            .find(key_id)
            .await?
            .ok_or_else(|| invalid("names an unknown key"))?;
        let caller = self.rules.verify(token, &key)?;
        self.cache
            .put(fingerprint, key.generation, caller.clone(), now);
        Ok(caller)
    }

    /// How long ago the issuer was last heard of; `None` when it never was.
    pub(crate) fn keys_age(&self) -> Option<Duration> {
        self.keys.age()
    }

    /// Keeps the issuer's keys fresh until the shutdown.
    pub async fn refresh(&self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.keys.keep_fresh()).await;
    }

    /// Refuses an issuer that speaks plain text unless nobody outside can reach the server.
    pub(crate) fn check_transport(&self, server: &ServerConfig) -> Result<(), StartError> {
        if self.keys.is_encrypted() || server.is_loopback() {
            return Ok(());
        }
        Err(StartError::unusable(
            "AUTH_ISSUER",
            "https is required beyond this machine",
        ))
    }
}

/// For how long clocks may differ.
const LEEWAY: time::Duration = time::Duration::seconds(30);

/// Whether a proof that ends at `expires_at` still holds.
fn holds(expires_at: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
    expires_at.is_some_and(|end| now - LEEWAY < end)
}

fn invalid(why: &'static str) -> Error {
    Error::unauthenticated("TOKEN_INVALID", format!("the token {why}"))
}
