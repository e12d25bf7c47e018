//! Which tokens are believed.

use std::time::Duration;

use platform::{AuthConfig, Authenticator, ServerConfig, StartError};
use testkit::{AUDIENCE, Defect, Issuer, TokenSpec};
use tonic::Code;

use crate::env::{TestEnv, ask, log, reason};

fn olga() -> TokenSpec {
    TokenSpec::of("olga").role("operator")
}

#[tokio::test]
async fn a_good_token_tells_the_handler_who_calls() {
    let env = TestEnv::start().await;
    assert_eq!(env.ask("caller").await.unwrap(), "olga");
}

#[tokio::test]
async fn every_defect_of_a_token_is_refused_and_no_token_is_ever_logged() {
    let env = TestEnv::start().await;
    let mut client = env.deliveries().await;
    for defect in Defect::ALL {
        let token = env.issuer.bad_token(&olga(), defect);
        let status = ask(&mut client, &token, "caller").await.unwrap_err();

        assert_eq!(status.code(), Code::Unauthenticated, "{defect:?}");
        let expected = if defect == Defect::Expired {
            "TOKEN_EXPIRED"
        } else {
            "TOKEN_INVALID"
        };
        assert_eq!(reason(&status), expected, "{defect:?}");
        let signed = token.rsplit('.').next().filter(|part| part.len() > 20);
        for part in [Some(token.as_str()), signed].into_iter().flatten() {
            assert!(!log().contains(part), "{defect:?}");
            assert!(!status.message().contains(part), "{defect:?}");
        }
    }
    let token = env.operator();
    ask(&mut client, &token, "caller").await.unwrap();
    assert!(!log().contains(&token));
}

#[tokio::test]
async fn a_call_without_a_token_is_refused() {
    let env = TestEnv::start().await;
    let request = proto::notification::v1::ListDeliveriesRequest::default();
    let status = env
        .deliveries()
        .await
        .list_deliveries(request)
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unauthenticated, "TOKEN_MISSING")
    );
}

#[tokio::test]
async fn a_caller_without_the_role_is_refused() {
    let env = TestEnv::start().await;
    let token = env.issuer.token(&TokenSpec::of("anna").role("analyst"));
    let status = ask(&mut env.deliveries().await, &token, "caller")
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "ROLE_MISSING")
    );
}

#[tokio::test]
async fn a_weak_sign_in_is_refused_where_a_strong_one_is_required() {
    let env = TestEnv::start_with(|plan, _| plan.auth.acr = vec!["eidas2".to_owned()]).await;
    let mut client = env.deliveries().await;
    let weak = env.issuer.token(&olga().acr("eidas1"));
    let strong = env.issuer.token(&olga().acr("eidas2"));
    assert!(ask(&mut client, &env.operator(), "caller").await.is_err());
    assert!(ask(&mut client, &weak, "caller").await.is_err());
    assert!(ask(&mut client, &strong, "caller").await.is_ok());
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_learnt_from_the_first_token_it_signs() {
    let env = TestEnv::start().await;
    env.ask("caller").await.unwrap();
    env.issuer.rotate();
    assert_eq!(env.ask("caller").await.unwrap(), "olga");
}

#[tokio::test]
async fn tokens_of_a_withdrawn_key_end_when_the_new_keys_are_learnt() {
    let env = TestEnv::start().await;
    let mut client = env.deliveries().await;
    let old = env.operator();
    ask(&mut client, &old, "caller").await.unwrap();

    env.issuer.rotate();
    env.issuer.retire_old_keys();
    env.ask("caller").await.unwrap();
    let status = ask(&mut client, &old, "caller").await.unwrap_err();
    assert_eq!(reason(&status), "TOKEN_INVALID");
}

#[tokio::test]
async fn the_last_good_keys_serve_while_the_issuer_is_down() {
    let env = TestEnv::start().await;
    env.issuer.go_down();
    assert_eq!(env.ask("caller").await.unwrap(), "olga");
}

#[tokio::test]
async fn unknown_keys_do_not_make_us_flood_the_issuer() {
    let env = TestEnv::start().await;
    let mut client = env.deliveries().await;
    let before = env.issuer.key_requests();
    for _ in 0..20 {
        let token = env.issuer.bad_token(&olga(), Defect::UnknownKey);
        ask(&mut client, &token, "caller").await.unwrap_err();
    }
    // One for the unknown keys; the background refresh may add its own.
    assert!(env.issuer.key_requests() - before <= 2);
}

#[tokio::test]
async fn tokens_are_refused_for_now_until_an_issuer_that_was_down_answers() {
    let issuer = Issuer::start().await;
    issuer.go_down();
    let config = AuthConfig::new(issuer.url(), AUDIENCE);
    let authenticator = Authenticator::start(&config).await.unwrap();
    let token = issuer.token(&olga());
    let error = authenticator.authenticate(&token).await.unwrap_err();
    assert_eq!(error.code(), "ISSUER_UNAVAILABLE");
    assert!(error.retryable());

    issuer.come_up();
    let stop = tokio_util::sync::CancellationToken::new();
    let refreshing = authenticator.refresh(stop.clone());
    let learnt = async {
        testkit::eventually(async || authenticator.authenticate(&token).await.is_ok()).await;
        stop.cancel();
    };
    tokio::join!(refreshing, learnt);
}

#[tokio::test]
async fn shared_secrets_and_unknown_algorithms_are_refused_at_the_start() {
    let issuer = Issuer::start().await;
    for algorithm in ["HS256", "HS512", "none", ""] {
        let mut config = AuthConfig::new(issuer.url(), AUDIENCE);
        config.algorithms = vec!["ES256".to_owned(), algorithm.to_owned()];
        let error = Authenticator::start(&config).await.unwrap_err().to_string();
        assert!(error.starts_with("AUTH_ALGORITHMS: "), "{error}");
    }
}

#[tokio::test]
async fn metadata_that_name_another_issuer_are_refused_at_the_start() {
    let issuer = Issuer::start().await;
    let mut config = AuthConfig::new("http://issuer.example", AUDIENCE);
    config.discovery_url = Some(format!("{}/.well-known/openid-configuration", issuer.url()));
    let error = Authenticator::start(&config).await.unwrap_err().to_string();
    assert!(error.starts_with("AUTH_ISSUER: "), "{error}");
}

#[tokio::test]
async fn an_issuer_without_https_is_refused_beyond_the_loopback() {
    let mut env = TestEnv::start_with(|plan, _| {
        plan.server = ServerConfig {
            listen: ([0, 0, 0, 0], 0).into(),
            ..plan.server.clone()
        };
    })
    .await;
    let error = tokio::time::timeout(Duration::from_secs(10), env.ended())
        .await
        .unwrap();
    let error: StartError = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "AUTH_ISSUER: https is required beyond this machine"
    );
}
