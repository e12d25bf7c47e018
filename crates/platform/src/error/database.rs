//! What an error of PostgreSQL means to a client.

use std::{fmt, time::Duration};

use crate::{Error, Reason};

/// How long a client waits for a database that is away.
const RETRY_AFTER: Duration = Duration::from_secs(2);

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            // What a connection says that was cut in the middle of a word.
            | sqlx::Error::Protocol(_) => unavailable(error),
            sqlx::Error::Database(ref cause) => match cause.code().as_deref().unwrap_or_default() {
                // Serialization failure, deadlock, lock timeout.
                "40001" | "40P01" | "55P03" => Self::aborted(
                    "CONCURRENT_CHANGE",
                    "cet élément est en cours de modification ; réessayez",
                ),
                // The statement took longer than its session or its call allows.
                "57014" => away(
                    "STATEMENT_TIMEOUT",
                    "la base de données n'a pas répondu à temps ; réessayez",
                    error,
                ),
                // Connection failures, a full server, a server that stops or starts,
                // a primary that became a standby, a session ended for idling.
                code if code.starts_with("08")
                    || code.starts_with("53")
                    || code.starts_with("57P")
                    || code == "25006"
                    || code == "25P03" =>
                {
                    unavailable(error)
                }
                _ => Self::Internal(Box::new(Redacted(error))),
            },
            _ => Self::Internal(Box::new(Redacted(error))),
        }
    }
}

impl Error {
    /// The SQLSTATE with which the database refused, where that is our fault.
    pub fn sql_state(&self) -> Option<String> {
        let Self::Internal(cause) = self else {
            return None;
        };
        let Redacted(cause) = cause.downcast_ref()?;
        Some(cause.as_database_error()?.code()?.into_owned())
    }

    /// Whether a row was there and could not be read.
    pub fn is_unreadable_row(&self) -> bool {
        let Self::Internal(cause) = self else {
            return false;
        };
        matches!(
            cause.downcast_ref(),
            Some(Redacted(
                sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)
            ))
        )
    }
}

fn unavailable(error: sqlx::Error) -> Error {
    let message = "la base de données n'est pas disponible ; réessayez";
    away("DATABASE_UNAVAILABLE", message, error)
}

fn away(code: &'static str, message: &'static str, error: sqlx::Error) -> Error {
    Error::Unavailable {
        reason: Reason::new(code, message),
        retry_after: RETRY_AFTER,
        cause: Some(Box::new(Redacted(error))),
    }
}

/// An error of the database that never shows the values it complains about.
#[derive(thiserror::Error)]
#[error("{}", describe(.0))]
struct Redacted(sqlx::Error);

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redacted({self})")
    }
}

fn describe(error: &sqlx::Error) -> String {
    let sqlx::Error::Database(cause) = error else {
        return error.to_string();
    };
    let code = cause.code().unwrap_or_default();
    // The messages of class 22 (data exceptions) quote the value.
    let message = if code.starts_with("22") {
        "data exception"
    } else {
        cause.message()
    };
    let table = cause
        .table()
        .map(|table| format!(" on {table}"))
        .unwrap_or_default();
    let constraint = cause
        .constraint()
        .map(|name| format!(" by {name}"))
        .unwrap_or_default();
    format!("PostgreSQL {code}{table}{constraint}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_without_a_free_connection_is_worth_a_retry() {
        let error = Error::from(sqlx::Error::PoolTimedOut);
        assert!(error.retryable());
        assert_eq!(error.code(), "DATABASE_UNAVAILABLE");
    }

    #[test]
    fn an_answer_that_was_cut_off_is_worth_a_retry() {
        let error = Error::from(sqlx::Error::Protocol(
            "unexpected response: 0x00".to_owned(),
        ));
        assert!(error.retryable());
        assert_eq!(error.code(), "DATABASE_UNAVAILABLE");
    }

    #[test]
    fn a_missing_column_is_our_fault() {
        let error = Error::from(sqlx::Error::ColumnNotFound("x".to_owned()));
        assert!(!error.retryable());
        assert_eq!(error.code(), "INTERNAL");
    }
}
