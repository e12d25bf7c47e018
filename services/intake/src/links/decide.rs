//! Who settles the structure of a report, and what becomes of the report.

use std::collections::BTreeSet;

use vocabulary::{Party, Role, RoutingRegion, StructureKey, StructureKind};

use super::LinkDecisionKind;
use crate::{
    amendments::{MAX_REVISIONS, declarant_of},
    reports::{
        self, Author, Context, Decision, Facts, Report, ReportedStructure, StructureIdentifier,
        settle,
    },
    structures::Structure,
};

/// Amendments leave room for these: nobody keeps a report from its structure by amending it.
const MAX_REVISIONS_OF_ALL: u64 = MAX_REVISIONS + 20;

/// Why nothing is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller sees the report and is not among those who decide.
    NotYours,
    /// The report was withdrawn.
    Withdrawn,
    /// Its contacts are erased, and with them the key of reasons.
    Erased,
    /// It changed since it was seen.
    EtagMismatch,
    /// It has as many revisions as a report takes.
    TooManyRevisions,
}

/// The role in which a caller decides: the cell, or the agent of the ARS where the report is
/// routed. An empty `etag` stands for any state. A hospital of the armed forces has its own
/// chain, from which nothing comes back: the cell alone attaches a report to such a `site`.
pub(super) fn admit(
    report: &Report,
    own: &[String],
    roles: &BTreeSet<Role>,
    etag: &str,
    site: Option<&Structure>,
) -> Result<Role, Refusal> {
    let has_own_chain = site.is_some_and(|it| it.kind == StructureKind::ArmedForcesHospital);
    let acting = report.seen_by(own).filter_map(|party| match party {
        Party::Cell => Some(Role::Analyst),
        Party::Region(region) => {
            let is_competent = report.routing_region == RoutingRegion::Region(*region);
            (is_competent && !has_own_chain).then_some(Role::RegionalAgent)
        }
        _ => None,
    });
    let role = acting.filter(|role| roles.contains(role)).min();
    let role = role.ok_or(Refusal::NotYours)?;
    if report.withdrawal.is_some() {
        return Err(Refusal::Withdrawn);
    }
    if report.contacts.is_none() {
        return Err(Refusal::Erased);
    }
    if !etag.is_empty() && etag != report.etag() {
        return Err(Refusal::EtagMismatch);
    }
    if report.declared_revision() >= MAX_REVISIONS_OF_ALL {
        return Err(Refusal::TooManyRevisions);
    }
    Ok(role)
}

/// Whether a report says already what is decided. An earlier release that runs beside this one
/// may have shown a report to its structure again after the link was rejected.
pub(super) fn is_settled(report: &Report, kind: LinkDecisionKind, facts: &Facts) -> bool {
    match kind {
        LinkDecisionKind::Confirmed => report.structure.link.is_verified(),
        LinkDecisionKind::Rejected => {
            let mut parties = report.visible_to.iter();
            let is_seen = parties.any(|party| matches!(party, Party::Structure(_)));
            kind.link() == Some(report.structure.link) && !is_seen
        }
        LinkDecisionKind::Attached => facts.structure == report.facts.structure,
    }
}

/// The report after a decision, but for its revision, and what it sets off; `site` is the one
/// to which it is attached, or nothing where its link is decided on.
pub(super) fn decided(
    report: &Report,
    kind: LinkDecisionKind,
    site: Option<&Structure>,
    context: &Context<'_>,
) -> Result<(Report, Decision), reports::Refusal> {
    let mut declarant = declarant_of(report);
    declarant.decided = kind.link();
    let facts = match site {
        None => report.facts.clone(),
        Some(site) => {
            // An agent may have entered it for what is another region's.
            declarant.region = site.region;
            declarant.structures.retain(|key| proves(report, key, site));
            Facts {
                structure: StructureIdentifier::Finess(site.finess),
                department: None,
                ..report.facts.clone()
            }
        }
    };
    let decision = settle_for(&declarant, &facts, report, context)?;
    let routing = decision.routing.clone();
    let after = match kind {
        LinkDecisionKind::Attached => Report {
            visible_to: visible_when_attached(report, &routing.visible_to),
            facts,
            structure: routing.structure,
            routing_region: routing.region,
            ..report.clone()
        },
        LinkDecisionKind::Confirmed | LinkDecisionKind::Rejected => Report {
            visible_to: visible_when_linked(report, kind, &routing.visible_to),
            structure: ReportedStructure {
                link: routing.structure.link,
                ..report.structure.clone()
            },
            ..report.clone()
        },
    };
    Ok((after, decision))
}

/// Whether a key by which the declarant's link to the structure of a report was verified also
/// verifies the link to another site: it is that site's own, or the legal entity's to which
/// alone the report was declared. What was decided of the link held for that structure.
fn proves(report: &Report, key: &StructureKey, site: &Structure) -> bool {
    let of_entity = site.legal_entity_key().as_ref() == Some(key) && report.structure.key == *key;
    report.structure.decided_link().is_none() && (*key == site.key() || of_entity)
}

fn settle_for(
    declarant: &Author,
    facts: &Facts,
    report: &Report,
    context: &Context<'_>,
) -> Result<Decision, reports::Refusal> {
    let context = Context {
        author: declarant,
        ..*context
    };
    settle(facts, report.channel, report.declared_at, &context)
}

/// Who sees an attached report: as if it had named its structure at first. Those whom only a
/// later release knows stay.
fn visible_when_attached(report: &Report, routed: &BTreeSet<Party>) -> BTreeSet<Party> {
    let later = report.visible_to.iter();
    let later = later.filter(|party| matches!(party, Party::Later(_)));
    routed.iter().chain(later).cloned().collect()
}

/// Who sees a report whose link is decided on: with the structure or without it.
fn visible_when_linked(
    report: &Report,
    kind: LinkDecisionKind,
    routed: &BTreeSet<Party>,
) -> BTreeSet<Party> {
    let is_structure = |party: &&Party| matches!(party, Party::Structure(_));
    let known = report.visible_to.iter();
    if kind == LinkDecisionKind::Rejected {
        return known.filter(|it| !is_structure(it)).cloned().collect();
    }
    let structure = routed.iter().filter(is_structure);
    known.chain(structure).cloned().collect()
}

/// Who saw a report before and sees it no more.
pub(super) fn losing(before: &Report, after: &Report) -> BTreeSet<Party> {
    let lost = before.visible_to.difference(&after.visible_to);
    lost.cloned().collect()
}

#[cfg(test)]
mod tests;
