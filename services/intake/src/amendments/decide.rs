//! Who may amend a report, and what becomes of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use service::Sealed;
use vocabulary::{Party, ReportStage, Role, RoutingRegion};

use super::Revision;
use crate::reports::{self, Author, Context, Decision, Facts, Report, settle};

/// The number of the last revision that a report takes.
pub(crate) const MAX_REVISIONS: u64 = 100;

/// Why a report is not amended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller sees the report and is not among those who may amend it.
    NotYours,
    /// The report was withdrawn.
    Withdrawn,
    /// Its contacts are erased: nobody treats it any more.
    Erased,
    /// It changed since it was seen.
    EtagMismatch,
    /// It stands at a later stage.
    StagePassed,
    /// It was amended too often.
    TooManyRevisions,
}

/// What somebody wants of a report: to bring it to a stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    /// The parties of the caller.
    pub(super) own: &'a [String],
    /// The roles of the caller.
    pub(super) roles: &'a BTreeSet<Role>,
    /// The state that was seen; empty for any.
    pub(super) etag: &'a str,
    /// The stage to reach.
    pub(super) stage: ReportStage,
}

/// The role in which a caller may amend a report.
pub(super) fn admit(report: &Report, wish: &Wish<'_>) -> Result<Role, Refusal> {
    let role = role_of(report, wish).ok_or(Refusal::NotYours)?;
    if report.withdrawal.is_some() {
        return Err(Refusal::Withdrawn);
    }
    if report.contacts.is_none() {
        return Err(Refusal::Erased);
    }
    if !wish.etag.is_empty() && wish.etag != report.etag() {
        return Err(Refusal::EtagMismatch);
    }
    if wish.stage < report.stage() {
        return Err(Refusal::StagePassed);
    }
    if report.declared_revision() >= MAX_REVISIONS {
        return Err(Refusal::TooManyRevisions);
    }
    Ok(role)
}

/// Who declared it and the declarants of its structure amend it as such; else the agent of the
/// ARS where it is routed, on behalf of the structure. That of another region that it names
/// reads it.
fn role_of(report: &Report, wish: &Wish<'_>) -> Option<Role> {
    let seen_by = |fits: fn(&Report, &Party) -> bool| {
        let mut parties = report.seen_by(wish.own);
        parties.any(|party| fits(report, party))
    };
    let declares = seen_by(|_, party| matches!(party, Party::Subject(_) | Party::Structure(_)));
    let is_competent = seen_by(|report, party| match party {
        Party::Region(region) => report.routing_region == RoutingRegion::Region(*region),
        _ => false,
    });
    [
        (Role::Declarant, declares),
        (Role::RegionalAgent, is_competent),
    ]
    .into_iter()
    .find_map(|(role, may)| (may && wish.roles.contains(&role)).then_some(role))
}

/// Decides what becomes of a report that says this now, by the rules of a submission: as if who
/// declared it had said so at once. `context` tells who amends it, in that role.
pub(super) fn decide(
    report: &Report,
    facts: &Facts,
    role: Role,
    context: &Context<'_>,
) -> Result<Decision, reports::Refusal> {
    if role != Role::RegionalAgent && facts.regions != report.facts.regions {
        return Err(reports::Refusal::RegionsNotYours);
    }
    let declarant = declarant_of(report);
    let declared = Context {
        author: &declarant,
        ..*context
    };
    let mut decision = settle(facts, report.channel, report.declared_at, &declared)?;
    // What was sent since the declaration is known to the case, which tells what is owed.
    decision.consequences.owed = None;
    let territory = decision.routing.territory;
    if role == Role::RegionalAgent && territory != context.author.region {
        return Err(reports::Refusal::RegionNotYours);
    }
    Ok(decision)
}

/// Who declared a report, as far as the rules ask and the report tells: an agent of its region,
/// or somebody whose link to its structure was verified, or not.
pub(crate) fn declarant_of(report: &Report) -> Author {
    let mut author = Author {
        subject: String::new(),
        roles: BTreeSet::new(),
        region: match report.routing_region {
            RoutingRegion::Region(region) => Some(region),
            RoutingRegion::National | RoutingRegion::Synthetic => None,
        },
        structures: BTreeSet::new(),
        decided: report.structure.decided_link(),
    };
    if report.structure.link.is_verified() {
        author.structures.insert(report.structure.key.clone());
    }
    for party in &report.visible_to {
        match party {
            Party::Subject(subject) | Party::Importer(subject) => {
                author.subject.clone_from(subject);
            }
            Party::Structure(key) => {
                author.structures.insert(key.clone());
            }
            _ => {}
        }
    }
    author
}

/// The facts at rest after an amendment. `as_read` are those at rest as this release reads them
/// from the contract: what a later one wrote beside, at whatever depth, or in other words, is not
/// among what changes, and stays.
pub(crate) fn at_rest(mut stored: Value, as_read: &Facts, amended: &Facts) -> Value {
    change(&mut stored, &json!(as_read), &json!(amended));
    stored
}

/// Changes what is stored by what differs between two values of it. A member that an earlier
/// release did not store stays absent until something is said of it.
fn change(stored: &mut Value, before: &Value, after: &Value) {
    if let (Value::Object(stored), Value::Object(before), Value::Object(after)) =
        (&mut *stored, before, after)
    {
        for name in before.keys().filter(|&name| !after.contains_key(name)) {
            stored.remove(name);
        }
        for (name, value) in after {
            let was = before.get(name).unwrap_or(&Value::Null);
            match stored.get_mut(name) {
                Some(stored) => change(stored, was, value),
                None if was != value => {
                    stored.insert(name.clone(), value.clone());
                }
                None => {}
            }
        }
    } else if before != after {
        stored.clone_from(after);
    }
}

/// The report after an amendment. Parties are added and never taken away: who has seen a report
/// may have acted on it, was told of it and is told of its end; to him it cannot cease to exist.
pub(super) fn amended(
    report: &Report,
    facts: Facts,
    contacts: Sealed,
    decision: Decision,
    revision: Revision,
) -> Report {
    let routing = decision.routing;
    let visible_to = report.visible_to.union(&routing.visible_to);
    // Another reference is for the cell to look at.
    let is_same_cause = facts.cause_reference == report.facts.cause_reference;
    Report {
        facts,
        cause: report.cause.filter(|_| is_same_cause),
        contacts: Some(contacts),
        structure: routing.structure,
        routing_region: routing.region,
        visible_to: visible_to.cloned().collect(),
        revision: report.revision + 1,
        amendment: Some(revision),
        ..report.clone()
    }
}

#[cfg(test)]
mod tests;
