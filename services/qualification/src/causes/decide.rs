//! Which case may be attached to which.

use vocabulary::CaseState;

use crate::cases::{Case, Command, Note};

/// Why a case is not attached, or not detached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A case is not its own cause.
    OfItself,
    /// The other case is attached itself, or ended.
    NotAParent,
    /// Others are attached to the case: there is one level.
    HasChildren,
    /// The case is ended.
    WrongState(CaseState),
    /// A later release wrote what this one could not pass on.
    Ahead,
    /// The case is attached to none.
    NotAttached,
}

/// Decides whether a case may be attached to another, both held; `None` when it is already.
pub(super) fn attach(
    case: &Case,
    to: &Case,
    note: Option<&Note>,
) -> Result<Option<Command>, Refusal> {
    if case.id == to.id {
        return Err(Refusal::OfItself);
    }
    if !to.may_lead() {
        return Err(Refusal::NotAParent);
    }
    if case.parent == Some(to.id) {
        return Ok(None);
    }
    if case.is_ahead() {
        return Err(Refusal::Ahead);
    }
    if case.is_ended() {
        return Err(Refusal::WrongState(case.state));
    }
    if case.children > 0 {
        return Err(Refusal::HasChildren);
    }
    Ok(Some(Command::Attach {
        to: to.id,
        note: note.cloned(),
    }))
}

/// Decides whether a case may be detached.
pub(super) fn detach(case: &Case, note: Option<&Note>) -> Result<Command, Refusal> {
    if case.parent.is_none() {
        return Err(Refusal::NotAttached);
    }
    Ok(Command::Detach {
        note: note.cloned(),
    })
}
