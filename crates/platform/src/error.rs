//! The one error at the boundary of a service.

mod database;
mod library;
mod status;
mod violations;

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

pub(crate) use library::{Stage, complete, deadline_exceeded, unknown_method};
pub use violations::{Violation, Violations};

/// An error of any kind, kept for the log only.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What a fallible use case gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the few ways that mean something to a client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks the contract; the fields say how.
    #[error("invalid request: {0}")]
    Invalid(Violations),
    /// The named thing does not exist, or not for this caller.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The same key was used with another content, or the thing exists already.
    #[error("{0}")]
    AlreadyExists(Reason),
    /// The thing is not in a state that allows this.
    #[error("{0}")]
    FailedPrecondition(Reason),
    /// Somebody else changed the thing meanwhile: read it again and retry.
    #[error("{0}")]
    Aborted(Reason),
    /// The request asks for something outside what is kept.
    #[error("{0}")]
    OutOfRange(Reason),
    /// The caller did not prove who it is.
    #[error("{0}")]
    Unauthenticated(Reason),
    /// The caller is known and may not do this.
    #[error("{0}")]
    PermissionDenied(Reason),
    /// Too much at once; retry after the given time.
    #[error("{reason}")]
    Exhausted {
        /// What is exhausted.
        reason: Reason,
        /// When a retry has a chance.
        retry_after: Duration,
    },
    /// Something the service depends on is away; retry after the given time.
    #[error("{reason}")]
    Unavailable {
        /// What is away.
        reason: Reason,
        /// When a retry has a chance.
        retry_after: Duration,
        /// The true cause, for the log only.
        #[source]
        cause: Option<BoxError>,
    },
    /// Our fault: the client learns nothing, the log everything.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

/// A stable code for programs, with a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The code, in `UPPER_SNAKE_CASE`, as the contract documents it.
    pub code: &'static str,
    /// The sentence; it never carries personal data.
    pub message: Cow<'static, str>,
}

impl Reason {
    /// Joins a code and its sentence.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// How long a client waits before it retries when nothing better is known.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Error {
    /// One field that breaks the contract.
    pub fn invalid(
        field: impl Into<String>,
        reason: &'static str,
        description: impl Into<String>,
    ) -> Self {
        let mut violations = Violations::default();
        violations.add(field, reason, description);
        Self::Invalid(violations)
    }

    /// The thing exists already or its key was used for something else.
    pub fn already_exists(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::AlreadyExists(Reason::new(code, message))
    }

    /// The thing is in a state that does not allow this.
    pub fn failed_precondition(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::FailedPrecondition(Reason::new(code, message))
    }

    /// Somebody else was faster.
    pub fn aborted(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Aborted(Reason::new(code, message))
    }

    /// The request asks for something outside what is kept.
    pub fn out_of_range(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::OutOfRange(Reason::new(code, message))
    }

    /// The caller did not prove who it is.
    pub fn unauthenticated(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Unauthenticated(Reason::new(code, message))
    }

    /// The caller may not do this.
    pub fn permission_denied(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::PermissionDenied(Reason::new(code, message))
    }

    /// There is no room; a retry after `retry_after` has a chance.
    pub fn exhausted(
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        retry_after: Duration,
    ) -> Self {
        Self::Exhausted {
            reason: Reason::new(code, message),
            retry_after,
        }
    }

    /// Something the service depends on is away.
    pub fn unavailable(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Unavailable {
            reason: Reason::new(code, message),
            retry_after: RETRY_AFTER,
            cause: None,
        }
    }

    /// Our fault, with its cause.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::Internal(cause.into())
    }

    /// Whether the same call may succeed later without any change.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Aborted(_) | Self::Exhausted { .. } | Self::Unavailable { .. } => true,
            Self::Invalid(_)
            | Self::NotFound(_)
            | Self::AlreadyExists(_)
            | Self::FailedPrecondition(_)
            | Self::OutOfRange(_)
            | Self::Unauthenticated(_)
            | Self::PermissionDenied(_)
            | Self::Internal(_) => false,
        }
    }

    /// The code by which programs tell errors apart.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID",
            Self::NotFound(_) => "NOT_FOUND",
            Self::AlreadyExists(reason)
            | Self::FailedPrecondition(reason)
            | Self::Aborted(reason)
            | Self::OutOfRange(reason)
            | Self::Unauthenticated(reason)
            | Self::PermissionDenied(reason)
            | Self::Exhausted { reason, .. }
            | Self::Unavailable { reason, .. } => reason.code,
            Self::Internal(_) => "INTERNAL",
        }
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}
