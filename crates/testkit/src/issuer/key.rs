//! The keys that tokens are signed with.

use std::path::Path;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::certificates::write_key;

/// A P-256 key with the name it is published under.
#[derive(Debug, Clone)]
pub(super) struct SigningKey {
    pub(super) id: String,
    pub(super) private: EncodingKey,
    /// The uncompressed point: a byte 4, then x and y of 32 bytes each.
    point: Vec<u8>,
}

impl SigningKey {
    pub(super) fn generate() -> Result<Self> {
        Ok(Self::of(&KeyPair::generate()?))
    }

    pub(super) fn load_or_generate(file: &Path) -> Result<Self> {
        if !file.exists() {
            let pair = KeyPair::generate()?;
            write_key(file, &pair)?;
            return Ok(Self::of(&pair));
        }
        let text = std::fs::read_to_string(file)?;
        let pair =
            KeyPair::from_pem(&text).with_context(|| format!("reading {}", file.display()))?;
        Ok(Self::of(&pair))
    }

    /// This key under the name of another one.
    pub(super) fn named(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// The key as a JSON Web Key.
    pub(super) fn public(&self) -> Value {
        let (x, y) = self.point[1..].split_at(32);
        json!({
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": "ES256",
            "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
        })
    }

    fn of(pair: &KeyPair) -> Self {
        let point = pair.public_key_raw().to_vec();
        Self {
            // Part of the public key names it, the same after every load.
            id: URL_SAFE_NO_PAD.encode(&point[1..13]),
            private: EncodingKey::from_ec_der(pair.serialized_der()),
            point,
        }
    }
}
