//! Escalation (escalade, astreinte): who is called of what cannot wait, until somebody
//! acknowledges; who pilots a major incident, and what is decided on it.

mod calls;
mod decide;
mod events;
mod request;
mod response;
mod rota;
mod rpc;
mod store;

use std::fmt;

use service::Sealed;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{EmailAddress, Line, Role, Text, derived_id};

pub(crate) use self::{
    calls::{Calls, Escalations},
    decide::Hours,
    rpc::EscalationRpc,
};

/// What is decided.
type DecisionText = Text<1, 10_000>;

/// An escalation of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Escalation {
    /// Derived from the case and the change of it that asks for the escalation.
    id: Uuid,
    case_id: Uuid,
    /// Its place among the escalations of the case.
    number: u64,
    cause: Cause,
    state: State,
    begun_at: OffsetDateTime,
    /// When it ends at the latest.
    lapses_at: OffsetDateTime,
    /// The step that is taken next, from 1.
    next_step: i32,
    ended_at: Option<OffsetDateTime>,
    acknowledged_by: Option<Acknowledger>,
}

/// Why an escalation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The case is judged major (majeur).
    Major,
    /// The report came outside working hours.
    Report,
    /// Something that a later release escalates.
    Later,
}

/// Where an escalation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// People are called.
    Running,
    /// Somebody acknowledged.
    Acknowledged,
    /// Nobody did before working hours.
    Lapsed,
    /// Nobody did before the case ended.
    CaseEnded,
    /// Something that a later release does: it is shown and left alone.
    Later,
}

/// Who acknowledges an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Acknowledger {
    /// Somebody who is logged in.
    Person { role: Role, subject: String },
    /// The one whose link was opened, who was called at a step.
    Link(i32),
}

/// A call of an escalation, the name of who was called sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    escalation_id: Uuid,
    step: i32,
    called_at: OffsetDateTime,
    sealed_name: Vec<u8>,
    /// The key of the name; absent once erased.
    data_key: Option<Vec<u8>>,
}

impl Call {
    /// Its id, the same however often the step is tried.
    fn id(&self) -> Uuid {
        call_id(self.escalation_id, self.step)
    }
}

/// The id of the call of a step.
fn call_id(escalation_id: Uuid, step: i32) -> Uuid {
    let parts: [&[u8]; 2] = [escalation_id.as_bytes(), &step.to_be_bytes()];
    derived_id("escalation_call", &parts)
}

/// A shift of the rota (tour d'astreinte), its people sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shift {
    /// Its place in the rota.
    number: u64,
    starts_at: OffsetDateTime,
    ends_at: OffsetDateTime,
    people: Sealed,
}

/// Somebody on call. Its print shows nothing.
#[derive(Clone, PartialEq, Eq)]
struct Person {
    name: Line<1, 200>,
    email: EmailAddress,
    /// The subject of the person's token.
    subject: Option<Line<1, 200>>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person([REDACTED])")
    }
}

/// A decision of the FSSI on a case, its text sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decision {
    /// Derived from its author and the request.
    id: Uuid,
    case_id: Uuid,
    /// Its place among the decisions on the case.
    number: u64,
    recorded_by: String,
    recorded_at: OffsetDateTime,
    sealed_text: Vec<u8>,
}

impl Cause {
    /// The slug, as stored.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Report => "report",
            Self::Later => "later",
        }
    }

    /// The cause of a stored slug.
    fn stored(slug: &str) -> Self {
        let mut known = [Self::Major, Self::Report].into_iter();
        known
            .find(|cause| cause.as_str() == slug)
            .unwrap_or(Self::Later)
    }
}

impl State {
    /// The slug, as stored.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Acknowledged => "acknowledged",
            Self::Lapsed => "lapsed",
            Self::CaseEnded => "case_ended",
            Self::Later => "later",
        }
    }

    /// The state of a stored slug.
    fn stored(slug: &str) -> Self {
        let known = [
            Self::Running,
            Self::Acknowledged,
            Self::Lapsed,
            Self::CaseEnded,
        ];
        let mut known = known.into_iter();
        known
            .find(|state| state.as_str() == slug)
            .unwrap_or(Self::Later)
    }
}

/// Binds the sealed text to its decision.
fn decision_purpose(id: Uuid) -> Vec<u8> {
    [b"decision:".as_slice(), id.as_bytes()].concat()
}

/// Binds the sealed name to its call.
fn name_purpose(call_id: Uuid) -> Vec<u8> {
    [b"escalation_call:name:".as_slice(), call_id.as_bytes()].concat()
}

/// Binds the sealed people to the shift that starts at a moment.
fn people_purpose(starts_at: OffsetDateTime) -> Vec<u8> {
    let starts_at = starts_at.unix_timestamp_nanos().to_be_bytes();
    [b"rota:".as_slice(), &starts_at].concat()
}
