//! What went wrong, and the exit code that says it to programs.

use std::fmt;
use std::process::ExitCode;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::language::Language;

/// Why the command failed.
#[derive(Debug)]
pub enum Failure {
    /// The server refused or could not be reached.
    Refused(Box<Status>),
    /// What was typed or read cannot be used (exit code 2).
    Usage(String),
    /// A check found violations, already printed (exit code 3).
    Violations,
    /// Anything else on this machine (exit code 1).
    Local(anyhow::Error),
}

/// The exit code of a status: 3 invalid, 4 not found, 5 not allowed, 6 not in
/// this state, 7 try again later, 1 anything else.
fn code_of(code: Code) -> u8 {
    match code {
        Code::InvalidArgument | Code::OutOfRange => 3,
        Code::NotFound => 4,
        Code::Unauthenticated | Code::PermissionDenied => 5,
        Code::AlreadyExists | Code::FailedPrecondition | Code::Aborted => 6,
        Code::ResourceExhausted | Code::Unavailable | Code::DeadlineExceeded => 7,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => 1,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => f.write_str(&describe(status, Language::of_locale())),
            Self::Usage(why) => f.write_str(why),
            Self::Violations => Ok(()),
            Self::Local(error) => write!(f, "{error:#}"),
        }
    }
}

impl Failure {
    /// Says on standard error what went wrong; gives the exit code.
    pub(crate) fn report(&self, language: Language) -> ExitCode {
        match self {
            Self::Refused(status) => {
                eprintln!("vigie: {}", describe(status, language));
                for violation in status
                    .get_error_details()
                    .bad_request()
                    .iter()
                    .flat_map(|b| &b.field_violations)
                {
                    eprintln!("  {}: {}", violation.field, violation.description);
                }
                ExitCode::from(code_of(status.code()))
            }
            Self::Usage(why) => {
                eprintln!("vigie: {why}");
                ExitCode::from(2)
            }
            Self::Violations => ExitCode::from(3),
            Self::Local(error) => {
                eprintln!("vigie: {error:#}");
                ExitCode::from(1)
            }
        }
    }
}

fn describe(status: &Status, language: Language) -> String {
    let what = match status.code() {
        Code::InvalidArgument => language.pick("demande invalide", "invalid request"),
        Code::OutOfRange => language.pick("hors des limites", "out of range"),
        Code::NotFound => language.pick("introuvable", "not found"),
        Code::Unauthenticated => language.pick(
            "non identifié ; essayez « vigie login »",
            "not authenticated; try `vigie login`",
        ),
        Code::PermissionDenied => language.pick("non autorisé", "not allowed"),
        Code::AlreadyExists => language.pick("existe déjà", "already exists"),
        Code::FailedPrecondition => {
            language.pick("impossible dans cet état", "not possible in this state")
        }
        Code::Aborted => language.pick("modifié entre-temps", "changed meanwhile"),
        Code::ResourceExhausted => {
            language.pick("service saturé, réessayez", "service overloaded, try again")
        }
        Code::Unavailable => language.pick(
            "service injoignable, réessayez",
            "service unreachable, try again",
        ),
        Code::DeadlineExceeded => {
            language.pick("délai dépassé, réessayez", "deadline exceeded, try again")
        }
        _ => language.pick("erreur du service", "service error"),
    };
    let details = status.get_error_details();
    // What is wrong with each field is said below.
    if details.bad_request().is_some() {
        return what.to_owned();
    }
    match details.error_info() {
        Some(info) => format!("{what} ({}): {}", info.reason, status.message()),
        None => format!("{what}: {}", status.message()),
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Local(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Local(error.into())
    }
}
