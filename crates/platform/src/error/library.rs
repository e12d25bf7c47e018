//! Completes the statuses that the gRPC library makes itself.
//!
//! It gives no reason, quotes itself, and blames the server for requests that it cannot
//! read.

use http::HeaderMap;
use tonic::{Code, Status};

use crate::Error;

use super::status::with_reason;

/// How far a call had come when the library ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The request was read or handled.
    Request {
        /// Whether its messages are compressed.
        is_compressed: bool,
    },
    /// The response was on its way.
    Response,
}

/// Gives the status of response headers or trailers a reason, where they carry an error
/// without one.
pub(crate) fn complete(headers: &mut HeaderMap, stage: Stage) {
    if headers.contains_key("grpc-status-details-bin") {
        return;
    }
    let code = match headers.get("grpc-status") {
        Some(status) => Code::from_bytes(status.as_bytes()),
        None => return,
    };
    if code != Code::Ok && status(code, stage).add_header(headers).is_err() {
        headers.insert("grpc-status", (code as i32).into());
    }
}

fn status(code: Code, stage: Stage) -> Status {
    let reason = |reason, message| with_reason(code, reason, message);
    match (code, stage) {
        (Code::Internal | Code::InvalidArgument, Stage::Request { .. }) => Error::invalid(
            "",
            "MALFORMED_REQUEST",
            "le message n'est pas celui que décrit le contrat",
        )
        .into(),
        (Code::OutOfRange, _) => {
            Error::out_of_range("MESSAGE_TOO_LARGE", "le message est trop grand").into()
        }
        (
            Code::Unimplemented,
            Stage::Request {
                is_compressed: true,
            },
        ) => reason(
            "UNSUPPORTED_COMPRESSION",
            "cette compression n'est pas acceptée",
        ),
        (Code::Unimplemented, _) => unknown_method(),
        (Code::DeadlineExceeded, _) => deadline_exceeded(),
        (Code::NotFound, _) => reason("NOT_FOUND", "introuvable"),
        (Code::Cancelled, _) => reason("CANCELLED", "l'appel a été annulé"),
        (Code::AlreadyExists, _) => reason("ALREADY_EXISTS", "cet élément existe déjà"),
        (Code::FailedPrecondition, _) => {
            reason("FAILED_PRECONDITION", "l'état ne permet pas cet appel")
        }
        (Code::Aborted, _) => reason("ABORTED", "l'appel a été interrompu ; réessayez"),
        (Code::Unauthenticated, _) => reason("UNAUTHENTICATED", "un jeton est requis"),
        (Code::PermissionDenied, _) => reason("PERMISSION_DENIED", "cet appel n'est pas permis"),
        (Code::ResourceExhausted, _) => {
            reason("RESOURCE_EXHAUSTED", "trop d'appels à la fois ; réessayez")
        }
        (Code::Unavailable, _) => reason("UNAVAILABLE", "le service n'est pas disponible"),
        (Code::Ok | Code::Unknown | Code::Internal | Code::InvalidArgument | Code::DataLoss, _) => {
            reason("INTERNAL", "erreur interne")
        }
    }
}

/// The refusal of a path that is not served.
pub(crate) fn unknown_method() -> Status {
    let message = "ce serveur n'offre pas cette méthode";
    with_reason(Code::Unimplemented, "UNKNOWN_METHOD", message)
}

/// The end of a call at its deadline.
pub(crate) fn deadline_exceeded() -> Status {
    let message = "l'appel a duré plus que son délai";
    with_reason(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message)
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    fn completed(status: &Status, stage: Stage) -> Status {
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        complete(&mut headers, stage);
        Status::from_header_map(&headers).unwrap()
    }

    #[test]
    fn every_error_of_the_library_gets_a_reason_and_loses_its_text() {
        for number in 1..=16 {
            for stage in [
                Stage::Request {
                    is_compressed: false,
                },
                Stage::Request {
                    is_compressed: true,
                },
                Stage::Response,
            ] {
                let bare = Status::new(Code::from_i32(number), "buffer underflow");
                let status = completed(&bare, stage);
                let details = status.get_error_details();
                let info = details.error_info().unwrap();
                assert_eq!(info.domain, "vigie");
                assert!(!info.reason.is_empty(), "{number}");
                assert!(!status.message().contains("buffer"), "{number}");
            }
        }
    }

    #[test]
    fn our_own_errors_and_successes_stay_as_they_are() {
        let own = Status::from(Error::aborted("ETAG_MISMATCH", "relisez"));
        let status = completed(&own, Stage::Response);
        assert_eq!(status.message(), "relisez");
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", 0.into());
        complete(&mut trailers, Stage::Response);
        assert_eq!(trailers.len(), 1);
    }
}
