//! A browser logs in: authorization code with a proof key, and rotating refresh tokens.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use reqwest::{Method, Response};
use serde_json::Value;
use testkit::{AUDIENCE, CLIENT_ID, Issuer, IssuerOptions};
use time::Duration;

use crate::browser::{
    CALLBACK, REQUEST, authorize_url, choose, client, code, director, error, exchange, issuer_of,
    parameter, refresh, request_with, send, target,
};

/// The claims of a token that is good for this audience.
async fn claims(issuer: &Issuer, token: &str, audience: &str) -> Value {
    let keys = client().get(format!("{}/jwks", issuer.url())).send().await;
    let keys: JwkSet = keys.unwrap().json().await.unwrap();
    let id = decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&id).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[audience]);
    rules.set_issuer(&[issuer.url()]);
    decode(token, &key, &rules).unwrap().claims
}

async fn tokens(answer: Response) -> Value {
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer.json().await.unwrap()
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap()
}

#[tokio::test]
async fn a_browser_that_logs_in_gets_the_tokens_of_its_identity() {
    let issuer = issuer_of(vec![director()]).await;
    let back = target(&choose(&issuer, &REQUEST, "director").await);
    assert!(back.as_str().starts_with(&format!("{CALLBACK}?")), "{back}");
    assert_eq!(parameter(&back, "state").unwrap(), "a b&c");
    assert_eq!(parameter(&back, "iss").unwrap(), issuer.url());

    let code = parameter(&back, "code").unwrap();
    let granted = tokens(exchange(&issuer, &code, &[]).await).await;
    assert_eq!(granted["token_type"], "Bearer");
    assert_eq!(granted["expires_in"], 3600);

    let access = claims(&issuer, text(&granted, "access_token"), AUDIENCE).await;
    let by_name = send(&issuer, &[("username", "director")]).await;
    let by_name = tokens(by_name).await;
    let mut expected = claims(&issuer, text(&by_name, "access_token"), AUDIENCE).await;
    for moment in ["iat", "nbf", "exp"] {
        expected[moment] = access[moment].clone();
    }
    assert_eq!(access, expected, "the command line gets the same token");

    let person = claims(&issuer, text(&granted, "id_token"), CLIENT_ID).await;
    assert_eq!(person["sub"], "director");
    assert_eq!(person["nonce"], "n-1");
    assert_eq!(person["name"], "Directrice");
    assert_eq!(person["roles"][0], "declarant");
    assert_eq!(person["structures"][0], "finess:340782085");
}

#[tokio::test]
async fn the_metadata_of_the_issuer_name_what_a_browser_needs() {
    let issuer = issuer_of(vec![]).await;
    let place = format!("{}/.well-known/openid-configuration", issuer.url());
    let found = client().get(place).send().await.unwrap();
    let found: Value = found.json().await.unwrap();
    assert_eq!(found["issuer"], issuer.url());
    for (name, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("revocation_endpoint", "/revoke"),
        ("end_session_endpoint", "/logout"),
        ("jwks_uri", "/jwks"),
    ] {
        assert_eq!(found[name], format!("{}{path}", issuer.url()), "{name}");
    }
    assert_eq!(found["response_types_supported"][0], "code");
    assert_eq!(found["code_challenge_methods_supported"][0], "S256");
}

#[tokio::test]
async fn a_code_is_exchanged_once_and_by_its_client_alone() {
    let issuer = issuer_of(vec![director()]).await;
    let wrong_verifier = "x".repeat(43);
    for (changes, status, expected) in [
        (("code_verifier", &*wrong_verifier), 400, "invalid_grant"),
        (("code_verifier", ""), 400, "invalid_request"),
        (
            ("redirect_uri", "http://127.0.0.1:5173/"),
            400,
            "invalid_grant",
        ),
        (("redirect_uri", ""), 400, "invalid_request"),
        (("code", "guessed"), 400, "invalid_grant"),
        (("code", ""), 400, "invalid_request"),
        (("client_id", "another"), 401, "invalid_client"),
        (("client_id", ""), 400, "invalid_request"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
        (("grant_type", ""), 400, "invalid_request"),
    ] {
        let answer = exchange(&issuer, &code(&issuer).await, &[changes]).await;
        let expected = (status, expected.to_owned());
        assert_eq!(error(answer).await, expected, "{changes:?}");
    }

    let code = code(&issuer).await;
    let granted = tokens(exchange(&issuer, &code, &[]).await).await;
    let again = error(exchange(&issuer, &code, &[]).await).await;
    assert_eq!(again, (400, "invalid_grant".to_owned()));
    let refreshed = refresh(&issuer, text(&granted, "refresh_token")).await;
    assert_eq!(
        error(refreshed).await.1,
        "invalid_grant",
        "the session is over"
    );
}

#[tokio::test]
async fn a_token_request_is_a_form_with_each_parameter_once() {
    let issuer = issuer_of(vec![director()]).await;
    let code = code(&issuer).await;
    let twice = [
        ("code", &*code),
        ("code", &*code),
        ("grant_type", "authorization_code"),
    ];
    assert_eq!(
        error(send(&issuer, &twice).await).await.1,
        "invalid_request"
    );
    let json = client().post(format!("{}/token", issuer.url()));
    let answer = json.json(&["code"]).send().await.unwrap();
    assert_eq!(error(answer).await, (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn a_code_that_waited_too_long_is_refused() {
    let issuer = Issuer::start_with(IssuerOptions {
        identities: vec![director()],
        code_lifetime: Some(Duration::ZERO),
        ..IssuerOptions::default()
    });
    let issuer = issuer.await.unwrap();
    let late = exchange(&issuer, &code(&issuer).await, &[]).await;
    assert_eq!(error(late).await, (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_session_goes_on_by_refresh_tokens_that_are_each_used_once() {
    let issuer = issuer_of(vec![director()]).await;
    let first = tokens(exchange(&issuer, &code(&issuer).await, &[]).await).await;
    let second = tokens(refresh(&issuer, text(&first, "refresh_token")).await).await;
    claims(&issuer, text(&second, "access_token"), AUDIENCE).await;
    let person = claims(&issuer, text(&second, "id_token"), CLIENT_ID).await;
    assert_eq!(person["sub"], "director");
    assert_eq!(person.get("nonce"), None);

    let stolen = refresh(&issuer, text(&first, "refresh_token")).await;
    assert_eq!(error(stolen).await, (400, "invalid_grant".to_owned()));
    let third = refresh(&issuer, text(&second, "refresh_token")).await;
    assert_eq!(error(third).await.1, "invalid_grant", "the session is over");
}

#[tokio::test]
async fn a_refresh_token_that_is_revoked_is_refused() {
    let issuer = issuer_of(vec![director()]).await;
    let granted = tokens(exchange(&issuer, &code(&issuer).await, &[]).await).await;
    let token = text(&granted, "refresh_token");
    let revoke = client().post(format!("{}/revoke", issuer.url()));
    let revoked = revoke.form(&[("token", token)]).send().await.unwrap();
    assert_eq!(revoked.status(), 200);
    assert_eq!(
        error(refresh(&issuer, token).await).await.1,
        "invalid_grant"
    );
}

#[tokio::test]
async fn a_client_is_told_what_is_wrong_with_its_request() {
    let issuer = issuer_of(vec![director()]).await;
    for (changes, expected) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("scope", ""), "invalid_scope"),
        (("scope", "profile"), "invalid_scope"),
        (("scope", "openid everything"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none"), "login_required"),
        (("request", "e30."), "request_not_supported"),
        (
            ("request_uri", "https://example.org"),
            "request_uri_not_supported",
        ),
    ] {
        let request = request_with(&[changes]);
        let page = client().get(authorize_url(&issuer, &request));
        for answer in [
            page.send().await.unwrap(),
            choose(&issuer, &request, "director").await,
        ] {
            let back = target(&answer);
            assert!(back.as_str().starts_with(CALLBACK), "{back}");
            assert_eq!(parameter(&back, "error").unwrap(), expected, "{changes:?}");
            assert_eq!(parameter(&back, "state").unwrap(), "a b&c");
            assert_eq!(parameter(&back, "iss").unwrap(), issuer.url());
            assert_eq!(parameter(&back, "code"), None);
        }
    }

    let refused = target(&choose(&issuer, &REQUEST, "").await);
    assert_eq!(parameter(&refused, "error").unwrap(), "access_denied");
    let twice = [&REQUEST[..], &[("nonce", "n-2")]].concat();
    let refused = target(&choose(&issuer, &twice, "director").await);
    assert_eq!(parameter(&refused, "error").unwrap(), "invalid_request");
}

#[tokio::test]
async fn no_browser_is_sent_to_another_machine() {
    let issuer = issuer_of(vec![director()]).await;
    for address in [
        "https://portal.example.org/callback",
        "http://127.0.0.1@example.org/",
        "http://localhost.example.org/",
        "javascript:alert(1)",
        "",
    ] {
        let request = request_with(&[("redirect_uri", address)]);
        let page = client().get(authorize_url(&issuer, &request));
        let mut logout = format!("{}/logout", issuer.url())
            .parse::<url::Url>()
            .unwrap();
        if !address.is_empty() {
            let mut pairs = logout.query_pairs_mut();
            pairs.append_pair("post_logout_redirect_uri", address);
        }
        for answer in [
            page.send().await.unwrap(),
            choose(&issuer, &request, "director").await,
            client().get(logout).send().await.unwrap(),
        ] {
            assert!(!answer.status().is_redirection(), "{address}");
        }
    }
    let stranger = request_with(&[("client_id", "another")]);
    let answer = choose(&issuer, &stranger, "director").await;
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn whoever_logs_out_comes_back_to_the_client() {
    let issuer = issuer_of(vec![]).await;
    let back = [
        ("post_logout_redirect_uri", "http://localhost:5173/"),
        ("state", "s"),
    ];
    let logout = format!("{}/logout", issuer.url());
    let address = url::Url::parse_with_params(&logout, back).unwrap();
    for answer in [
        client().get(address).send().await.unwrap(),
        client().post(&logout).form(&back).send().await.unwrap(),
    ] {
        assert_eq!(target(&answer).as_str(), "http://localhost:5173/?state=s");
    }
    let alone = client().get(&logout).send().await.unwrap();
    assert_eq!(alone.status(), 200);
}

#[tokio::test]
async fn pages_of_this_machine_alone_read_what_scripts_call() {
    let issuer = issuer_of(vec![]).await;
    for (method, path) in [
        (Method::GET, "/.well-known/openid-configuration"),
        (Method::GET, "/jwks"),
        (Method::POST, "/token"),
        (Method::POST, "/revoke"),
        (Method::OPTIONS, "/token"),
    ] {
        for (origin, allowed) in [
            ("http://127.0.0.1:5173", true),
            ("http://localhost:4173", true),
            ("https://portal.example.org", false),
            ("null", false),
        ] {
            let url = format!("{}{path}", issuer.url());
            let request = client()
                .request(method.clone(), url)
                .header("origin", origin)
                .header("access-control-request-method", "POST");
            let answer = request.send().await.unwrap();
            let told = answer.headers().get("access-control-allow-origin");
            let told = told.map(|it| it.to_str().unwrap());
            assert_eq!(told, allowed.then_some(origin), "{method} {path} {origin}");
        }
    }
}

#[tokio::test]
async fn a_foreign_name_that_points_at_this_machine_is_refused() {
    let issuer = issuer_of(vec![director()]).await;
    for (host, status) in [("localhost:7410", 200), ("portal.example.org:7410", 421)] {
        let list = client().get(format!("{}/identities", issuer.url()));
        let answer = list.header("host", host).send().await.unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
}
