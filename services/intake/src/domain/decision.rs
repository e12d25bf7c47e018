//! What becomes of a declaration, decided in one place.

use platform::Caller;
use time::OffsetDateTime;
use vocabulary::{Channel, propose_severity};

use super::{
    Consequences, Facts, Refusal, Routing, Settings, Structure, channel_of, consequences,
};

/// What a decision depends on besides the declaration itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who declares.
    pub caller: &'a Caller,
    /// The structure's entry in the directory, if it has one.
    pub entry: Option<&'a Structure>,
    /// What the installation says.
    pub settings: &'a Settings,
    /// The moment of the acknowledgement.
    pub now: OffsetDateTime,
}

/// What becomes of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// By which way it came.
    pub channel: Channel,
    /// When it was declared.
    pub declared_at: OffsetDateTime,
    /// Who is told of it.
    pub routing: Routing,
    /// What it sets off.
    pub consequences: Consequences,
}

/// Decides what becomes of a declaration.
pub fn decide(
    facts: &Facts,
    declared_at: Option<OffsetDateTime>,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let channel = channel_of(context.caller, facts.capacity, declared_at)?;
    let declared_at = declared_at.unwrap_or(context.now);
    let routing = Routing::of(facts, context.entry, context.caller, channel)?;
    let severity = propose_severity(facts.kind, &facts.impacts);
    let consequences =
        consequences::of(facts, channel, &routing, severity, declared_at, context.settings);
    Ok(Decision { channel, declared_at, routing, consequences })
}
