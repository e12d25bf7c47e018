//! The authorization request of a browser: RFC 6749 (section 4.1.1) with the proof
//! key of RFC 7636.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use url::Url;

use super::{
    client::{CLIENT_ID, loopback_url},
    language::Language,
    pages,
    parameters::Parameters,
};

/// The length of a SHA-256 in base64url.
const CHALLENGE_LENGTH: usize = 43;

/// What a client may ask for.
pub(super) const SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];

/// A request that can be granted.
#[derive(Debug)]
pub(super) struct AuthorizationRequest {
    /// As it was sent: the token request must repeat it to the letter.
    pub(super) redirect_uri: String,
    pub(super) callback: Callback,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: String,
}

/// Where a browser is sent back to, and the state that is repeated there.
#[derive(Debug)]
pub(super) struct Callback {
    address: Url,
    state: Option<String>,
}

/// An error as RFC 6749 names it, and its cause for the client's author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OAuthError {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

/// Why a request is not granted.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Nobody to whom the browser may be sent back: the person is told.
    Page(pages::Refusal),
    /// The client is told.
    Redirect(Box<Callback>, OAuthError),
}

impl AuthorizationRequest {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        if parameters.one("client_id") != Some(CLIENT_ID) {
            return Err(Refusal::Page(pages::Refusal::UnknownClient));
        }
        let redirect_uri = parameters.one("redirect_uri").unwrap_or_default();
        let Some(address) = loopback_url(redirect_uri) else {
            return Err(Refusal::Page(pages::Refusal::ForeignAddress));
        };
        let callback = Callback {
            address,
            state: parameters.one("state").map(str::to_owned),
        };
        match Self::code_challenge(parameters) {
            Ok(code_challenge) => Ok(Self {
                redirect_uri: redirect_uri.to_owned(),
                callback,
                nonce: parameters.one("nonce").map(str::to_owned),
                code_challenge,
            }),
            Err(error) => Err(Refusal::Redirect(Box::new(callback), error)),
        }
    }

    /// The proof key, once everything about the request is right.
    fn code_challenge(parameters: &Parameters) -> Result<String, OAuthError> {
        let wrong = |error, description| Err(OAuthError { error, description });
        let invalid = |description| wrong("invalid_request", description);
        if parameters.are_repeated() {
            return invalid("a parameter is there twice");
        }
        if parameters.one("request").is_some() {
            return wrong("request_not_supported", "send the parameters themselves");
        }
        if parameters.one("request_uri").is_some() {
            let description = "send the parameters themselves";
            return wrong("request_uri_not_supported", description);
        }
        match parameters.one("response_type") {
            Some("code") => {}
            Some(_) => return wrong("unsupported_response_type", "response_type must be code"),
            None => return invalid("response_type is missing"),
        }
        if parameters
            .one("response_mode")
            .is_some_and(|it| it != "query")
        {
            return invalid("response_mode must be query");
        }
        let scopes: Vec<&str> = parameters
            .one("scope")
            .unwrap_or_default()
            .split(' ')
            .collect();
        if !scopes.contains(&"openid") {
            return wrong("invalid_scope", "scope must contain openid");
        }
        // All of what is asked for is granted, so that token answers need not name it.
        if !scopes.iter().all(|scope| SCOPES.contains(scope)) {
            return wrong(
                "invalid_scope",
                "scope must be of openid profile offline_access",
            );
        }
        let Some(code_challenge) = parameters.one("code_challenge") else {
            return invalid("code challenge required");
        };
        if parameters.one("code_challenge_method") != Some("S256") {
            return invalid("code_challenge_method must be S256");
        }
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if code_challenge.len() != CHALLENGE_LENGTH || !code_challenge.bytes().all(is_base64url) {
            return invalid("code_challenge must be a SHA-256 in base64url");
        }
        // Nobody is remembered, so nobody is logged in without the page.
        let mut prompts = parameters.one("prompt").unwrap_or_default().split(' ');
        if prompts.any(|prompt| prompt == "none") {
            return wrong("login_required", "the issuer keeps no session");
        }
        Ok(code_challenge.to_owned())
    }
}

impl Callback {
    /// The origin of the client, as a content security policy names it.
    pub(super) fn origin(&self) -> String {
        self.address.origin().ascii_serialization()
    }

    /// Sends the browser back with a code.
    pub(super) fn grant(self, issuer: &str, code: &str) -> Response {
        self.redirect(issuer, &[("code", code)])
    }

    /// Sends the browser back with an error.
    pub(super) fn refuse(self, issuer: &str, error: OAuthError) -> Response {
        let OAuthError { error, description } = error;
        self.redirect(
            issuer,
            &[("error", error), ("error_description", description)],
        )
    }

    fn redirect(self, issuer: &str, answer: &[(&str, &str)]) -> Response {
        let Self { mut address, state } = self;
        address
            .query_pairs_mut()
            .extend_pairs(answer)
            .extend_pairs(state.map(|state| ("state", state)))
            // The client can tell which issuer answers (RFC 9207).
            .append_pair("iss", issuer);
        Redirect::to(address.as_str()).into_response()
    }
}

impl Refusal {
    pub(super) fn into_response(self, issuer: &str, language: Language) -> Response {
        match self {
            Self::Page(refusal) => pages::refusal(StatusCode::BAD_REQUEST, refusal, language),
            Self::Redirect(callback, error) => callback.refuse(issuer, error),
        }
    }
}
