//! What becomes of a declaration, decided in one place.

use platform::Caller;
use time::OffsetDateTime;
use vocabulary::{Channel, propose_severity};

use super::{Consequences, Facts, Refusal, Routing, Settings, Structure, channel_of, consequences};

/// What a decision depends on besides the declaration itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Who declares.
    pub(crate) caller: &'a Caller,
    /// The structure's entry in the directory, if it has one.
    pub(crate) entry: Option<&'a Structure>,
    /// What the installation says.
    pub(crate) settings: &'a Settings,
    /// The moment of the acknowledgement.
    pub(crate) now: OffsetDateTime,
}

/// What becomes of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// By which way it came.
    pub(crate) channel: Channel,
    /// When it was declared.
    pub(crate) declared_at: OffsetDateTime,
    /// Who is told of it.
    pub(crate) routing: Routing,
    /// What it sets off.
    pub(crate) consequences: Consequences,
}

/// Decides what becomes of a declaration.
pub(crate) fn decide(
    facts: &Facts,
    declared_at: Option<OffsetDateTime>,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let channel = channel_of(context.caller, facts.capacity, declared_at)?;
    let declared_at = declared_at.unwrap_or(context.now);
    let routing = Routing::of(facts, context.entry, context.caller, channel)?;
    let severity = propose_severity(facts.kind, &facts.impacts);
    let consequences = consequences::of(
        facts,
        channel,
        &routing,
        severity,
        declared_at,
        context.settings,
    );
    Ok(Decision {
        channel,
        declared_at,
        routing,
        consequences,
    })
}
