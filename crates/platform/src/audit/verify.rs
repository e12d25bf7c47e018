//! Whether the audit trail is as it was sealed.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{Stream, StreamExt as _};
use sqlx::PgPool;
use time::OffsetDateTime;

use super::{
    chain::{self, Entry, Seal},
    sealer::next_transaction,
};
use crate::{Result, SealingKey};

/// How many seals are read at a time.
const PAGE: i64 = 1_000;

/// A seal that was written down where the database cannot change it, as a line of the
/// log: its number and its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    seal: i64,
    chain: Vec<u8>,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seal, STANDARD.encode(&self.chain))
    }
}

impl FromStr for Checkpoint {
    type Err = String;

    /// Reads `<audit.seal>:<audit.chain>`, as an `audit checkpoint` of the log has them.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (seal, chain) = text.split_once(':').ok_or("no colon")?;
        Ok(Self {
            seal: seal.parse().map_err(|_| "no number before the colon")?,
            chain: STANDARD
                .decode(chain)
                .map_err(|_| "no base64 after the colon")?,
        })
    }
}

/// What was found in an audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Entries that are as they were sealed.
    pub sealed: i64,
    /// Entries that wait for their seal.
    pub waiting: i64,
    /// Entries from before there were seals, which nothing but their number binds.
    pub before: i64,
    /// The newest seal, to compare with later.
    pub checkpoint: Checkpoint,
    /// What is not as it was sealed, the first of each kind.
    pub breaks: Vec<Break>,
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for broken in &self.breaks {
            writeln!(f, "BROKEN: {broken}")?;
        }
        let Self {
            sealed,
            waiting,
            before,
            checkpoint,
            breaks: _,
        } = self;
        writeln!(
            f,
            "{sealed} entries under {} seals, {waiting} not sealed yet",
            checkpoint.seal
        )?;
        if *before > 0 {
            writeln!(
                f,
                "{before} entries from before the first seal, of which only the number is known"
            )?;
        }
        write!(f, "checkpoint {checkpoint}")
    }
}

/// How an audit trail differs from what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Transactions are counted below those of the seals: the database was moved by a
    /// dump, and what is written now cannot be told from what was.
    CountedAnew,
    /// The entries from before there were seals are more or fewer than they were.
    Before,
    /// This seal is missing, or does not follow the one before.
    Missing(i64),
    /// The entries that this seal binds are not those that it bound, of which the
    /// newest was written by this moment.
    Entries(i64, OffsetDateTime),
    /// This seal was not made under a key of the service.
    Signature(i64),
    /// The trail does not have the seal of the checkpoint.
    Checkpoint(i64),
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CountedAnew => f.write_str(
                "transactions are counted anew, below those of the seals: the database was moved \
                 by a dump",
            ),
            Self::Before => f.write_str("entries from before the first seal were added or removed"),
            Self::Missing(seal) => write!(f, "seal {seal} is missing or was moved"),
            Self::Entries(seal, at) => write!(
                f,
                "seal {seal} of {at}: its entries, or the seal itself, were changed, removed or added to"
            ),
            Self::Signature(seal) => {
                write!(f, "seal {seal} was not made under a key of the service")
            }
            Self::Checkpoint(seal) => {
                write!(
                    f,
                    "seal {seal} is not the one of the checkpoint: the trail was cut or made anew"
                )
            }
        }
    }
}

/// Follows the seals of a service's audit trail from the first to the newest.
///
/// Up to a checkpoint the chain is compared with it, after it each signature with the
/// keys that are known.
pub async fn verify_audit(
    pool: &PgPool,
    service: &str,
    key: &SealingKey,
    checkpoint: Option<&Checkpoint>,
) -> Result<Findings> {
    let mut walk = Walk {
        service,
        key,
        checkpoint,
        before: None,
        breaks: Vec::new(),
        met_checkpoint: false,
    };
    loop {
        let after = walk.before.as_ref().map_or(-1, |seal| seal.number);
        let seals = sqlx::query_as!(
            Seal,
            "select number, sealed_at, until, entries, total, chain, signature from audit_seal
             where number > $1 order by number limit $2",
            after,
            PAGE,
        )
        .fetch_all(pool)
        .await?;
        let Some(last) = seals.last() else {
            break;
        };
        let from = walk.before.as_ref().map_or(i64::MIN, |seal| seal.until);
        let entries = sqlx::query_file_as!(
            Entry,
            "src/audit/entries.sql",
            from,
            Some(last.until),
            i64::MAX
        );
        walk.follow(seals, entries.fetch(pool)).await?;
    }
    let until = walk.before.as_ref().map_or(0, |seal| seal.until);
    if next_transaction(&mut *pool.acquire().await?).await? < until {
        // First, for it explains the others.
        walk.breaks.insert(0, Break::CountedAnew);
    }
    let counted = sqlx::query!(
        r#"select count(*) filter (where transaction_id is null) as "before!",
                  count(*) filter (where transaction_id >= $1) as "waiting!"
           from audit_entry"#,
        until,
    )
    .fetch_one(pool)
    .await?;
    let before = sqlx::query_scalar!("select entries from audit_seal where number = 0")
        .fetch_optional(pool)
        .await?;
    Ok(walk.findings(before, counted.before, counted.waiting))
}

/// The way along the seals.
struct Walk<'a> {
    service: &'a str,
    key: &'a SealingKey,
    checkpoint: Option<&'a Checkpoint>,
    /// The seal that was looked at last.
    before: Option<Seal>,
    breaks: Vec<Break>,
    met_checkpoint: bool,
}

impl Walk<'_> {
    /// Follows seals, with the entries that lie between them in the order of their
    /// transactions.
    async fn follow(
        &mut self,
        seals: Vec<Seal>,
        entries: impl Stream<Item = sqlx::Result<Entry>>,
    ) -> Result<()> {
        let mut entries = Box::pin(entries.peekable());
        for seal in seals {
            let mut bound = Vec::new();
            while let Some(entry) = entries
                .as_mut()
                .next_if(|entry| {
                    entry
                        .as_ref()
                        .map_or(true, |entry| entry.transaction_id < seal.until)
                })
                .await
            {
                bound.push(entry?);
            }
            chain::in_order(&mut bound);
            self.look(seal, &bound);
        }
        Ok(())
    }

    fn look(&mut self, seal: Seal, bound: &[Entry]) {
        if let Some(checkpoint) = self.checkpoint.filter(|c| c.seal == seal.number) {
            self.met_checkpoint = true;
            if checkpoint.chain != seal.chain {
                self.found(Break::Checkpoint(seal.number));
            }
        }
        match self.before.take() {
            None if seal.is_beginning() && bound.is_empty() => {}
            None => self.found(Break::Missing(0)),
            Some(before) => {
                if seal.number != before.number + 1 || seal.until <= before.until {
                    self.found(Break::Missing(before.number + 1));
                }
                let counted = usize::try_from(seal.entries) == Ok(bound.len())
                    && seal.total == before.total + seal.entries;
                if !counted || seal.chain != seal.chain_after(&before, self.service, bound) {
                    self.found(Break::Entries(seal.number, seal.sealed_at));
                }
                // What was written down elsewhere needs no signature, and may be under a
                // key that was given up.
                let vouched = self.checkpoint.is_some_and(|c| seal.number <= c.seal);
                if !vouched && !seal.is_signed(self.service, self.key) {
                    self.found(Break::Signature(seal.number));
                }
            }
        }
        self.before = Some(seal);
    }

    /// Keeps the first break of each kind: what comes after it follows from it.
    fn found(&mut self, broken: Break) {
        let same = |other: &Break| std::mem::discriminant(other) == std::mem::discriminant(&broken);
        if !self.breaks.iter().any(same) {
            self.breaks.push(broken);
        }
    }

    fn findings(mut self, before: Option<i64>, counted: i64, waiting: i64) -> Findings {
        if before.is_some_and(|before| before != counted) {
            self.found(Break::Before);
        }
        if let Some(checkpoint) = self.checkpoint.filter(|_| !self.met_checkpoint) {
            self.found(Break::Checkpoint(checkpoint.seal));
        }
        let newest = self.before.take();
        if newest.is_none() {
            self.found(Break::Missing(0));
        }
        Findings {
            sealed: newest.as_ref().map_or(0, |seal| seal.total) - before.unwrap_or_default(),
            waiting,
            before: counted,
            checkpoint: Checkpoint {
                seal: newest.as_ref().map_or(0, |seal| seal.number),
                chain: newest.map(|seal| seal.chain).unwrap_or_default(),
            },
            breaks: self.breaks,
        }
    }
}
