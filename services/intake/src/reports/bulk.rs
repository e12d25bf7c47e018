//! Many reports on one stream: each goes through the batcher on its own and is answered as
//! soon as it is committed or refused.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt as _};
use platform::{Caller, Error, Result};
use proto::intake::v1::{
    SubmissionFailure, SubmitReportsRequest, SubmitReportsResponse,
    submit_reports_response::Outcome,
};
use tonic::{Code, Status, Streaming};

use super::{ReportRpc, response};

/// How many reports of one stream are on their way at once: a batch. Those of others still
/// find room in the queue.
const AT_ONCE: usize = 256;

/// What becomes of the reports of a stream.
pub(super) type Results = Pin<Box<dyn Stream<Item = Result<SubmitReportsResponse, Status>> + Send>>;

/// Submits every report of a stream. One whose answer nobody waits for any more is committed
/// all the same, and found again when it is sent again.
pub(super) fn submit_all(
    rpc: ReportRpc,
    caller: Caller,
    reports: Streaming<SubmitReportsRequest>,
) -> Results {
    let (rpc, caller) = (Arc::new(rpc), Arc::new(caller));
    let results = reports.enumerate().map(move |(index, sent)| {
        let (rpc, caller) = (Arc::clone(&rpc), Arc::clone(&caller));
        async move {
            let report = sent.map_err(unreadable)?.report.unwrap_or_default();
            let request_id = report.request_id.clone();
            let outcome = match rpc.submit(&caller, report).await {
                Ok(receipt) => Outcome::Receipt(receipt),
                Err(error) => Outcome::Failure(failure(error)),
            };
            Ok(SubmitReportsResponse {
                index: u64::try_from(index).unwrap_or(u64::MAX),
                request_id,
                outcome: Some(outcome),
            })
        }
    });
    Box::pin(results.buffer_unordered(AT_ONCE))
}

/// What the library says of a message that it cannot read, as a fault of the caller: among
/// answers it would pass for one of ours.
fn unreadable(status: Status) -> Status {
    match status.code() {
        Code::Internal | Code::InvalidArgument => {
            let why = "le message n'est pas celui que décrit le contrat";
            Error::invalid("", "MALFORMED_REQUEST", why).into()
        }
        _ => status,
    }
}

/// What `SubmitReport` would answer, as a message.
fn failure(error: Error) -> SubmissionFailure {
    let reason = error.code().to_owned();
    let violations = match &error {
        Error::Invalid(violations) => violations.iter().map(response::violation).collect(),
        _ => Vec::new(),
    };
    let retry_after = match &error {
        Error::Exhausted { retry_after, .. } | Error::Unavailable { retry_after, .. } => {
            prost_types::Duration::try_from(*retry_after).ok()
        }
        _ => None,
    };
    let status = Status::from(error);
    SubmissionFailure {
        code: status.code().into(),
        reason,
        description: status.message().to_owned(),
        violations,
        retry_after,
    }
}
