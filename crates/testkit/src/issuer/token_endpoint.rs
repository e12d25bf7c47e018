//! The token endpoint: RFC 6749 (sections 4.1.3, 5 and 6) for browsers, and a token by
//! name for the command line.

use std::sync::Arc;

use axum::{
    Form, Json,
    extract::{State, rejection::FormRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    Inner, authorization::OAuthError, client::CLIENT_ID, grants::Granted, id_token::IdClaims, now,
    parameters::Parameters,
};

/// Answers with tokens, or with an error as RFC 6749 (section 5.2) has it.
pub(super) async fn exchange(
    State(inner): State<Arc<Inner>>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let answer = match form {
        Ok(Form(pairs)) => tokens(&inner, &Parameters::of_form(pairs)),
        Err(_) => Err(invalid("the parameters must be sent as a form")),
    };
    answer.unwrap_or_else(|OAuthError { error, description }| {
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        let answer = Json(json!({ "error": error, "error_description": description }));
        (status, [(header::CACHE_CONTROL, "no-store")], answer).into_response()
    })
}

/// Ends the session of a refresh token (RFC 7009), also of one that is not known.
pub(super) async fn revoke(
    State(inner): State<Arc<Inner>>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> StatusCode {
    let parameters = Parameters::of_form(pairs);
    if let Some(token) = parameters.one("token") {
        inner.grants().revoke(token);
    }
    StatusCode::OK
}

fn tokens(inner: &Inner, parameters: &Parameters) -> Result<Response, OAuthError> {
    if parameters.are_repeated() {
        return Err(invalid("a parameter is there twice"));
    }
    let required = |name, missing| parameters.one(name).ok_or(invalid(missing));
    if let (None, Some(name)) = (parameters.one("grant_type"), parameters.one("username")) {
        return by_name(inner, name);
    }
    let grant_type = required("grant_type", "grant_type is missing")?;
    if required("client_id", "client_id is missing")? != CLIENT_ID {
        return Err(OAuthError {
            error: "invalid_client",
            description: "client_id must be vigie-portal",
        });
    }
    let granted = match grant_type {
        "authorization_code" => {
            let code = required("code", "code is missing")?;
            let redirect_uri = required("redirect_uri", "redirect_uri is missing")?;
            let verifier = required("code_verifier", "code_verifier is missing")?;
            inner.grants().redeem(code, redirect_uri, verifier, now())
        }
        "refresh_token" => {
            let refresh_token = required("refresh_token", "refresh_token is missing")?;
            inner.grants().refresh(refresh_token, now())
        }
        _ => {
            return Err(OAuthError {
                error: "unsupported_grant_type",
                description: "grant_type must be authorization_code or refresh_token",
            });
        }
    };
    let granted = granted.map_err(invalid_grant)?;
    let id_token = IdClaims::new(&granted, &inner.url, now()).sign(&inner.signing_key());
    let Granted {
        login,
        refresh_token,
        ..
    } = &granted;
    let spec = &login.identity.token;
    Ok(not_stored(&json!({
        "access_token": inner.token(spec),
        "token_type": "Bearer",
        "expires_in": spec.lifetime.whole_seconds(),
        "id_token": id_token,
        "refresh_token": refresh_token,
    })))
}

fn by_name(inner: &Inner, name: &str) -> Result<Response, OAuthError> {
    let identity = inner.identity(name);
    let spec = &identity
        .ok_or(invalid_grant("there is no such identity"))?
        .token;
    Ok(not_stored(&json!({
        "access_token": inner.token(spec),
        "token_type": "Bearer",
        "expires_in": spec.lifetime.whole_seconds(),
    })))
}

fn not_stored(answer: &serde_json::Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn invalid(description: &'static str) -> OAuthError {
    OAuthError {
        error: "invalid_request",
        description,
    }
}

fn invalid_grant(description: &'static str) -> OAuthError {
    OAuthError {
        error: "invalid_grant",
        description,
    }
}
