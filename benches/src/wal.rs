//! What is written into the log of PostgreSQL (WAL), as its own program counts it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::environment::Environment;

/// A place in the log, from which on records are counted.
pub(crate) struct WalStart<'a> {
    environment: &'a Environment,
    place: String,
}

/// What was written between two places of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wal {
    /// Records of every kind.
    pub(crate) records: u64,
    /// Entries that indexes got.
    pub(crate) index_entries: u64,
    /// Bytes, images of whole pages included.
    pub(crate) bytes: u64,
}

impl<'a> WalStart<'a> {
    /// The present end of the log.
    pub(crate) async fn now(environment: &'a Environment) -> Result<Self> {
        let place = end_of_log(environment).await?;
        Ok(Self { environment, place })
    }

    /// What was written since, as long as PostgreSQL still has it: for some seconds of load,
    /// not for minutes.
    pub(crate) async fn written(&self) -> Result<Wal> {
        let table = self.dump(&["--stats=record"]).await?;
        read(&table).context("pg_waldump ends with a total")
    }

    /// How many records of each kind were written since for each relation, by its file.
    pub(crate) async fn by_relation(&self) -> Result<BTreeMap<(Option<u32>, String), u64>> {
        let mut counts = BTreeMap::new();
        for record in self.dump(&[]).await?.lines().filter_map(read_record) {
            *counts.entry(record).or_default() += 1;
        }
        Ok(counts)
    }

    async fn dump(&self, options: &[&str]) -> Result<String> {
        let postgres = &self.environment.suite.postgres;
        let ended = Command::new(postgres.binaries().join("pg_waldump"))
            .args(options)
            .arg("--path")
            .arg(postgres.folder().join("data/pg_wal"))
            .arg(format!("--start={}", self.place))
            .arg(format!("--end={}", end_of_log(self.environment).await?))
            .kill_on_drop(true)
            .output()
            .await
            .context("starting pg_waldump")?;
        let told = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "pg_waldump: {told}");
        Ok(String::from_utf8(ended.stdout)?)
    }
}

async fn end_of_log(environment: &Environment) -> Result<String> {
    let place = sqlx::query_scalar("select pg_current_wal_flush_lsn()::text");
    let mut behind = environment.look_behind().await?;
    Ok(place.fetch_one(&mut behind).await?)
}

/// Reads the table of pg_waldump: kinds of records, each with how many there are, and last
/// their total, whose third number is that of bytes.
fn read(table: &str) -> Option<Wal> {
    let mut wal = Wal::default();
    for line in table.lines() {
        let mut words = line.split_whitespace();
        let kind = words.next().unwrap_or_default();
        let count = words.next().and_then(|word| word.parse::<u64>().ok());
        match (kind, count) {
            ("Total", Some(records)) => {
                let mut sizes = words.filter_map(|word| word.parse().ok());
                wal.records = records;
                wal.bytes = sizes.nth(2)?;
                return Some(wal);
            }
            (kind, Some(count)) if is_index_entry(kind) => wal.index_entries += count,
            _ => {}
        }
    }
    None
}

/// Reads a record: the file of the first relation that it is about, and its kind, as in
/// `Btree/INSERT_LEAF`.
fn read_record(line: &str) -> Option<(Option<u32>, String)> {
    let manager = line.strip_prefix("rmgr: ")?.split_whitespace().next()?;
    let kind = line.split("desc: ").nth(1)?.split_whitespace().next()?;
    let file = line.split("rel ").nth(1).and_then(|rest| {
        let path = rest.split_whitespace().next()?;
        path.rsplit('/').next()?.trim_end_matches(',').parse().ok()
    });
    Some((file, format!("{manager}/{kind}")))
}

/// Whether a record of this kind brings an index one entry more. A split brings one too;
/// what it adds to the pages above is the index's own affair.
fn is_index_entry(kind: &str) -> bool {
    [
        "Btree/INSERT_LEAF",
        "Btree/INSERT_POST",
        "Btree/SPLIT_",
        "Gin/INSERT",
        "Gin/UPDATE_META_PAGE",
        "Hash/INSERT",
    ]
    .iter()
    .any(|entry| kind.starts_with(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_entries_and_bytes_are_read_from_the_table() {
        let table = "\
WAL statistics between 0/1500790 and 0/1667938:
Type               N      (%)   Record size      (%)      FPI size      (%)  Combined size      (%)
----               -      ---   -----------      ---      --------      ---  -------------      ---
Heap/INSERT      513 ( 23.50)         52284 (  3.96)         22656 ( 15.66)          74940 (  5.12)
Btree/INSERT_LEAF 605 ( 27.71)        38812 (  2.94)         95240 ( 65.82)         134052 (  9.16)
Btree/SPLIT_R      4 (  0.18)         15512 (  2.94)             0 (  0.00)          15512 (  9.16)
Btree/INSERT_UPPER 4 (  0.18)           512 (  2.94)             0 (  0.00)            512 (  9.16)
                            --------                      --------                      --------
Total           2183                1318909 [90.11%]        144704 [9.89%]         1463613 [100%]
";
        let wal = Wal {
            records: 2183,
            index_entries: 609,
            bytes: 1_463_613,
        };
        assert_eq!(read(table), Some(wal));
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_record_is_read_with_its_kind_and_the_file_it_changes() {
        let line = "rmgr: Btree       len (rec/tot):     64/    64, tx:        790, lsn: \
                    0/01500790, prev 0/01500758, desc: INSERT_LEAF off 4, blkref #0: rel \
                    1663/16384/16459 blk 3";
        assert_eq!(
            read_record(line),
            Some((Some(16459), "Btree/INSERT_LEAF".into()))
        );
        let line = "rmgr: Transaction len (rec/tot):     46/    46, tx:        790, lsn: \
                    0/015007D0, prev 0/01500790, desc: COMMIT 2026-01-05 10:00:00 UTC";
        assert_eq!(read_record(line), Some((None, "Transaction/COMMIT".into())));
        assert_eq!(read_record("not a record"), None);
    }
}
