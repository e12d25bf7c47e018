//! Databases with one schema and one role for each service.

use std::sync::Arc;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

use super::{Postgres, install::SUPERUSER};

/// Who has a schema and a role in every database.
pub const SERVICES: [&str; 6] = [
    "platform",
    "eventlog",
    "intake",
    "qualification",
    "notification",
    "statistics",
];

/// One database, in which every service has an empty schema of its own.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    port: u16,
}

impl Postgres {
    /// A fresh database, which no other test has.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub async fn database(&self, label: &str) -> Database {
        self.database_like(label, "empty", async |_| Ok(())).await
    }

    /// A fresh database that starts as a copy of one prepared once per `template`,
    /// such as one with all migrations applied.
    ///
    /// Preparing must leave no connection open.
    ///
    /// # Panics
    ///
    /// When the server does not answer or the preparation fails.
    pub async fn database_like(
        &self,
        label: &str,
        template: &str,
        prepare: impl AsyncFnOnce(&Database) -> Result<()>,
    ) -> Database {
        let name = self.unique_name(label);
        let made = async {
            let cell = Arc::clone(
                self.templates
                    .lock()
                    .expect("no holder of this lock panics")
                    .entry(template.to_owned())
                    .or_default(),
            );
            let template = cell
                .get_or_try_init(async || {
                    let name = self.unique_name(&format!("template_{template}"));
                    let database = self.named_database(&name).await?;
                    prepare(&database).await?;
                    anyhow::Ok(name)
                })
                .await?;
            let mut admin = self.connect_as_superuser("postgres").await?;
            execute(
                &mut admin,
                format!("create database {name} template {template}"),
            )
            .await
        };
        made.await
            .unwrap_or_else(|error| panic!("no database {name}: {error:#}"));
        Database {
            name,
            port: self.port(),
        }
    }

    /// The database of this name, made when absent, with every schema and role.
    pub async fn named_database(&self, name: &str) -> Result<Database> {
        let mut admin = self.connect_as_superuser("postgres").await?;
        let exists = sqlx::query("select from pg_database where datname = $1")
            .bind(name)
            .fetch_optional(&mut admin)
            .await?
            .is_some();
        if !exists {
            execute(&mut admin, format!("create database {name}")).await?;
        }
        for service in SERVICES {
            execute(&mut admin, role(service)).await?;
        }
        let mut inside = self.connect_as_superuser(name).await?;
        let schemas = SERVICES
            .map(|service| {
                format!("create schema if not exists {service} authorization {service};")
            })
            .concat();
        // Nothing is shared: what is not in a service's own schema is nowhere.
        execute(
            &mut inside,
            format!("set client_min_messages = warning; drop schema if exists public; {schemas}"),
        )
        .await?;
        // Copying a template waits for its last connection to end.
        inside.close().await?;
        Ok(Database {
            name: name.to_owned(),
            port: self.port(),
        })
    }

    pub(super) async fn connect_as_superuser(&self, database: &str) -> Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port())
            .username(SUPERUSER)
            .database(database);
        PgConnection::connect_with(&options)
            .await
            .with_context(|| format!("connecting to {self:?}"))
    }
}

impl Database {
    /// The address for the role of this service, which sees only its own schema.
    ///
    /// # Panics
    ///
    /// When there is no such service.
    pub fn url(&self, service: &str) -> String {
        assert!(SERVICES.contains(&service), "no role for {service:?}");
        self.url_as(service)
    }

    /// The address for the superuser, for tests that look behind every curtain.
    pub fn superuser_url(&self) -> String {
        self.url_as(SUPERUSER)
    }

    /// The same database behind another port: that of a proxy, of a promoted
    /// standby, or of a server restored from a backup.
    pub fn at(&self, port: u16) -> Self {
        Self {
            name: self.name.clone(),
            port,
        }
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn url_as(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{}", self.port, self.name)
    }
}

/// Roles belong to the whole server, so the same one serves every database.
fn role(service: &str) -> String {
    format!(
        "do $$ begin create role {service} login; exception when duplicate_object or unique_violation then null; end $$;
         alter role {service} set search_path = {service};"
    )
}

pub(super) async fn execute(connection: &mut PgConnection, sql: String) -> Result<()> {
    // Safe, because every name in it is one of ours.
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
