//! Wrong variants and crash points, by which the fault runs prove that they can
//! fail.
//!
//! Only programs built with the feature `mutants` hold any of it; a release never
//! does. A process is the mutant that `VIGIE_MUTANT` names, and ends by itself at
//! its crash points as often as `VIGIE_CRASHES` says.

use std::{env, process, sync::OnceLock};

use sqlx::PgConnection;

/// A wrong variant of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Receipts leave before the commit.
    AcknowledgeBeforeCommit,
    /// The offset is committed before the effects.
    OffsetOutsideTransaction,
    /// Facts are committed before their events.
    EventsInASecondTransaction,
    /// The publisher leaves entries out, and consumers take what comes.
    IgnoreGaps,
    /// A report's id does not derive from the request.
    RetryWithoutTheKey,
    /// What a consumer creates has ids that no replay finds again.
    RandomIds,
    /// The head counts rows that were not inserted.
    HeadCountsAttempts,
    /// Commits are not flushed.
    CommitWithoutFlush,
    /// What a report said is not kept when it is amended.
    AmendWithoutTheRevision,
    /// What was answered may be answered again.
    AnswerTakenTwice,
    /// The steps of measures are not announced.
    MeasureUnannounced,
}

impl Mutant {
    /// Its name, as in `VIGIE_MUTANT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcknowledgeBeforeCommit => "acknowledge-before-commit",
            Self::OffsetOutsideTransaction => "offset-outside-transaction",
            Self::EventsInASecondTransaction => "events-in-a-second-transaction",
            Self::IgnoreGaps => "ignore-gaps",
            Self::RetryWithoutTheKey => "retry-without-the-key",
            Self::RandomIds => "random-ids",
            Self::HeadCountsAttempts => "head-counts-attempts",
            Self::CommitWithoutFlush => "commit-without-flush",
            Self::AmendWithoutTheRevision => "amend-without-the-revision",
            Self::AnswerTakenTwice => "answer-taken-twice",
            Self::MeasureUnannounced => "measure-unannounced",
        }
    }

    /// Whether this process is that mutant.
    pub fn is_alive(self) -> bool {
        static ALIVE: OnceLock<Option<String>> = OnceLock::new();
        ALIVE.get_or_init(|| variable("VIGIE_MUTANT")).as_deref() == Some(self.name())
    }
}

/// Ends the process, as SIGKILL would, once in so many times as `VIGIE_CRASHES`
/// says; never where it says nothing.
pub fn crash_point() {
    static ODDS: OnceLock<Option<u32>> = OnceLock::new();
    let odds = ODDS.get_or_init(|| variable("VIGIE_CRASHES")?.parse().ok());
    if odds.is_some_and(|odds| rand::random_ratio(1, odds.max(1))) {
        process::abort();
    }
}

/// Commits what a transaction did so far, and goes on in another one.
pub async fn cut(transaction: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("commit").execute(&mut *transaction).await?;
    crash_point();
    sqlx::raw_sql("begin").execute(transaction).await?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "no configuration names what no installation has"
)]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}
