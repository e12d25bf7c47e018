//! A copy of a server and of everything that it commits later, from which
//! others start at any moment in between.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU32},
};

use anyhow::{Context, Result, bail};
use time::{OffsetDateTime, UtcOffset};
use tokio::task::spawn_blocking;

use super::{
    PATIENCE, Postgres, PostgresOptions,
    install::{Installation, further},
    server::{Server, data_folder},
};
use crate::{
    eventually::some_within,
    folder::{Folder, last_lines},
    guard::Guard,
};

/// A base backup, and an archive that its server adds to.
///
/// It outlives the server and ends with this process.
#[derive(Debug)]
pub struct Backup {
    installation: Installation,
    home: PathBuf,
    settings: String,
    names: Arc<AtomicU32>,
    /// Dropping it removes the folder.
    _guard: Guard,
}

/// The moment at which a restored server begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// The end of the archive.
    End,
    /// The one that was named so by [`Backup::name`].
    Named(String),
    /// This one by the server's clock, and whatever was committed at it.
    Time(OffsetDateTime),
}

/// Waits for the end of the process that started it, then removes the folder
/// (`$1`); a server that is adding a file no longer finds where to.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
read -r _
mv "$1/archive" "$1/gone"
rm -rf "$1"
"#;

impl Postgres {
    /// Takes a base backup and archives from then on; a server that archived
    /// nothing before is restarted for it.
    ///
    /// A server adds to its newest backup alone.
    pub async fn back_up(&self) -> Result<Backup> {
        let (settings, names) = (self.server.settings.clone(), Arc::clone(&self.names));
        let backup = spawn_blocking(|| Backup::prepare(settings, names)).await??;
        let archive = backup.archive();
        let archive = archive.display();
        // A file has its name when it is whole. Once the backup is gone, the
        // server keeps nothing for it.
        let command = format!(
            r#"test ! -d "{archive}" || {{ cp "%p" "{archive}/%f.part" && mv "{archive}/%f.part" "{archive}/%f"; }}"#
        );
        self.alter_system(&[("archive_mode", "on"), ("archive_command", &command)])
            .await?;
        let mut admin = self.connect_as_superuser("postgres").await?;
        let archives: bool = sqlx::query_scalar("select current_setting('archive_mode')::boolean")
            .fetch_one(&mut admin)
            .await?;
        drop(admin);
        if !archives {
            self.restart().await?;
        }
        let (installation, base) = (backup.installation.clone(), backup.base());
        self.on_server(move |server| installation.base_backup(server.port, &base))
            .await?;
        Ok(backup)
    }
}

impl Backup {
    /// The folder of the base backup and the archive.
    pub fn folder(&self) -> &Path {
        &self.home
    }

    /// Gives the moment a name; returns when the archive leads there.
    pub async fn name(&self, server: &Postgres, point: &str) -> Result<()> {
        let mut admin = server.connect_as_superuser("postgres").await?;
        sqlx::query("select pg_create_restore_point($1)")
            .bind(point)
            .execute(&mut admin)
            .await?;
        self.catch_up_with(server).await
    }

    /// Waits until the archive leads beyond everything that the server has
    /// committed, and so to every moment until now.
    pub async fn catch_up_with(&self, server: &Postgres) -> Result<()> {
        let mut admin = server.connect_as_superuser("postgres").await?;
        // A moment is found by the first commit after it.
        sqlx::query("select pg_current_xact_id()")
            .execute(&mut admin)
            .await?;
        let file: String = sqlx::query_scalar("select pg_walfile_name(pg_switch_wal())")
            .fetch_one(&mut admin)
            .await?;
        let archived = self.archive().join(file);
        let there = some_within(PATIENCE, async || archived.exists().then_some(()));
        there
            .await
            .with_context(|| format!("{server:?} does not archive {}", archived.display()))
    }

    /// Starts a server with what was committed up to the point.
    ///
    /// It has the settings of the server that was backed up, then those of the
    /// options, and a history of its own from the point on.
    pub async fn restore(&self, point: &Point, options: PostgresOptions) -> Result<Postgres> {
        let target = match point {
            Point::End => None,
            Point::Named(name) => Some(("recovery_target_name", name.clone())),
            Point::Time(moment) => Some(("recovery_target_time", written(*moment))),
        };
        let command = format!(r#"cp "{}/%f" "%p""#, self.archive().display());
        let recovery: Vec<_> = [
            ("restore_command", command),
            ("recovery_target_action", "promote".to_owned()),
        ]
        .into_iter()
        .chain(target)
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        let (base, mut settings) = (self.base(), self.settings.clone());
        settings.extend(further(&options.settings));
        let server = spawn_blocking(move || {
            Server::start_on(&options, settings, |installation, home| {
                let data = data_folder(home);
                installation.copy(&base, &data)?;
                installation.tell(&data, &recovery)?;
                installation.write(&data.join("recovery.signal"), "")
            })
        })
        .await?
        .with_context(|| format!("no server at {point:?}"))?;
        let restored = Postgres::of(server, Arc::clone(&self.names));
        // It answers before it has got there, and ends if it cannot.
        let arrived = restored
            .until(
                "select pg_is_in_recovery()::text = $1",
                "false",
                "is not restored",
            )
            .await;
        if let Err(error) = arrived {
            let log = last_lines(&restored.log_file());
            bail!("no server at {point:?}: {error:#}\n{log}");
        }
        Ok(restored)
    }

    fn prepare(settings: String, names: Arc<AtomicU32>) -> Result<Self> {
        let installation = Installation::find()?;
        let home = Folder::ThrowAway.create("backup")?;
        installation.give(&home)?;
        let guard = Guard::start(WATCHDOG, &[home.as_os_str()], None, installation.account())?;
        let backup = Self {
            installation,
            home,
            settings,
            names,
            _guard: guard,
        };
        fs::create_dir(backup.archive())?;
        backup.installation.give(&backup.archive())?;
        Ok(backup)
    }

    fn base(&self) -> PathBuf {
        self.home.join("base")
    }

    fn archive(&self) -> PathBuf {
        self.home.join("archive")
    }
}

/// A moment as PostgreSQL reads it in its configuration.
fn written(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(UtcOffset::UTC);
    format!(
        "{} {:02}:{:02}:{:02}.{:06}+00",
        moment.date(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        moment.microsecond()
    )
}
