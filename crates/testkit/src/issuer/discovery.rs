//! What the issuer says of itself: its metadata, its keys, and who can log in.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{Inner, authorization::SCOPES, key::SigningKey};

/// The metadata of OpenID Connect Discovery 1.0.
pub(super) async fn configuration(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let url = &inner.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "revocation_endpoint": format!("{url}/revoke"),
        "end_session_endpoint": format!("{url}/logout"),
        "jwks_uri": format!("{url}/jwks"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": [
            "iss", "aud", "sub", "iat", "exp", "auth_time", "nonce", "name", "locale", "roles",
            "region", "structures", "acr",
        ],
        "ui_locales_supported": ["fr", "en"],
        "authorization_response_iss_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    }))
}

/// The keys that tokens are verified with.
pub(super) async fn published_keys(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let keys: Vec<Value> = inner.keys().iter().map(SigningKey::public).collect();
    Json(json!({ "keys": keys }))
}

/// Who gets a token by name, for `vigie login --list`.
pub(super) async fn list_identities(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let identities = inner.identities.iter().map(|identity| {
        let spec = &identity.token;
        json!({
            "identity": spec.subject,
            "roles": spec.roles,
            "region": spec.region,
            "structures": spec.structures,
            "name": identity.name,
            "rights": identity.rights,
        })
    });
    Json(identities.collect())
}
