//! Tokens: of the local issuer of `vigie up`, kept for the next commands.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tonic::Status;
use tonic::codegen::{Bytes, http};

use crate::args::{Connection, LoginOptions};
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::{table, text_file};

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

/// An identity of the local issuer, and what its token says of it.
#[derive(Deserialize)]
struct LocalUser {
    identity: String,
    name: LocalName,
    roles: Vec<String>,
    region: Option<String>,
    structures: Vec<String>,
}

/// What the log-in page of the local issuer calls an identity.
#[derive(Deserialize)]
struct LocalName {
    french: String,
    english: String,
}

/// `vigie login`: keeps a token, or prints it, or lists who can log in.
pub(crate) async fn login(
    options: &LoginOptions,
    connection: &Connection,
    client: &Client,
) -> Result<(), Failure> {
    let language = client.language;
    let (Some(identity), false) = (&options.identity, options.list) else {
        return list(&connection.issuer_url, client).await;
    };
    let token = fetch(&connection.issuer_url, identity, language).await?;
    if options.print && client.json {
        say!("{:#}", json!({"identity": identity, "token": token}));
        return Ok(());
    }
    if options.print {
        say!("{token}");
        return Ok(());
    }
    let file = token_file()?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    // A token is a secret: nobody else on the machine may read it.
    let mut kept = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&file)?;
    kept.write_all(token.as_bytes())?;
    if client.json {
        say!("{:#}", json!({ "identity": identity }));
    } else {
        let logged_in = language.pick("Connecté en tant que", "Logged in as");
        say!("{logged_in} {identity}");
    }
    Ok(())
}

async fn list(issuer: &str, client: &Client) -> Result<(), Failure> {
    let request = http::Request::get(format!("{issuer}/identities")).body(Full::default());
    let request = request.map_err(|_| not_an_address(issuer))?;
    if client.json {
        let identities: serde_json::Value = ask(issuer, request, client.language).await?;
        say!("{identities:#}");
        return Ok(());
    }
    let identities: Vec<LocalUser> = ask(issuer, request, client.language).await?;
    let language = client.language;
    let headings = [
        language.pick("identité", "identity"),
        language.pick("qui", "who"),
        language.pick("rôle", "role"),
    ];
    table::print(
        headings,
        identities.into_iter().map(|identity| {
            let described = describe(&identity, language);
            let name = language.pick(&identity.name.french, &identity.name.english);
            [identity.identity.clone(), name.to_owned(), described]
        }),
    );
    Ok(())
}

/// `vigie logout`: forgets the token.
pub(crate) fn logout(client: &Client) -> Result<(), Failure> {
    match fs::remove_file(token_file()?) {
        Ok(()) => {}
        // Who had none is logged out too.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    if client.json {
        say!("{{}}");
    } else {
        say!("{}", client.language.pick("Déconnecté", "Logged out"));
    }
    Ok(())
}

/// The token to call with: of --as, of --token, or the one kept by `login`.
pub(crate) async fn token(
    connection: &Connection,
    language: Language,
) -> Result<Option<String>, Failure> {
    if let Some(identity) = &connection.identity {
        return fetch(&connection.issuer_url, identity, language)
            .await
            .map(Some);
    }
    if let Some(token) = &connection.token {
        return Ok(Some(token.trim().to_owned()));
    }
    if let Some(file) = &connection.token_file {
        return Ok(Some(text_file::read(file)?.trim().to_owned()));
    }
    match fs::read_to_string(token_file()?) {
        Ok(token) => Ok(Some(token.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn fetch(issuer: &str, identity: &str, language: Language) -> Result<String, Failure> {
    let unknown = || {
        let unknown = language.pick(
            "identité inconnue (voir « vigie login --list »)",
            "unknown identity (see `vigie login --list`)",
        );
        Failure::Usage(format!("{unknown}: {identity}"))
    };
    // Identities are words that a form carries as they are.
    if !identity
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(unknown());
    }
    let request = http::Request::post(format!("{issuer}/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(format!("username={identity}")))
        .map_err(|_| not_an_address(issuer))?;
    match ask::<TokenAnswer>(issuer, request, language).await {
        Ok(answer) => Ok(answer.access_token),
        Err(Failure::Refused(status)) if status.code() == tonic::Code::NotFound => Err(unknown()),
        Err(failure) => Err(failure),
    }
}

/// Asks the local issuer, which is on this machine and speaks plain HTTP.
async fn ask<T: DeserializeOwned>(
    issuer: &str,
    request: http::Request<Full<Bytes>>,
    language: Language,
) -> Result<T, Failure> {
    let silent = |_| {
        let silent = language.pick(
            "l'émetteur local ne répond pas ; « make run » tourne-t-il ?",
            "the local issuer does not answer; is `make run` up?",
        );
        Failure::from(Status::unavailable(format!("{issuer}: {silent}")))
    };
    let client = HttpClient::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.map_err(silent)?;
    let status = answer.status();
    if status.is_client_error() {
        return Err(Status::not_found(status.to_string()).into());
    }
    if !status.is_success() {
        return Err(anyhow!("the local issuer answers {status}").into());
    }
    let body = answer.into_body().collect().await;
    let body = body
        .context("reading the local issuer's answer")?
        .to_bytes();
    Ok(serde_json::from_slice(&body).context("reading the local issuer's answer")?)
}

fn not_an_address(issuer: &str) -> Failure {
    Failure::Usage(format!("not an address like http://host:port: {issuer}"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the place of the token is read once, at the edge"
)]
fn token_file() -> Result<PathBuf, Failure> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    variable("XDG_CONFIG_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("vigie").join("token"))
        .ok_or_else(|| {
            Failure::Usage("HOME is not set: nowhere to keep a token; use --token".to_owned())
        })
}

fn describe(identity: &LocalUser, language: Language) -> String {
    let roles = identity
        .roles
        .iter()
        .filter_map(|slug| slug.parse::<vocabulary::Role>().ok());
    let mut words: Vec<_> = roles
        .map(|role| language.pick(role.french(), role.english()).to_owned())
        .collect();
    let region = identity
        .region
        .as_deref()
        .and_then(|code| code.parse::<vocabulary::Region>().ok());
    words.extend(region.map(|region| region.name().to_owned()));
    words.extend(identity.structures.iter().cloned());
    words.join(", ")
}
