//! What a token says, and the ways in which one can be wrong.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::key::SigningKey;

/// The audience that every token of the local issuer is meant for.
pub const AUDIENCE: &str = "vigie";

/// Who a token speaks of.
#[derive(Debug, Clone)]
pub struct TokenSpec {
    /// The claim `sub`.
    pub subject: String,
    /// The slugs of the roles.
    pub roles: Vec<String>,
    /// The INSEE code of the region, such as `76`.
    pub region: Option<String>,
    /// The keys of the caller's structures, such as `finess:010000024`.
    pub structures: Vec<String>,
    /// The level of authentication, as in the claim `acr`.
    pub acr: Option<String>,
    /// How long the token is good for, from now on.
    pub lifetime: Duration,
}

impl TokenSpec {
    /// A token of this subject for an hour, with no role.
    pub fn of(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            roles: Vec::new(),
            region: None,
            structures: Vec::new(),
            acr: None,
            lifetime: Duration::HOUR,
        }
    }

    /// Adds a role by its slug.
    pub fn role(mut self, slug: impl Into<String>) -> Self {
        self.roles.push(slug.into());
        self
    }

    /// Sets the region by its INSEE code.
    pub fn region(mut self, code: impl Into<String>) -> Self {
        self.region = Some(code.into());
        self
    }

    /// Adds a structure by its key.
    pub fn structure(mut self, key: impl Into<String>) -> Self {
        self.structures.push(key.into());
        self
    }

    /// Sets the level of authentication.
    pub fn acr(mut self, level: impl Into<String>) -> Self {
        self.acr = Some(level.into());
        self
    }

    /// Sets how long the token is good for.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    pub(super) fn claims<'a>(&'a self, issuer: &'a str, now: OffsetDateTime) -> Claims<'a> {
        Claims {
            iss: issuer,
            aud: AUDIENCE,
            sub: Some(&self.subject),
            iat: now.unix_timestamp(),
            nbf: now.unix_timestamp(),
            exp: (now + self.lifetime).unix_timestamp(),
            roles: &self.roles,
            region: self.region.as_deref(),
            structures: &self.structures,
            acr: self.acr.as_deref(),
        }
    }
}

/// One way in which a token is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Signed by a key that is not the issuer's, under the name of one that is.
    WrongKey,
    /// Signed by a key whose name nobody published.
    UnknownKey,
    /// Good until an hour ago.
    Expired,
    /// Good in an hour.
    NotYetValid,
    /// Meant for another service.
    WrongAudience,
    /// Said to be from another issuer.
    WrongIssuer,
    /// Without a signature, as the algorithm `none` has it.
    Unsigned,
    /// Signed with the public key as a shared secret, in the hope that the
    /// service lets the token choose the algorithm.
    HmacOfPublicKey,
    /// Altered after it was signed.
    Altered,
    /// Without a subject.
    NoSubject,
    /// No token at all.
    Garbage,
}

impl Defect {
    /// Every defect, for tests that must meet them all.
    pub const ALL: [Self; 11] = [
        Self::WrongKey,
        Self::UnknownKey,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::Unsigned,
        Self::HmacOfPublicKey,
        Self::Altered,
        Self::NoSubject,
        Self::Garbage,
    ];

    pub(super) fn token(
        self,
        spec: &TokenSpec,
        key: SigningKey,
        issuer: &str,
        now: OffsetDateTime,
    ) -> String {
        let claims = spec.claims(issuer, now);
        let stranger = || SigningKey::generate().expect("the machine gives randomness");
        let hour = Duration::HOUR.whole_seconds();
        match self {
            Self::WrongKey => claims.sign(&stranger().named(key.id)),
            Self::UnknownKey => claims.sign(&stranger()),
            Self::Expired => {
                let exp = claims.iat - hour;
                let nbf = exp - hour;
                Claims {
                    exp,
                    nbf,
                    iat: nbf,
                    ..claims
                }
                .sign(&key)
            }
            Self::NotYetValid => Claims {
                nbf: claims.nbf + hour,
                exp: claims.exp + 2 * hour,
                ..claims
            }
            .sign(&key),
            Self::WrongAudience => Claims {
                aud: "another",
                ..claims
            }
            .sign(&key),
            Self::WrongIssuer => Claims {
                iss: "https://issuer.invalid",
                ..claims
            }
            .sign(&key),
            Self::Unsigned => format!(
                "{}.{}.",
                encode(&json!({ "alg": "none", "typ": "JWT", "kid": key.id })),
                encode(&claims)
            ),
            Self::HmacOfPublicKey => {
                let secret = EncodingKey::from_secret(key.public().to_string().as_bytes());
                sign_with(&claims, Algorithm::HS256, &key.id, &secret)
            }
            Self::Altered => {
                let token = claims.sign(&key);
                let mut parts = token.split('.');
                let (header, signature) = (parts.next(), parts.next_back());
                let other = encode(&Claims {
                    sub: Some("another"),
                    ..claims
                });
                format!(
                    "{}.{other}.{}",
                    header.expect("a token has a header"),
                    signature.expect("a token has a signature")
                )
            }
            Self::NoSubject => Claims {
                sub: None,
                ..claims
            }
            .sign(&key),
            Self::Garbage => "not.a.token".to_owned(),
        }
    }
}

/// The claims, under the names that they have in a token.
#[derive(Debug, Serialize)]
pub(super) struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    iat: i64,
    nbf: i64,
    exp: i64,
    roles: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    structures: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
}

impl Claims<'_> {
    pub(super) fn sign(&self, key: &SigningKey) -> String {
        sign(self, key)
    }
}

/// Signs claims of any kind, as the issuer signs all its tokens.
pub(super) fn sign(claims: &impl Serialize, key: &SigningKey) -> String {
    sign_with(claims, Algorithm::ES256, &key.id, &key.private)
}

fn sign_with(
    claims: &impl Serialize,
    algorithm: Algorithm,
    key_id: &str,
    key: &EncodingKey,
) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(key_id.to_owned());
    jsonwebtoken::encode(&header, claims, key).expect("claims and key are well formed")
}

fn encode(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).expect("claims are plain JSON"))
}
