//! The issuer's keys: shared by replicas, and fetched by HTTPS from a private authority.

use std::{fs, sync::Arc, time::Duration};

use axum::{Json, Router, routing::get};
use platform::{AuthConfig, Authenticator, Files, InternalTlsConfig, SealingKey, StartError};
use serde_json::{Value, json};
use sqlx::PgPool;
use testkit::{AUDIENCE, Certificates, Issuer, TokenSpec};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const SEAL: [u8; 32] = [7; 32];

async fn start(issuer: &Issuer, pool: &PgPool, seal: [u8; 32]) -> Authenticator {
    let config = AuthConfig::new(issuer.url(), AUDIENCE);
    let seal = SealingKey::from_bytes(seal);
    Authenticator::start_with_store(&config, pool, &seal, &Files::default())
        .await
        .unwrap()
}

async fn outcome(authenticator: &Authenticator, issuer: &Issuer) -> &'static str {
    let token = issuer.token(&TokenSpec::of("olga").role("operator"));
    match authenticator.authenticate(&token).await {
        Ok(_) => "OK",
        Err(error) => error.code(),
    }
}

#[tokio::test]
async fn a_new_process_starts_with_the_keys_that_another_one_stored() {
    let (issuer, pool) = (Issuer::start().await, crate::database::pool("keys").await);
    start(&issuer, &pool, SEAL).await;
    issuer.go_down();
    let second = start(&issuer, &pool, SEAL).await;
    assert_eq!(outcome(&second, &issuer).await, "OK");
    let other = start(&issuer, &pool, [8; 32]).await;
    assert_eq!(outcome(&other, &issuer).await, "ISSUER_UNAVAILABLE");
}

#[tokio::test]
async fn stored_keys_serve_for_a_day_from_their_fetch_whatever_the_table_says() {
    let (issuer, pool) = (Issuer::start().await, crate::database::pool("keys").await);
    start(&issuer, &pool, SEAL).await;
    issuer.go_down();
    // As if they were a day old, or younger than they are: the seal binds their time.
    for change in ["- interval '24 hours'", "+ interval '1 hour'"] {
        let statement = format!("update issuer_keys set fetched_at = fetched_at {change}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&pool)
            .await
            .unwrap();
        let second = start(&issuer, &pool, SEAL).await;
        assert_eq!(outcome(&second, &issuer).await, "ISSUER_UNAVAILABLE");
    }
}

#[tokio::test]
async fn a_process_without_keys_takes_those_that_another_one_stores_later() {
    let (issuer, pool) = (Issuer::start().await, crate::database::pool("keys").await);
    issuer.go_down();
    let waiting = start(&issuer, &pool, SEAL).await;
    assert_eq!(outcome(&waiting, &issuer).await, "ISSUER_UNAVAILABLE");
    issuer.come_up();
    start(&issuer, &pool, SEAL).await;
    issuer.go_down();

    let stop = CancellationToken::new();
    let learnt = async {
        testkit::eventually(async || outcome(&waiting, &issuer).await == "OK").await;
        stop.cancel();
    };
    tokio::join!(waiting.refresh(stop.clone()), learnt);
}

/// Serves the metadata and the keys of an issuer by HTTPS, until the tasks are dropped.
async fn https_issuer(tls: &InternalTlsConfig) -> (String, JoinSet<std::io::Result<()>>) {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(&tls.cert_file).unwrap()],
            PrivateKeyDer::from_pem_file(&tls.key_file).unwrap(),
        )
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!(
        "https://127.0.0.1:{}",
        listener.local_addr().unwrap().port()
    );
    let answer = |body: Value| get(move || async move { Json(body) });
    let metadata = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
    let routes = Router::new()
        .route("/.well-known/openid-configuration", answer(metadata))
        .route("/keys", answer(json!({ "keys": [] })));
    let listener = TlsListener {
        socket: listener,
        acceptor: tokio_rustls::TlsAcceptor::from(Arc::new(config)),
    };
    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, routes).into_future());
    (issuer, serving)
}

struct TlsListener {
    socket: tokio::net::TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.socket.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.socket.local_addr()
    }
}

#[tokio::test]
async fn an_issuer_behind_a_private_authority_is_trusted_by_its_file_which_may_change() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Certificates::generate(folder.path().join("ours")).unwrap();
    let theirs = Certificates::generate(folder.path().join("theirs")).unwrap();
    let (issuer, _serving) = https_issuer(&crate::env::tls_of(&ours, "intake")).await;
    let signer = Issuer::start().await;
    let bundle = folder.path().join("authorities.pem");
    let mut config = AuthConfig::new(issuer, AUDIENCE);
    config.ca_file = Some(bundle.clone());

    // An empty file would trust nobody, in silence.
    fs::write(&bundle, "").unwrap();
    let error: StartError = Authenticator::start(&config).await.unwrap_err();
    assert!(error.to_string().starts_with("AUTH_CA_FILE: "), "{error}");

    fs::copy(theirs.ca_file(), &bundle).unwrap();
    let files = Files::default();
    let pool = crate::database::pool("ca").await;
    let seal = SealingKey::from_bytes(SEAL);
    let authenticator = Authenticator::start_with_store(&config, &pool, &seal, &files)
        .await
        .unwrap();
    assert_eq!(outcome(&authenticator, &signer).await, "ISSUER_UNAVAILABLE");

    let both = fs::read_to_string(theirs.ca_file()).unwrap();
    let both = both + &fs::read_to_string(ours.ca_file()).unwrap();
    fs::write(&bundle, both).unwrap();
    files.poll().await;
    let stop = CancellationToken::new();
    let trusted = async {
        let known = async || outcome(&authenticator, &signer).await == "TOKEN_INVALID";
        testkit::eventually_within(Duration::from_secs(20), known).await;
        stop.cancel();
    };
    tokio::join!(authenticator.refresh(stop.clone()), trusted);
}
