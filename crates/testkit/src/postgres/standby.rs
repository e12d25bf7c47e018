//! A second server that follows a first one, and can take its place.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::task::spawn_blocking;

use super::{
    Postgres, PostgresOptions,
    database::execute,
    install::{SUPERUSER, further},
    server::{Server, data_folder},
};

/// A server that follows another one and answers questions only.
///
/// The server that it follows keeps for it what it has not received, also when
/// it is gone: both are meant to end with one test.
#[derive(Debug)]
pub struct Standby {
    server: Postgres,
    name: String,
}

/// What a commit waits for beyond the disk of its own server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchrony {
    /// The standby has it on its disk.
    Flushed,
    /// Whoever asks the standby sees it.
    Applied,
}

impl Postgres {
    /// Starts a standby of this server and returns when it streams.
    ///
    /// It has the settings of this server, then those of the options.
    pub async fn standby(&self, options: PostgresOptions) -> Result<Standby> {
        let name = self.unique_name("standby");
        let mut admin = self.connect_as_superuser("postgres").await?;
        // A kept folder may remember a standby of an earlier process.
        sqlx::query(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots
             where slot_name = $1 and not active",
        )
        .bind(&name)
        .execute(&mut admin)
        .await?;
        sqlx::query("select pg_create_physical_replication_slot($1, true)")
            .bind(&name)
            .execute(&mut admin)
            .await?;

        let primary = Arc::clone(&self.server);
        let follow = [
            (
                "primary_conninfo".to_owned(),
                format!(
                    "host=127.0.0.1 port={} user={SUPERUSER} application_name={name}",
                    primary.port
                ),
            ),
            ("primary_slot_name".to_owned(), name.clone()),
        ];
        let server = spawn_blocking(move || {
            let mut settings = primary.settings.clone();
            settings.extend(further(&options.settings));
            Server::start_on(&options, settings, |installation, home| {
                let data = data_folder(home);
                installation.base_backup(primary.port, &data)?;
                installation.tell(&data, &follow)?;
                installation.write(&data.join("standby.signal"), "")
            })
        })
        .await?
        .with_context(|| format!("no standby of {self:?}"))?;
        let standby = Standby {
            server: Self::of(server, Arc::clone(&self.names)),
            name,
        };
        self.until(
            "select exists (select from pg_stat_replication
                            where application_name = $1 and state = 'streaming')",
            &standby.name,
            "does not stream to its standby",
        )
        .await?;
        Ok(standby)
    }

    /// Makes every later commit wait for the standby, also after a restart.
    ///
    /// A commit that waits is on the disk of this server, but neither seen nor
    /// acknowledged.
    pub async fn synchronous_with(&self, standby: &Standby, synchrony: Synchrony) -> Result<()> {
        let level = match synchrony {
            Synchrony::Flushed => "on",
            Synchrony::Applied => "remote_apply",
        };
        self.alter_system(&[
            ("synchronous_standby_names", &standby.name),
            ("synchronous_commit", level),
        ])
        .await?;
        self.until(
            "select exists (select from pg_stat_replication
                            where application_name = $1 and sync_state = 'sync')",
            &standby.name,
            "does not count its standby as synchronous",
        )
        .await?;
        // The checkpointer tells the sessions to wait; it has read the settings
        // when it has done what it is asked for.
        let mut admin = self.connect_as_superuser("postgres").await?;
        execute(&mut admin, "checkpoint".to_owned()).await
    }

    /// Makes no later commit wait for a standby, nor any that waits now.
    pub async fn asynchronous(&self) -> Result<()> {
        self.alter_system(&[("synchronous_standby_names", "")])
            .await
    }

    /// Changes settings that a running server reads again.
    pub(super) async fn alter_system(&self, settings: &[(&str, &str)]) -> Result<()> {
        let mut admin = self.connect_as_superuser("postgres").await?;
        for (name, value) in settings {
            let value = value.replace('\'', "''");
            execute(&mut admin, format!("alter system set {name} = '{value}'")).await?;
        }
        execute(&mut admin, "select pg_reload_conf()".to_owned()).await
    }

    /// The position up to which everything is on this server's disk.
    async fn flushed(&self) -> Result<String> {
        let mut admin = self.connect_as_superuser("postgres").await?;
        let position = sqlx::query_scalar("select pg_current_wal_flush_lsn()::text")
            .fetch_one(&mut admin)
            .await?;
        Ok(position)
    }
}

impl Standby {
    /// The server itself, to be asked, killed, frozen and started again.
    pub fn server(&self) -> &Postgres {
        &self.server
    }

    /// The port it listens on, before its promotion and after it.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Waits until everything that the primary has committed is seen here.
    pub async fn catch_up_with(&self, primary: &Postgres) -> Result<()> {
        let position = primary.flushed().await?;
        self.server
            .until(
                "select pg_last_wal_replay_lsn() >= $1::pg_lsn",
                &position,
                "does not catch up",
            )
            .await
    }

    /// Makes it a server of its own, with everything that it received: the same
    /// databases, roles and passwords.
    pub async fn promote(self) -> Result<Postgres> {
        self.server.on_server(Server::promote).await?;
        Ok(self.server)
    }
}
