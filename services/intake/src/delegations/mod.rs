//! Delegations (délégations): the director of a structure has a named person declare for it,
//! until a moment (art. D.1111-16-3 CSP).

mod decide;
mod erase;
mod rpc;
mod store;

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Finess, Line, Role};

#[cfg(test)]
pub(crate) use self::erase::erase_ended;
pub(crate) use self::{
    erase::keep_delegates_erased,
    rpc::{DelegationRpc, acting, author},
};

/// The subject of the login of a delegate.
type DelegateSubject = Line<1, 255>;
/// The name of a delegate.
type DelegateName = Line<1, 100>;

/// A person declares for a structure, from a moment until another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Delegation {
    /// Derived from who granted it and his request.
    id: Uuid,
    /// The site.
    finess: Finess,
    /// Who the delegate is; absent once erased.
    delegate: Option<Delegate>,
    from: OffsetDateTime,
    /// That moment excluded.
    until: OffsetDateTime,
    granted_at: OffsetDateTime,
    granted_by: String,
    granted_as: Role,
    /// When it was ended before its time.
    ended_at: Option<OffsetDateTime>,
}

/// The person to whom a structure delegates.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Delegate {
    /// The subject of the login.
    subject: String,
    /// The name, sealed under a key of its own.
    name: service::Sealed,
}

impl Delegation {
    /// Whether a login is the delegate's.
    fn is_of(&self, subject: &str) -> bool {
        let delegate = self.delegate.as_ref();
        delegate.is_some_and(|delegate| delegate.subject == subject)
    }
}

/// Binds the sealed name to its delegation.
fn purpose(delegation_id: Uuid) -> Vec<u8> {
    [b"delegation:".as_slice(), delegation_id.as_bytes()].concat()
}

/// What the audit trail calls a delegation.
fn subject(delegation_id: Uuid) -> String {
    format!("delegation/{delegation_id}")
}
