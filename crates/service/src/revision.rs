//! Revisions that grow over every history of a log.

use eventlog::Log;
use platform::Result;
use sqlx::PgConnection;

/// What the announced revisions of a service's subjects count on from: 0 in the first
/// history of its log, then the second of the reincarnation.
///
/// A restore brings revisions back below those that consumers have seen, and they let
/// the greatest win: in each later history the announced revisions begin above all that
/// the earlier ones can have reached, since no subject changes every second.
pub async fn revision_base(log: &Log, conn: &mut PgConnection) -> Result<u64> {
    let since = log.reincarnated_at(conn).await?;
    let base = since.and_then(|since| u64::try_from(since.unix_timestamp()).ok());
    Ok(base.unwrap_or_default())
}
