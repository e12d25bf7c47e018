//! What a client is told about the person who logged in (OpenID Connect Core 1.0,
//! section 2).

use serde::Serialize;
use time::OffsetDateTime;

use super::{client::CLIENT_ID, grants::Granted, key::SigningKey, language::Language, token::sign};

/// The claims of an ID token. Its audience is the client, so services refuse it.
#[derive(Debug, Serialize)]
pub(super) struct IdClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    name: &'a str,
    locale: Language,
    roles: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    structures: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
}

impl<'a> IdClaims<'a> {
    pub(super) fn new(granted: &'a Granted, issuer: &'a str, now: OffsetDateTime) -> Self {
        let login = &granted.login;
        let spec = &login.identity.token;
        Self {
            iss: issuer,
            aud: CLIENT_ID,
            sub: &spec.subject,
            iat: now.unix_timestamp(),
            exp: (now + spec.lifetime).unix_timestamp(),
            auth_time: login.at.unix_timestamp(),
            nonce: granted.nonce.as_deref(),
            name: login.language.pick(&login.identity.name),
            locale: login.language,
            roles: &spec.roles,
            region: spec.region.as_deref(),
            structures: &spec.structures,
            acr: spec.acr.as_deref(),
        }
    }

    pub(super) fn sign(&self, key: &SigningKey) -> String {
        sign(self, key)
    }
}
