//! The error as clients see it: the only mapping to gRPC.

use std::{collections::HashMap, error::Error as StdError, fmt::Write as _};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::{Error, Violations};

/// The domain of every reason, as the contract documents it.
const DOMAIN: &str = "vigie";

impl From<Error> for Status {
    /// Maps the error and logs what only we may know, once.
    fn from(error: Error) -> Self {
        log(&error);
        let mut details = ErrorDetails::new();
        details.set_error_info(error.code(), DOMAIN, HashMap::new());
        let (code, message) = match &error {
            Error::Invalid(violations) => {
                details.set_bad_request(fields(violations));
                (
                    Code::InvalidArgument,
                    "certains champs ne sont pas valides".to_owned(),
                )
            }
            Error::NotFound(what) => (Code::NotFound, not_found(what).to_owned()),
            Error::AlreadyExists(reason) => (Code::AlreadyExists, reason.message.to_string()),
            Error::FailedPrecondition(reason) => {
                (Code::FailedPrecondition, reason.message.to_string())
            }
            Error::Aborted(reason) => (Code::Aborted, reason.message.to_string()),
            Error::OutOfRange(reason) => (Code::OutOfRange, reason.message.to_string()),
            Error::Unauthenticated(reason) => (Code::Unauthenticated, reason.message.to_string()),
            Error::PermissionDenied(reason) => (Code::PermissionDenied, reason.message.to_string()),
            Error::Exhausted {
                reason,
                retry_after,
            } => {
                details.set_retry_info(Some(*retry_after));
                (Code::ResourceExhausted, reason.message.to_string())
            }
            Error::Unavailable {
                reason,
                retry_after,
                ..
            } => {
                details.set_retry_info(Some(*retry_after));
                (Code::Unavailable, reason.message.to_string())
            }
            Error::Internal(_) => (Code::Internal, "erreur interne".to_owned()),
        };
        Self::with_error_details(code, message, details)
    }
}

/// A status with a reason and no other details.
pub(super) fn with_reason(code: Code, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(code, message, details)
}

/// What a person reads of a thing that is not there, or not for this caller.
fn not_found(what: &str) -> &'static str {
    match what {
        "case" => "dossier introuvable",
        "consumer" => "consommateur introuvable",
        "delivery" => "envoi introuvable",
        "measure" => "mesure introuvable",
        "parked event" => "événement mis de côté introuvable",
        "report" => "signalement introuvable",
        "structure" => "structure introuvable",
        _ => "introuvable",
    }
}

fn fields(violations: &Violations) -> Vec<FieldViolation> {
    violations
        .iter()
        .map(|violation| FieldViolation {
            field: violation.field.clone(),
            description: violation.description.clone(),
            reason: violation.reason.to_owned(),
            localized_message: None,
        })
        .collect()
}

fn log(error: &Error) {
    match error {
        Error::Internal(_) => {
            tracing::error!(error.chain = chain(error), "a call failed by our fault");
        }
        // Without a cause nothing is away: we ourselves ask to be called again.
        Error::Unavailable {
            cause: None,
            reason,
            ..
        } => {
            tracing::debug!(error.reason = reason.code, "a call was sent elsewhere");
        }
        Error::Unavailable { .. } => {
            tracing::warn!(
                error.chain = chain(error),
                "a call failed for want of a dependency"
            );
        }
        Error::Aborted(reason) => tracing::debug!(error.reason = reason.code, "a call was aborted"),
        Error::Unauthenticated(reason) | Error::PermissionDenied(reason) => {
            tracing::info!(error.reason = reason.code, "a call was refused");
        }
        Error::Invalid(_)
        | Error::NotFound(_)
        | Error::AlreadyExists(_)
        | Error::FailedPrecondition(_)
        | Error::OutOfRange(_)
        | Error::Exhausted { .. } => {}
    }
}

/// The error and its causes in one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        write!(text, ": {cause}").expect("writing to a string never fails");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn field_violations_reach_the_client_with_their_reasons() {
        let status = Status::from(Error::invalid("report.title", "REQUIRED", "is required"));

        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().domain, "vigie");
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!(
            (
                violation.field.as_str(),
                violation.reason.as_str(),
                violation.description.as_str()
            ),
            ("report.title", "REQUIRED", "is required")
        );
    }

    #[test]
    fn a_refusal_names_its_reason_and_when_to_come_back() {
        let error = Error::exhausted("QUEUE_FULL", "too busy", Duration::from_millis(250));
        let status = Status::from(error);

        assert_eq!(status.code(), Code::ResourceExhausted);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, "QUEUE_FULL");
        assert_eq!(
            details.retry_info().unwrap().retry_delay,
            Some(Duration::from_millis(250))
        );
    }

    #[test]
    fn our_faults_tell_the_client_nothing() {
        let status = Status::from(Error::internal("password of the database is hunter2"));

        assert_eq!(status.code(), Code::Internal);
        assert_eq!(status.message(), "erreur interne");
        assert!(!String::from_utf8_lossy(status.details()).contains("hunter2"));
    }

    #[test]
    fn the_log_sees_the_whole_chain() {
        let error = Error::internal(sqlx::Error::Io(std::io::Error::other("broken pipe")));
        assert!(chain(&error).starts_with("internal error: "));
        assert!(chain(&error).contains("broken pipe"));
    }
}
