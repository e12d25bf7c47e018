//! The authorization endpoint: a page to log in with, and what it sends.

use std::sync::Arc;

use axum::{
    Form,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;

use super::{
    Inner,
    authorization::{AuthorizationRequest, OAuthError},
    grants::{CodeGrant, Login},
    language::Language,
    now, pages,
    parameters::Parameters,
};

/// Shows who can log in.
pub(super) async fn show_login_page(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::of_query(query.as_deref());
    let language = Language::of_request(&parameters, &headers);
    match AuthorizationRequest::parse(&parameters) {
        Ok(request) => pages::login(&inner.identities, &parameters, &request, language),
        Err(refusal) => refusal.into_response(&inner.url, language),
    }
}

/// The button that was pressed.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    /// The subject of an identity; empty for whoever does not want to log in.
    identity: String,
}

/// Sends the browser back with a code for whom the person chose to be.
pub(super) async fn log_in(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Form(choice): Form<Choice>,
) -> Response {
    let parameters = Parameters::of_query(query.as_deref());
    let language = Language::of_request(&parameters, &headers);
    let request = match AuthorizationRequest::parse(&parameters) {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(&inner.url, language),
    };
    if choice.identity.is_empty() {
        let denied = OAuthError {
            error: "access_denied",
            description: "the person did not log in",
        };
        return request.callback.refuse(&inner.url, denied);
    }
    let Some(identity) = inner.identity(&choice.identity) else {
        let unknown = pages::Refusal::UnknownIdentity;
        return pages::refusal(StatusCode::BAD_REQUEST, unknown, language);
    };
    let at = now();
    let grant = CodeGrant {
        login: Login {
            identity: identity.clone(),
            language,
            at,
        },
        redirect_uri: request.redirect_uri,
        code_challenge: request.code_challenge,
        nonce: request.nonce,
        expires_at: at + inner.code_lifetime,
    };
    let code = inner.grants().issue_code(grant, at);
    request.callback.grant(&inner.url, &code)
}
