//! Who calls, and what may be called.

mod cache;
mod claims;
mod config;
mod issuer_client;
mod key_set;
mod key_store;
mod keys;
mod policy;
mod rules;

use std::time::Duration;

use sqlx::PgPool;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

pub use config::AuthConfig;
pub use policy::Policy;
pub(crate) use policy::{Listener, Rule, Shape};

use crate::{Caller, Error, Files, Result, SealingKey, ServerConfig, StartError, clock};

use self::{
    cache::Cache, issuer_client::IssuerClient, key_store::KeyStore, keys::Keys, rules::Rules,
};

/// Turns bearer tokens into callers.
#[derive(Debug)]
pub struct Authenticator {
    rules: Rules,
    keys: Keys,
    cache: Cache,
}

impl Authenticator {
    /// Starts with the issuer's keys, and follows no file.
    ///
    /// An issuer that does not answer does not stop the start: its tokens are refused
    /// with `ISSUER_UNAVAILABLE` until [`refresh`](Self::refresh) reaches it.
    pub async fn start(config: &AuthConfig) -> Result<Self, StartError> {
        Self::open(config, &Files::default(), None).await
    }

    /// Starts with the keys that another replica has stored in the last 24 hours, or with
    /// the issuer's, and stores what it fetches.
    pub async fn start_with_store(
        config: &AuthConfig,
        pool: &PgPool,
        seal: &SealingKey,
        files: &Files,
    ) -> Result<Self, StartError> {
        let store = KeyStore {
            pool: pool.clone(),
            seal: seal.clone(),
            issuer: config.issuer.clone(),
        };
        Self::open(config, files, Some(store)).await
    }

    /// Reads the configuration as a start beside this server does, without asking the issuer.
    pub(crate) fn check(config: &AuthConfig, server: &ServerConfig) -> Result<(), StartError> {
        Rules::new(config)?;
        let issuer = IssuerClient::new(config, &Files::default())?;
        check_transport(issuer.is_encrypted(), server)
    }

    async fn open(
        config: &AuthConfig,
        files: &Files,
        store: Option<KeyStore>,
    ) -> Result<Self, StartError> {
        let rules = Rules::new(config)?;
        let keys = Keys::start(config, files, store).await?;
        Ok(Self {
            rules,
            keys,
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
        let header =
            jsonwebtoken::decode_header(token).map_err(|_| invalid("n'est pas lisible"))?;
        let key_id = header
            .kid
            .as_deref()
            .ok_or_else(|| invalid("ne nomme aucune clé"))?;
        let key = self
            .keys
            .find(key_id)
            .await?
            .ok_or_else(|| invalid("nomme une clé inconnue"))?;
        let caller = self.rules.verify(token, &key)?;
        self.cache
            .put(fingerprint, key.generation, caller.clone(), now);
        Ok(caller)
    }

    /// How long ago the issuer was last heard of; `None` when it never was.
    pub(crate) fn keys_age(&self) -> Option<Duration> {
        self.keys.age()
    }

    /// Waits until the issuer's keys were read once.
    pub(crate) async fn keys_read(&self) {
        self.keys.read_once().await;
    }

    /// Keeps the issuer's keys fresh until the shutdown.
    pub async fn refresh(&self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.keys.keep_fresh()).await;
    }

    /// Refuses an issuer that speaks plain text unless nobody outside can reach the server.
    pub(crate) fn check_transport(&self, server: &ServerConfig) -> Result<(), StartError> {
        check_transport(self.keys.is_encrypted(), server)
    }
}

fn check_transport(is_encrypted: bool, server: &ServerConfig) -> Result<(), StartError> {
    if is_encrypted || server.is_loopback() {
        return Ok(());
    }
    let why = "https is required beyond this machine";
    Err(StartError::unusable("AUTH_ISSUER", why))
}

/// For how long clocks may differ.
const LEEWAY: time::Duration = time::Duration::seconds(30);

/// Whether a proof that ends at `expires_at` still holds.
fn holds(expires_at: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
    expires_at.is_some_and(|end| now - LEEWAY < end)
}

fn invalid(why: &'static str) -> Error {
    Error::unauthenticated("TOKEN_INVALID", format!("le jeton {why}"))
}
