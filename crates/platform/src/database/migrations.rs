//! The state of a service's schema.

use sqlx::{
    Connection as _, PgPool,
    migrate::{Migrate as _, Migrator},
};

use crate::{DatabaseConfig, StartError};

use super::first_connection::first_connection;

/// The tables that every service keeps in its own schema.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Brings the schema up to date; safe while other programs do the same.
///
/// A schema that a later release has migrated is left as it is: a rollback runs the
/// `migrate` of the earlier release.
pub async fn migrate(config: &DatabaseConfig, migrators: &[&Migrator]) -> Result<(), StartError> {
    let source = config.source()?;
    let options = config.options(&source, "vigie migrate")?.options([
        // Migrations take turns: the wait for the turn is not a lock that hangs.
        ("lock_timeout", "60s"),
        ("statement_timeout", "0"),
    ]);
    let mut conn = first_connection(&options, &source, config.connect_timeout()).await?;
    for migrator in migrators {
        let tolerant = Migrator {
            migrations: migrator.migrations.clone(),
            ignore_missing: true,
            locking: migrator.locking,
            no_tx: migrator.no_tx,
            table_name: migrator.table_name.clone(),
            create_schemas: migrator.create_schemas.clone(),
        };
        tolerant
            .run_direct(None, &mut conn, false)
            .await
            .map_err(|cause| StartError::unusable("DATABASE_SCHEMA", cause))?;
    }
    conn.close()
        .await
        .map_err(|cause| StartError::unusable(source.variable(), cause))
}

/// Refuses a schema that lacks a migration of this program.
///
/// A newer schema is fine: the previous release runs while the next one migrates.
pub async fn check_migrated(pool: &PgPool, migrators: &[&Migrator]) -> Result<(), StartError> {
    let mut conn = pool.acquire().await.map_err(unusable)?;
    for migrator in migrators {
        let table = migrator.table_name.as_ref();
        let exists: bool = sqlx::query_scalar("select to_regclass($1) is not null")
            .bind(table)
            .fetch_one(&mut *conn)
            .await
            .map_err(unusable)?;
        if !exists {
            return Err(StartError::NotMigrated(format!(
                "the table {table} is missing"
            )));
        }
        let applied = conn
            .list_applied_migrations(table)
            .await
            .map_err(|cause| StartError::unusable("DATABASE_SCHEMA", cause))?;
        for migration in migrator.iter() {
            let Some(found) = applied
                .iter()
                .find(|found| found.version == migration.version)
            else {
                return Err(StartError::NotMigrated(format!(
                    "migration {} ({}) is missing",
                    migration.version, migration.description
                )));
            };
            if found.checksum != migration.checksum {
                return Err(StartError::NotMigrated(format!(
                    "migration {} is not the one of this program",
                    migration.version
                )));
            }
        }
    }
    Ok(())
}

fn unusable(cause: sqlx::Error) -> StartError {
    StartError::unusable("DATABASE_URL", cause)
}
