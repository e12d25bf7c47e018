//! The checks of what the service needs to do its work.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::PgPool;
use tokio::sync::watch;

/// Holds the checks of what the service needs: it is ready when all of them pass.
///
/// A consumer is none of them: one that stopped takes no reading out of service. It shows
/// in `eventlog_consumer_stopped`.
#[derive(Debug, Clone)]
pub struct Readiness {
    checks: Arc<watch::Sender<Checks>>,
    pool: Option<PgPool>,
}

type Checks = BTreeMap<&'static str, Result<(), String>>;

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// The names of the checks that the server makes itself.
    pub(super) const DATABASE: &str = "database";
    pub(super) const ISSUER: &str = "issuer";

    /// A readiness without checks: ready.
    pub fn new() -> Self {
        Self {
            checks: Arc::new(watch::Sender::new(BTreeMap::new())),
            pool: None,
        }
    }

    /// Has the server check every second that the database can be written to.
    #[must_use]
    pub fn with_database(mut self, pool: PgPool) -> Self {
        self.pool = Some(pool);
        self.set(Self::DATABASE, Err("not checked yet".to_owned()));
        self
    }

    /// Notes how a check stands.
    pub fn set(&self, check: &'static str, state: Result<(), String>) {
        self.checks.send_if_modified(|checks| {
            let changed = checks.get(check) != Some(&state);
            checks.insert(check, state);
            changed
        });
    }

    /// The checks that are not well, with what they say.
    pub fn failing(&self) -> Vec<(&'static str, String)> {
        self.checks
            .borrow()
            .iter()
            .filter_map(|(check, state)| Some((*check, state.as_ref().err()?.clone())))
            .collect()
    }

    /// Every check, and whether it is well.
    pub(super) fn states(&self) -> Vec<(&'static str, bool)> {
        let checks = self.checks.borrow();
        checks
            .iter()
            .map(|(check, state)| (*check, state.is_ok()))
            .collect()
    }

    /// Wakes whoever waits when a check changes.
    pub(super) fn changes(&self) -> watch::Receiver<Checks> {
        self.checks.subscribe()
    }

    pub(super) fn pool(&self) -> Option<&PgPool> {
        self.pool.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failing_check_is_enough_and_is_named() {
        let readiness = Readiness::new();
        readiness.set("log", Ok(()));
        readiness.set(
            "consumer",
            Err("the log has another incarnation".to_owned()),
        );
        assert_eq!(
            readiness.failing(),
            [("consumer", "the log has another incarnation".to_owned())]
        );

        readiness.set("consumer", Ok(()));
        assert_eq!(readiness.failing(), []);
    }
}
