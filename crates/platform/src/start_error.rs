//! Why a service did not start or had to stop.

use crate::{ConfigError, error::BoxError};

/// Why a service did not start or had to stop: one line for the person who runs it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable of the environment is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something the service needs cannot be used; `what` names the variable or the thing.
    #[error("{what}: {cause}")]
    Unusable {
        /// The variable, file or address that cannot be used.
        what: String,
        /// The true cause.
        cause: BoxError,
    },
    /// The schema is older than the program.
    #[error("the database schema is not up to date: {0}; run the command `migrate` first")]
    NotMigrated(String),
    /// The contract gives an RPC no role, so nobody could be told whether to serve it.
    #[error("the contract names no role for {0}; the server refuses to start")]
    NoRole(String),
    /// A part of the service ended, panicked or did not stop in time.
    #[error("{0}")]
    Stopped(String),
}

impl StartError {
    /// Names the thing that cannot be used, with the true cause.
    pub fn unusable(what: impl Into<String>, cause: impl Into<BoxError>) -> Self {
        Self::Unusable {
            what: what.into(),
            cause: cause.into(),
        }
    }
}
