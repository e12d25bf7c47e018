//! The issuer's keys: fetched, kept fresh, and used for a day when the issuer is away.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use reqwest::{Client, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use crate::{BoxError, Error, Result, StartError};

use super::AuthConfig;

/// How often the keys are fetched when all is well, and when the last attempt failed.
const REFRESH: Duration = Duration::from_mins(5);
const RETRY: Duration = Duration::from_secs(15);
/// How often at most an unknown key makes us ask the issuer again.
const THROTTLE: Duration = Duration::from_secs(10);
/// For how long a call with an unknown key waits for the issuer.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long the last good keys serve when the issuer is away.
const KEPT: Duration = Duration::from_hours(24);
/// How long the issuer may take, and how much it may say.
const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER: usize = 1 << 20;

/// The issuer's keys.
#[derive(Debug)]
pub(super) struct Keys {
    client: Client,
    issuer: String,
    discovery: Url,
    known: RwLock<Option<Arc<KeySet>>>,
    /// An unknown key asks for a fetch. Calls never fetch themselves: one that is
    /// dropped would take the fetch, and everybody's turn, with it.
    wanted: Notify,
    /// What came of the last fetch that an unknown key asked for.
    asked: watch::Sender<Option<Asked>>,
}

/// A fetch that an unknown key asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    ended_at: Instant,
    answered: bool,
}

/// The keys of one answer of the issuer.
#[derive(Debug)]
struct KeySet {
    generation: u64,
    fetched_at: Instant,
    document: JwkSet,
    keys: Vec<(String, Arc<Key>)>,
}

/// One key of the issuer.
pub(super) struct Key {
    /// Which answer of the issuer it comes from.
    pub(super) generation: u64,
    /// The algorithms that this key can have signed with.
    pub(super) algorithms: Vec<Algorithm>,
    /// The public key itself.
    pub(super) decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

impl Keys {
    pub(super) fn new(config: &AuthConfig) -> Result<Self, StartError> {
        let issuer: Url = config
            .issuer
            .parse()
            .map_err(|cause| StartError::unusable("AUTH_ISSUER", format!("{cause}")))?;
        let discovery: Url = if let Some(address) = &config.discovery_url {
            address
                .parse()
                .map_err(|cause| StartError::unusable("AUTH_DISCOVERY_URL", format!("{cause}")))?
        } else {
            let base = config.issuer.trim_end_matches('/');
            format!("{base}/.well-known/openid-configuration")
                .parse()
                .map_err(|cause| StartError::unusable("AUTH_ISSUER", format!("{cause}")))?
        };
        if issuer.scheme() == "https" && discovery.scheme() != "https" {
            return Err(StartError::unusable(
                "AUTH_DISCOVERY_URL",
                "https is required",
            ));
        }
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none());
        // Nobody else's proxy reaches an issuer of this machine.
        let client = if is_loopback(&discovery) {
            client.no_proxy()
        } else {
            client
        };
        let client = client
            .build()
            .map_err(|cause| StartError::unusable("AUTH_ISSUER", cause))?;
        Ok(Self {
            client,
            issuer: config.issuer.clone(),
            discovery,
            known: RwLock::default(),
            wanted: Notify::new(),
            asked: watch::Sender::new(None),
        })
    }

    /// Fetches the keys for the first time; an issuer that is away is only warned of.
    pub(super) async fn start(&self) -> Result<(), StartError> {
        match self.fetch().await {
            Ok(()) => Ok(()),
            Err(FetchError::Away(cause)) => {
                tracing::warn!(error.message = %cause, "the issuer of tokens is away; its tokens are refused until it answers");
                Ok(())
            }
            Err(FetchError::Wrong(cause)) => Err(StartError::unusable("AUTH_ISSUER", cause)),
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.issuer.starts_with("https://") && self.discovery.scheme() == "https"
    }

    /// How long ago the keys were fetched; `None` when they never were.
    pub(super) fn age(&self) -> Option<Duration> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|keys| keys.fetched_at.elapsed())
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
            if let Ok(Ok(())) = timeout(PATIENCE, asked.changed()).await {
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
        loop {
            let pause = if self.refresh().await { REFRESH } else { RETRY };
            let next = sleep(pause);
            tokio::pin!(next);
            while tokio::select! {
                () = &mut next => false,
                () = self.wanted.notified() => true,
            } {
                let answered = self.refresh().await;
                let ended_at = Instant::now();
                self.asked.send_replace(Some(Asked { ended_at, answered }));
            }
        }
    }

    /// Fetches the keys once; tells whether the issuer answered.
    async fn refresh(&self) -> bool {
        let fetched = self.fetch().await;
        if let Err(error) = &fetched {
            tracing::warn!(error.message = %error, "the keys of the issuer could not be fetched");
        }
        fetched.is_ok()
    }

    fn usable(&self) -> Result<Arc<KeySet>> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .filter(|known| known.usable(Instant::now()))
            .ok_or_else(away)
    }

    async fn fetch(&self) -> Result<(), FetchError> {
        let metadata: Metadata = self.get(self.discovery.clone()).await?;
        // A non-standard place may speak for the issuer, but only for this one.
        if metadata.issuer != self.issuer {
            return Err(FetchError::Wrong("its metadata name another issuer".into()));
        }
        let address: Url = metadata
            .jwks_uri
            .parse()
            .map_err(|_| FetchError::Wrong("its keys have no address".into()))?;
        if self.is_encrypted() && address.scheme() != "https" {
            return Err(FetchError::Wrong("its keys are not served by https".into()));
        }
        let document: JwkSet = self.get(address).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let generation = match known.as_deref() {
            Some(last) if last.document == document => last.generation,
            Some(last) => last.generation + 1,
            None => 1,
        };
        *known = Some(Arc::new(KeySet::new(document, generation)));
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, address: Url) -> Result<T, FetchError> {
        let mut answer = self
            .client
            .get(address)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(FetchError::away)?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(FetchError::away)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(FetchError::Wrong("its answer is too long".into()));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|cause| FetchError::Wrong(cause.into()))
    }
}

fn away() -> Error {
    Error::unavailable("ISSUER_UNAVAILABLE", "the issuer of tokens is away; retry")
}

fn is_loopback(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl KeySet {
    fn new(document: JwkSet, generation: u64) -> Self {
        let keys = document
            .keys
            .iter()
            .filter_map(|jwk| {
                let algorithms = algorithms(jwk);
                let decoding = DecodingKey::from_jwk(jwk).ok()?;
                let id = jwk.common.key_id.clone()?;
                let key = Key {
                    generation,
                    algorithms,
                    decoding,
                };
                Some((id, Arc::new(key)))
            })
            .collect();
        Self {
            generation,
            fetched_at: Instant::now(),
            document,
            keys,
        }
    }

    fn usable(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.fetched_at) < KEPT
    }

    fn find(&self, id: &str) -> Option<Arc<Key>> {
        self.keys
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, key)| Arc::clone(key))
    }
}

/// The algorithms that a key can have signed with; none for a key that must not sign.
fn algorithms(jwk: &Jwk) -> Vec<Algorithm> {
    if !matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    ) {
        return Vec::new();
    }
    let possible = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![Algorithm::ES256],
            EllipticCurve::P384 => vec![Algorithm::ES384],
            _ => Vec::new(),
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        AlgorithmParameters::RSA(_) => AlgorithmFamily::Rsa.algorithms().to_vec(),
        _ => Vec::new(),
    };
    let Some(named) = jwk.common.key_algorithm else {
        return possible;
    };
    possible
        .into_iter()
        .filter(|algorithm| named.to_string() == format!("{algorithm:?}"))
        .collect()
}

#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the issuer does not answer: {0}")]
    Away(BoxError),
    #[error("the issuer's answer cannot be used: {0}")]
    Wrong(BoxError),
}

impl FetchError {
    fn away(cause: reqwest::Error) -> Self {
        Self::Away(cause.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(keys: &serde_json::Value) -> KeySet {
        KeySet::new(serde_json::from_value(json!({ "keys": keys })).unwrap(), 1)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_keys_serve_for_a_day_and_no_longer() {
        let keys = set(&json!([]));
        tokio::time::advance(Duration::from_hours(23)).await;
        assert!(keys.usable(Instant::now()));
        tokio::time::advance(Duration::from_hours(1)).await;
        assert!(!keys.usable(Instant::now()));
    }

    #[test]
    fn a_key_signs_only_with_the_algorithms_of_its_kind() {
        let ec = json!({
            "kty": "EC", "crv": "P-256", "kid": "a",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        });
        let with = |name: &str, value: &str| {
            let mut key = ec.clone();
            key[name] = json!(value);
            key
        };
        let algorithms = |key| set(&json!([key])).find("a").unwrap().algorithms.clone();

        assert_eq!(algorithms(ec.clone()), [Algorithm::ES256]);
        assert_eq!(algorithms(with("use", "sig")), [Algorithm::ES256]);
        assert_eq!(algorithms(with("use", "enc")), []);
        assert_eq!(algorithms(with("alg", "ES384")), []);
        assert_eq!(
            algorithms(json!({ "kty": "oct", "kid": "a", "k": "c2VjcmV0" })),
            []
        );
    }
}
