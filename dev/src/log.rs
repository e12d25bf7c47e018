//! `vigie log`: repair event logs after a restore.

use std::collections::BTreeSet;

use cli::{Client, Failure, say};
use platform::{Caller, DatabaseConfig, Files};
use serde_json::json;
use sqlx::PgPool;
use vocabulary::Role;

use crate::args::{DatabaseOptions, LogCommand};

pub(crate) async fn run(command: LogCommand, client: &Client) -> Result<(), Failure> {
    let language = client.language;
    match command {
        LogCommand::Reincarnate(database) => {
            let mut work = connect(&database)
                .await?
                .begin()
                .await
                .map_err(anyhow::Error::from)?;
            let now = platform::now();
            let incarnation = eventlog::reincarnate(&mut work, &operator(), now)
                .await
                .map_err(anyhow::Error::from)?;
            work.commit().await.map_err(anyhow::Error::from)?;
            if client.json {
                say!("{:#}", json!({ "incarnation": incarnation.to_string() }));
            } else {
                let new = language.pick("Nouvelle incarnation :", "New incarnation:");
                say!("{new} {incarnation}");
            }
        }
        LogCommand::Adopt {
            database,
            consumer,
            producer,
        } => {
            let mut work = connect(&database)
                .await?
                .begin()
                .await
                .map_err(anyhow::Error::from)?;
            let now = platform::now();
            eventlog::adopt(&mut work, &consumer, &producer, &operator(), now)
                .await
                .map_err(anyhow::Error::from)?;
            work.commit().await.map_err(anyhow::Error::from)?;
            if client.json {
                say!(
                    "{:#}",
                    json!({ "consumer": consumer, "producer": producer })
                );
                return Ok(());
            }
            let adopted = language.pick(
                "repart de l'état complet de",
                "starts over from the full state of",
            );
            say!("{consumer} {adopted} {producer}");
        }
    }
    Ok(())
}

/// Who has the password of the database is an operator; the audit says by which way.
fn operator() -> Caller {
    Caller {
        subject: "vigie log".to_owned(),
        roles: [Role::Operator].into(),
        region: None,
        structures: BTreeSet::new(),
        expires_at: None,
    }
}

async fn connect(options: &DatabaseOptions) -> Result<PgPool, Failure> {
    let config = DatabaseConfig {
        url: options.database_url.clone().map(Into::into),
        url_file: options.database_url_file.clone(),
        ..DatabaseConfig::new("", options.schema.clone())
    };
    Ok(platform::connect(&config, "vigie", &Files::default())
        .await
        .map_err(anyhow::Error::from)?)
}
