//! What becomes of a declaration, decided in one place.

use platform::Caller;
use time::OffsetDateTime;
use vocabulary::{Channel, Region, propose_severity};

use super::{
    Consequences, Facts, Found, Refusal, Routing, Settings, Structure, channel_of, consequences,
};

/// What a decision depends on besides the declaration itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Who declares.
    pub(crate) caller: &'a Caller,
    /// The entries of the directory that bear the structure's number.
    pub(crate) entries: &'a [Structure],
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
    /// What the directory tells of its structure.
    pub(crate) found: Found,
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
    let regions = regions(facts, channel, context.caller)?;
    let found = Found::of(facts, context.entries, &regions);
    let routing = Routing::of(facts, &found, &regions, context.caller, channel)?;
    let severity = propose_severity(facts.kind, &facts.impacts);
    let consequences = consequences::of(
        facts,
        channel,
        &routing,
        severity,
        declared_at,
        context.now,
        context.settings,
    );
    Ok(Decision {
        channel,
        declared_at,
        found,
        routing,
        consequences,
    })
}

/// The regions that a declaration names. An agent's own serves where it tells no place.
fn regions(facts: &Facts, channel: Channel, caller: &Caller) -> Result<Vec<Region>, Refusal> {
    if facts.regions.is_empty() {
        let is_placed = facts.national || facts.department().is_some();
        let own = caller.region.filter(|_| !is_placed);
        return Ok(own
            .filter(|_| channel == Channel::Agency)
            .into_iter()
            .collect());
    }
    match channel {
        Channel::Declarant | Channel::Later(_) => Err(Refusal::RegionsNotYours),
        Channel::Agency | Channel::Import | Channel::Probe => Ok(facts.regions.clone()),
    }
}
