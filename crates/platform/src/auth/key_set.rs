//! The keys of one answer of the issuer.

use std::{fmt, sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use time::OffsetDateTime;
use tokio::time::Instant;

/// How long the last good keys serve while the issuer is unavailable.
const MAX_AGE: Duration = Duration::from_hours(24);

/// The keys of one answer of the issuer.
#[derive(Debug)]
pub(super) struct KeySet {
    pub(super) generation: u64,
    /// When this process, or another one that stored them, fetched the keys.
    pub(super) fetched_at: OffsetDateTime,
    pub(super) document: JwkSet,
    /// How old they were when this process got them, and when that was: a clock that is
    /// set while the process runs changes nothing.
    age_at_start: Duration,
    started: Instant,
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

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

impl KeySet {
    pub(super) fn new(
        document: JwkSet,
        generation: u64,
        fetched_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Self {
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
            fetched_at,
            document,
            // A replica's clock may be a little ahead.
            age_at_start: (now - fetched_at).try_into().unwrap_or(Duration::ZERO),
            started: Instant::now(),
            keys,
        }
    }

    /// How long ago the keys were fetched.
    pub(super) fn age(&self) -> Duration {
        self.age_at_start.saturating_add(self.started.elapsed())
    }

    pub(super) fn is_usable(&self) -> bool {
        self.age() < MAX_AGE
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Key>> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-02 12:00 UTC);

    fn fetched_at(keys: &serde_json::Value, fetched_at: OffsetDateTime) -> KeySet {
        let document = serde_json::from_value(json!({ "keys": keys })).unwrap();
        KeySet::new(document, 1, fetched_at, NOW)
    }

    fn set(keys: &serde_json::Value) -> KeySet {
        fetched_at(keys, NOW)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_good_keys_serve_for_a_day_and_no_longer() {
        let keys = set(&json!([]));
        tokio::time::advance(Duration::from_hours(23)).await;
        assert!(keys.is_usable());
        tokio::time::advance(Duration::from_hours(1)).await;
        assert!(!keys.is_usable());
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_another_process_fetched_serve_for_what_is_left_of_their_day() {
        let stored = fetched_at(&json!([]), NOW - Duration::from_hours(20));
        assert_eq!(stored.age(), Duration::from_hours(20));
        assert!(stored.is_usable());
        tokio::time::advance(Duration::from_hours(4)).await;
        assert!(!stored.is_usable());
        assert!(!fetched_at(&json!([]), NOW - Duration::from_hours(24)).is_usable());
        let ahead = fetched_at(&json!([]), NOW + Duration::from_secs(5));
        assert_eq!(ahead.age(), Duration::ZERO);
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
