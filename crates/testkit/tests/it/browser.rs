//! A browser on the pages of the issuer, and the client that sent it there.

use reqwest::{Client, Response, header::LOCATION, redirect::Policy};
use serde_json::Value;
use testkit::{Bilingual, CLIENT_ID, Identity, Issuer, IssuerOptions, TokenSpec};
use url::Url;

pub(crate) const CALLBACK: &str = "http://127.0.0.1:5173/callback";
// The example of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A request that the issuer grants.
pub(crate) const REQUEST: [(&str, &str); 8] = [
    ("client_id", CLIENT_ID),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("scope", "openid profile offline_access"),
    ("state", "a b&c"),
    ("nonce", "n-1"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// A request with other values; without a parameter whose value is empty.
pub(crate) fn request_with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    with(&REQUEST, changes)
}

fn with<'a>(
    base: &[(&'a str, &'a str)],
    changes: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut pairs = base.to_vec();
    pairs.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    pairs.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    pairs
}

pub(crate) fn director() -> Identity {
    Identity {
        token: TokenSpec::of("director")
            .role("declarant")
            .structure("finess:340782085"),
        group: Bilingual::new("Établissements", "Hospitals"),
        name: Bilingual::new("Directrice", "Director"),
        statement: Bilingual::new("Je suis la directrice", "I am the director"),
        rights: Bilingual::new("Déclare", "Declares"),
    }
}

pub(crate) async fn issuer_of(identities: Vec<Identity>) -> Issuer {
    let options = IssuerOptions {
        identities,
        ..IssuerOptions::default()
    };
    Issuer::start_with(options).await.unwrap()
}

/// A client that shows redirects as they are.
pub(crate) fn client() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

pub(crate) fn authorize_url(issuer: &Issuer, request: &[(&str, &str)]) -> Url {
    Url::parse_with_params(&format!("{}/authorize", issuer.url()), request).unwrap()
}

/// Presses the button of an identity.
pub(crate) async fn choose(issuer: &Issuer, request: &[(&str, &str)], identity: &str) -> Response {
    let press = client().post(authorize_url(issuer, request));
    press.form(&[("identity", identity)]).send().await.unwrap()
}

/// Where a redirect leads.
pub(crate) fn target(answer: &Response) -> Url {
    assert_eq!(answer.status(), 303);
    answer.headers()[LOCATION]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

/// Logs in, and gives the code.
pub(crate) async fn code(issuer: &Issuer) -> String {
    let answer = choose(issuer, &REQUEST, "director").await;
    parameter(&target(&answer), "code").unwrap()
}

/// The form by which a code is exchanged, with other values.
pub(crate) async fn exchange(issuer: &Issuer, code: &str, changes: &[(&str, &str)]) -> Response {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    send(issuer, &with(&form, changes)).await
}

pub(crate) async fn refresh(issuer: &Issuer, refresh_token: &str) -> Response {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("refresh_token", refresh_token),
    ];
    send(issuer, &form).await
}

pub(crate) async fn send(issuer: &Issuer, form: &[(&str, &str)]) -> Response {
    let request = client().post(format!("{}/token", issuer.url()));
    request.form(form).send().await.unwrap()
}

/// The error of a token answer, which nobody may store either.
pub(crate) async fn error(answer: Response) -> (u16, String) {
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert!(body["error_description"].is_string(), "{body}");
    (status, body["error"].as_str().unwrap().to_owned())
}
