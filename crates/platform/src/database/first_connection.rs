//! The connection that proves, before a pool is made, that PostgreSQL can be used.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep, timeout};

use crate::{BoxError, SecretSource, StartError};

/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after the first failed attempt; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Connects, and tries again for `at_most` while PostgreSQL cannot be reached.
///
/// A new Pod may start before the name of the database resolves or a network policy lets it
/// through. A refusal, such as a wrong password, is an error at once.
pub(super) async fn first_connection(
    options: &PgConnectOptions,
    source: &SecretSource,
    at_most: Duration,
) -> Result<PgConnection, StartError> {
    let last = Instant::now() + at_most;
    let mut pause = FIRST_PAUSE;
    loop {
        let (cause, is_unreachable): (BoxError, bool) =
            match timeout(ATTEMPT_TIMEOUT, PgConnection::connect_with(options)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(cause)) => {
                    let is_unreachable = is_unreachable(&cause);
                    (cause.into(), is_unreachable)
                }
                Err(_) => ("no answer within 10 s".into(), true),
            };
        if !is_unreachable || Instant::now() + pause > last {
            return Err(StartError::unusable(source.variable(), cause));
        }
        if pause == FIRST_PAUSE {
            tracing::warn!(
                config.variable = source.variable(),
                error.message = %cause,
                "PostgreSQL cannot be reached yet; the connection is tried again"
            );
        }
        sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Whether a later attempt may succeed without a change of the configuration.
fn is_unreachable(error: &sqlx::Error) -> bool {
    match error {
        // What a connection says that was cut in the middle of a word is a protocol error.
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(cause) => {
            // Connection failures, too many connections, a server that starts or stops.
            let code = cause.code().unwrap_or_default();
            ["08", "53", "57P"]
                .iter()
                .any(|class| code.starts_with(class))
        }
        _ => false,
    }
}
