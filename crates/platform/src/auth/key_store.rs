//! The last good keys of the issuer in PostgreSQL, which replicas share.

use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{Error, Result, SealingKey};

/// How long PostgreSQL may take: the keys in memory serve without it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Reads and writes the keys of one issuer.
///
/// They are sealed with their time: who can write to the table can neither vouch for callers
/// nor prolong keys that were withdrawn.
#[derive(Debug, Clone)]
pub(super) struct KeyStore {
    pub(super) pool: PgPool,
    pub(super) seal: SealingKey,
    pub(super) issuer: String,
}

impl KeyStore {
    /// Returns the keys that a replica fetched last, with the time of the fetch.
    pub(super) async fn load(&self) -> Result<Option<(JwkSet, OffsetDateTime)>> {
        let row = sqlx::query!(
            "select fetched_at, sealed from issuer_keys where issuer = $1",
            self.issuer,
        );
        let row = row.fetch_optional(&self.pool);
        let row = timeout(TIMEOUT, row).await.map_err(Error::internal)??;
        let Some(row) = row else {
            return Ok(None);
        };
        let opened = self.seal.open(&self.bound_to(row.fetched_at), &row.sealed);
        let document = opened.map_err(Error::internal)?;
        let document = serde_json::from_slice(&document).map_err(Error::internal)?;
        Ok(Some((document, row.fetched_at)))
    }

    /// Keeps the keys, unless a replica fetched them later by a clock that is right.
    pub(super) async fn save(&self, document: &JwkSet, fetched_at: OffsetDateTime) -> Result<()> {
        let plain = serde_json::to_vec(document).map_err(Error::internal)?;
        let sealed = self.seal.seal(&self.bound_to(fetched_at), &plain);
        let saved = sqlx::query!(
            "insert into issuer_keys (issuer, fetched_at, sealed) values ($1, $2, $3)
             on conflict (issuer) do update
             set fetched_at = excluded.fetched_at, sealed = excluded.sealed
             where issuer_keys.fetched_at < excluded.fetched_at
                 or issuer_keys.fetched_at > excluded.fetched_at + interval '1 minute'",
            self.issuer,
            fetched_at,
            sealed,
        );
        let saved = saved.execute(&self.pool);
        timeout(TIMEOUT, saved).await.map_err(Error::internal)??;
        Ok(())
    }

    fn bound_to(&self, fetched_at: OffsetDateTime) -> Vec<u8> {
        let micros = fetched_at.unix_timestamp_nanos() / 1_000;
        format!("vigie issuer keys\0{}\0{micros}", self.issuer).into_bytes()
    }
}
