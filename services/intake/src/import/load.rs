//! Loads the directory of structures from a file.

use std::collections::BTreeMap;

use eventlog::{Log, in_transaction};
use futures::FutureExt as _;
use platform::{AuditEntry, Caller, Error, Outcome, Result, audit, now};
use proto::intake::v1 as pb;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use tokio::{sync::mpsc, task::spawn_blocking};

use super::{Changes, Column, Imported, ReadStructure, RejectedLine, reader, upload::Uploaded};
use crate::structures::{self, Recorded, Structure};

/// How many structures one transaction takes.
pub(super) const BATCH: usize = 500;

/// Loads the directory from a file. Every batch is a transaction of its own, so
/// that a file sent again goes on where it was broken off.
pub(crate) async fn load(
    pool: PgPool,
    log: Log,
    caller: Caller,
    file: Uploaded,
) -> Result<Imported> {
    let (batches, mut read) = mpsc::channel::<Vec<ReadStructure>>(1);
    let reading =
        spawn_blocking(move || reader::read(&file, |batch| batches.blocking_send(batch).is_ok()));
    let mut changes = Changes::default();
    while let Some(batch) = read.recv().await {
        let recorded = record(&pool, &log, &caller, &batch).await?;
        changes.count(&recorded, batch.len());
    }
    let read = reading.await.map_err(Error::internal)??;
    let imported = Imported { changes, ..read };
    tracing::info!(
        lines = imported.lines,
        created = changes.created,
        updated = changes.updated,
        rejected = imported.rejected,
        warned = imported.warned,
        "a file of structures was loaded",
    );
    Ok(imported)
}

async fn record(
    pool: &PgPool,
    log: &Log,
    caller: &Caller,
    batch: &[ReadStructure],
) -> Result<Vec<Recorded>> {
    let recorded = in_transaction(
        pool,
        &(log, caller, batch),
        |conn, &(log, caller, batch)| record_once(conn, log, caller, batch).boxed(),
    )
    .await?;
    log.committed();
    Ok(recorded)
}

async fn record_once(
    conn: &mut PgConnection,
    log: &Log,
    caller: &Caller,
    batch: &[ReadStructure],
) -> Result<Vec<Recorded>> {
    let at = now();
    let batch = with_known(conn, batch).await?;
    let recorded = structures::record(&mut *conn, &batch, at).await?;
    let entry = AuditEntry {
        caller,
        action: "structure.import",
        object: "structure",
        outcome: Outcome::Done,
        detail: json!({ "structures": batch.len(), "changed": recorded.len() }),
        at,
    };
    audit(&mut *conn, entry).await?;
    let events: Vec<_> = recorded.iter().map(structures::recorded).collect();
    log.append(conn, &events).await?;
    Ok(recorded)
}

/// The structures of a batch; what the file does not say of them stays as it is known.
async fn with_known(conn: &mut PgConnection, batch: &[ReadStructure]) -> Result<Vec<Structure>> {
    let incomplete: Vec<_> = batch
        .iter()
        .filter(|read| !(read.absent.is_empty() && read.unread.is_empty()))
        .map(|read| read.structure.finess)
        .collect();
    let known = if incomplete.is_empty() {
        BTreeMap::new()
    } else {
        structures::sites(conn, &incomplete).await?
    };
    let structures = batch.iter().cloned().map(|read| {
        let known = known.get(&read.structure.finess);
        read.with_known(known)
    });
    Ok(structures.collect())
}

impl From<Imported> for pb::ImportStructuresResponse {
    fn from(imported: Imported) -> Self {
        let named = |lines: Vec<RejectedLine>| lines.into_iter().map(named).collect();
        Self {
            lines: imported.lines,
            created: imported.changes.created,
            updated: imported.changes.updated,
            unchanged: imported.changes.unchanged,
            rejected: imported.rejected,
            rejected_lines: named(imported.rejected_lines),
            warned: imported.warned,
            warnings: named(imported.warnings),
            encoding: imported.encoding.name().to_owned(),
        }
    }
}

fn named(line: RejectedLine) -> pb::RejectedLine {
    pb::RejectedLine {
        line: line.line,
        column: line.rejection.column.map_or("", Column::name).to_owned(),
        reason: line.rejection.reason.to_owned(),
        description: line.rejection.description.into_owned(),
    }
}
