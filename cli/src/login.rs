//! Tokens: of the local issuer of `vigie up`, kept for the next commands.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;
use tonic::Status;

use crate::args::{Connection, LoginOptions};
use crate::exit::Failure;
use crate::language::Language;
use crate::suite::identities;
use crate::table;

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
}

/// `vigie login`: keeps a token, or prints it, or lists who can log in.
pub(crate) async fn login(
    options: &LoginOptions,
    connection: &Connection,
    json: bool,
    language: Language,
) -> Result<(), Failure> {
    let (Some(identity), false) = (&options.identity, options.list) else {
        if json {
            let listed = identities().into_iter().map(|i| {
                let (region, structures) = (i.region, i.structures);
                json!({"identity": i.subject, "roles": i.roles, "region": region,
                    "structures": structures})
            });
            say!("{:#}", listed.collect::<serde_json::Value>());
            return Ok(());
        }
        let headings = [
            language.pick("identité", "identity"),
            language.pick("rôle", "role"),
        ];
        table::print(
            headings,
            identities()
                .iter()
                .map(|i| [i.subject.clone(), describe(i, language)]),
        );
        return Ok(());
    };
    let token = fetch(&connection.issuer_url, identity, language).await?;
    if options.print && json {
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
    if json {
        say!("{:#}", json!({ "identity": identity }));
    } else {
        let logged_in = language.pick("Connecté en tant que", "Logged in as");
        say!("{logged_in} {identity}");
    }
    Ok(())
}

/// `vigie logout`: forgets the token.
pub(crate) fn logout(json: bool, language: Language) -> Result<(), Failure> {
    match fs::remove_file(token_file()?) {
        Ok(()) => {}
        // Who had none is logged out too.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    if json {
        say!("{{}}");
    } else {
        say!("{}", language.pick("Déconnecté", "Logged out"));
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
        let token =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        return Ok(Some(token.trim().to_owned()));
    }
    match fs::read_to_string(token_file()?) {
        Ok(token) => Ok(Some(token.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn fetch(issuer: &str, identity: &str, language: Language) -> Result<String, Failure> {
    // The local issuer is on this machine: no proxy reaches it.
    let client = reqwest::Client::builder().no_proxy().build();
    let answer = client
        .map_err(anyhow::Error::from)?
        .post(format!("{issuer}/token"))
        .form(&[("username", identity)])
        .send()
        .await
        .map_err(|_| {
            let silent = language.pick(
                "l'émetteur local ne répond pas ; « make run » tourne-t-il ?",
                "the local issuer does not answer; is `make run` up?",
            );
            Failure::from(Status::unavailable(format!("{issuer}: {silent}")))
        })?;
    if answer.status().is_client_error() {
        let unknown = language.pick(
            "identité inconnue (voir « vigie login --list »)",
            "unknown identity (see `vigie login --list`)",
        );
        return Err(Failure::Usage(format!("{unknown}: {identity}")));
    }
    let answer: TokenAnswer = answer
        .error_for_status()
        .context("asking the local issuer for a token")?
        .json()
        .await
        .context("reading the local issuer's answer")?;
    Ok(answer.access_token)
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

fn describe(identity: &testkit::TokenSpec, language: Language) -> String {
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
