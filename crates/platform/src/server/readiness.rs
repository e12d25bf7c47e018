//! Whether the service can do its work now.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::PgPool;
use tokio::sync::watch;

/// The name of the check that the server makes itself.
const DATABASE: &str = "database";

/// Whether the service can do its work now: every check must be well.
#[derive(Debug, Clone)]
pub struct Readiness {
    checks: Arc<watch::Sender<BTreeMap<&'static str, Result<(), String>>>>,
    pool: Option<PgPool>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// A readiness without checks: ready.
    pub fn new() -> Self {
        Self { checks: Arc::new(watch::Sender::new(BTreeMap::new())), pool: None }
    }

    /// Has the server ask the database every second.
    #[must_use]
    pub fn with_database(mut self, pool: PgPool) -> Self {
        self.pool = Some(pool);
        self.set(DATABASE, Err("not asked yet".to_owned()));
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
}
