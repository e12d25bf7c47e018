//! The issuer's tokens are good, and its bad ones are bad for one reason.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;
use testkit::{AUDIENCE, Defect, Issuer, IssuerOptions, TokenSpec};

async fn get(issuer: &Issuer, path: &str) -> reqwest::Response {
    reqwest::get(format!("{}{path}", issuer.url()))
        .await
        .unwrap()
}

/// What a careful service does with a token.
async fn check(issuer: &Issuer, token: &str) -> Result<Value, String> {
    let keys: JwkSet = get(issuer, "/jwks").await.json().await.unwrap();
    let id = decode_header(token)
        .map_err(|error| error.to_string())?
        .kid
        .unwrap();
    let key = DecodingKey::from_jwk(keys.find(&id).ok_or("unknown key")?).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[issuer.url()]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.validate_nbf = true;
    let token = decode::<Value>(token, &key, &rules).map_err(|error| error.to_string())?;
    Ok(token.claims)
}

fn analyst() -> TokenSpec {
    TokenSpec::of("alice")
        .role("analyst")
        .region("76")
        .structure("finess:010000024")
        .acr("eidas2")
}

#[tokio::test]
async fn a_token_says_what_was_asked_for_and_is_accepted() {
    let issuer = Issuer::start().await;
    let claims = check(&issuer, &issuer.token(&analyst())).await.unwrap();
    assert_eq!(claims["sub"], "alice");
    assert_eq!(claims["roles"][0], "analyst");
    assert_eq!(claims["region"], "76");
    assert_eq!(claims["structures"][0], "finess:010000024");
    assert_eq!(claims["acr"], "eidas2");
}

#[tokio::test]
async fn every_defective_token_is_refused() {
    let issuer = Issuer::start().await;
    for defect in Defect::ALL {
        let token = issuer.bad_token(&analyst(), defect);
        let refused = check(&issuer, &token).await;
        assert!(refused.is_err(), "{defect:?} was accepted");
    }
}

#[tokio::test]
async fn the_configuration_leads_to_the_keys() {
    let issuer = Issuer::start().await;
    let found: Value = get(&issuer, "/.well-known/openid-configuration")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(found["issuer"], issuer.url());
    assert_eq!(found["jwks_uri"], format!("{}/jwks", issuer.url()));
}

#[tokio::test]
async fn after_a_rotation_old_tokens_are_good_until_their_key_is_retired() {
    let issuer = Issuer::start().await;
    let old = issuer.token(&analyst());
    issuer.rotate();
    check(&issuer, &old).await.unwrap();

    issuer.retire_old_keys();

    assert_eq!(check(&issuer, &old).await.unwrap_err(), "unknown key");
    check(&issuer, &issuer.token(&analyst())).await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_is_down_gives_no_keys_and_counts_who_asked() {
    let issuer = Issuer::start().await;
    issuer.go_down();
    assert_eq!(get(&issuer, "/jwks").await.status(), 503);
    issuer.come_up();
    assert_eq!(get(&issuer, "/jwks").await.status(), 200);
    assert_eq!(issuer.key_requests(), 2);
}

#[tokio::test]
async fn a_name_is_exchanged_for_a_token_only_if_it_is_known() {
    let issuer = Issuer::start_with(IssuerOptions {
        identities: vec![analyst().into()],
        ..IssuerOptions::default()
    })
    .await
    .unwrap();
    let ask = async |name: &str| {
        let form = reqwest::Client::new().post(format!("{}/token", issuer.url()));
        form.form(&[("username", name)]).send().await.unwrap()
    };
    let known: Value = ask("alice").await.json().await.unwrap();
    check(&issuer, known["access_token"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(ask("mallory").await.status(), 400);
}

#[tokio::test]
async fn with_a_key_file_tokens_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || IssuerOptions {
        key_file: Some(folder.path().join("issuer.key")),
        ..IssuerOptions::default()
    };
    let first = Issuer::start_with(options()).await.unwrap();
    let token = first.token(&analyst());
    let keys: Value = get(&first, "/jwks").await.json().await.unwrap();
    drop(first);

    let second = Issuer::start_with(options()).await.unwrap();

    assert_eq!(
        get(&second, "/jwks").await.json::<Value>().await.unwrap(),
        keys
    );
    assert_eq!(
        decode_header(token).unwrap().kid.unwrap(),
        keys["keys"][0]["kid"]
    );
}
