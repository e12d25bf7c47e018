//! What a case is and how it changes: pure, without I/O or a clock.
//!
//! [`TRANSITIONS`] is the rule book (state × command × role); [`open`],
//! [`decide()`] and [`apply`] are its only readers.

mod case;
mod decide;
mod list;
#[cfg(test)]
mod properties;
mod transitions;
mod visibility;

pub(crate) use case::{Action, Actor, Case, Change, Closure, Report, Sealed, Triage};
pub(crate) use decide::{Command, Lessons, Note, Refusal, Scope, Withdrawal, apply, decide, open};
pub(crate) use list::{Key, ListFilter, Place};
pub(crate) use transitions::{TRANSITIONS, Trigger, next_state};
pub(crate) use visibility::{Parties, View};
