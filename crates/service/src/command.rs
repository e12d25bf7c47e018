//! Changes: done once, answered alike, audited, announced.

use aws_lc_rs::digest;
use eventlog::{Log, NewEvent, in_transaction};
use futures::{FutureExt as _, future::BoxFuture};
use platform::{
    AuditEntry, Caller, Claim, Error, Outcome, RequestKey, Result, SealingKey, Tasks, audit,
    claim_request, complete_request,
};
use prost::Message;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// The call of an RPC that changes something.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The RPC, as in `ClaimCase`.
    pub method: &'static str,
    /// The deed in the audit trail, as in `case.claim`.
    pub action: &'static str,
    /// The identifier of the thing that is changed.
    pub object: String,
    /// The identifier that the client made for the request.
    pub request_id: Uuid,
    /// Tells this request from another under the same id: see [`request_hash`].
    pub hash: Vec<u8>,
    /// When the call came.
    pub at: OffsetDateTime,
}

/// The hash of what a request asks for, parsed, however it was spelt. Its form holds
/// across releases: a request may be sent again to the next one.
pub fn request_hash(content: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, content).as_ref().to_vec()
}

/// A change that was made in the transaction of its call.
#[derive(Debug, Default)]
pub struct Done<A> {
    /// What a retry is answered with. It rests for 30 days: no personal data, and no
    /// text that rests elsewhere.
    pub answer: A,
    /// What the change announces.
    pub events: Vec<NewEvent>,
    /// What an auditor needs besides; never personal data.
    pub detail: Value,
}

/// Runs the changes of a service.
#[derive(Clone, Debug)]
pub struct Commands {
    /// Where the service keeps its tables.
    pub pool: PgPool,
    /// Where changes are announced.
    pub log: Log,
    /// Where changes run to their end though their client went away.
    pub tasks: Tasks,
    /// Keys the hashes of requests, where the service has them keyed.
    pub hash_key: Option<SealingKey>,
}

/// The work of a change, in the transaction of its call.
type Work<C, A> =
    for<'c> fn(&'c mut PgConnection, &'c Call, &'c C) -> BoxFuture<'c, Result<Done<A>>>;

impl Commands {
    /// Makes a change in one transaction with its request key, its audit entry and, last,
    /// its events; gives back what it answers, or what it answered before.
    ///
    /// The work may run several times, each time in a transaction of its own: after a
    /// lost connection it may meet what it did itself, which the request key tells. What
    /// is refused leaves its entry in the audit trail and nothing else.
    pub async fn run<C, A>(&self, call: Call, input: C, work: Work<C, A>) -> Result<A>
    where
        C: Send + Sync + 'static,
        A: Message + Default + 'static,
    {
        let commands = self.clone();
        let change = async move {
            let with = (&commands, &call, &input, work);
            let done = in_transaction(
                &commands.pool,
                &with,
                |conn, &(commands, call, input, work)| {
                    change(conn, commands, call, input, work).boxed()
                },
            )
            .await;
            match &done {
                Ok(_) => commands.log.committed(),
                Err(error) => record_refusal(&commands.pool, &call, error).await?,
            }
            done
        };
        self.tasks.finish(change).await
    }
}

async fn change<C, A: Message + Default>(
    conn: &mut PgConnection,
    commands: &Commands,
    call: &Call,
    input: &C,
    work: Work<C, A>,
) -> Result<A> {
    let key = RequestKey {
        caller: &call.caller,
        method: call.method,
        request_id: call.request_id,
    };
    let hash_key = commands.hash_key.as_ref();
    let claim = claim_request(conn, &key, &call.hash, hash_key, call.at).await?;
    if let Claim::Replay(answer) = claim {
        audit(conn, call.entry(Outcome::Done, json!({ "retry": true }))).await?;
        return A::decode(answer.as_slice()).map_err(Error::internal);
    }
    let done = work(conn, call, input).await?;
    audit(conn, call.entry(Outcome::Done, done.detail)).await?;
    complete_request(conn, &key, &done.answer.encode_to_vec()).await?;
    commands.log.append(conn, &done.events).await?;
    Ok(done.answer)
}

/// Leaves the entry of a change that was refused, in a transaction of its own: the
/// one of the change is gone, and the same request may be sent again.
async fn record_refusal(pool: &PgPool, call: &Call, error: &Error) -> Result<()> {
    let outcome = match error {
        Error::NotFound(_) => Outcome::NotVisible,
        Error::Unavailable { .. } | Error::Exhausted { .. } | Error::Internal(_) => return Ok(()),
        _ => Outcome::Refused,
    };
    let with = (call, outcome, error.code());
    in_transaction(pool, &with, |conn, &(call, outcome, code)| {
        audit(conn, call.entry(outcome, json!({ "reason": code }))).boxed()
    })
    .await
}

impl Call {
    fn entry(&self, outcome: Outcome, detail: Value) -> AuditEntry<'_> {
        AuditEntry {
            caller: &self.caller,
            action: self.action,
            object: &self.object,
            outcome,
            detail,
            at: self.at,
        }
    }
}
