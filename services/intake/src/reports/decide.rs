//! What becomes of a declaration, decided in one place.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use vocabulary::{Channel, Party, Region, Role, RoutingRegion, propose_severity};

use super::{
    Author, Facts, OnBehalf, Report, Settings,
    channel::channel_of,
    consequences::{self, Consequences},
    found::Found,
    routing::Routing,
};
use crate::structures::Structure;

/// What a decision depends on besides the declaration itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// Who declares.
    pub(crate) author: &'a Author,
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
pub(super) fn decide(
    facts: &Facts,
    declared_at: Option<OffsetDateTime>,
    on_behalf: Option<&OnBehalf>,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let channel = channel_of(context.author, facts.capacity, declared_at, on_behalf)?;
    if !facts.regions.is_empty() && matches!(channel, Channel::Declarant | Channel::Later(_)) {
        return Err(Refusal::RegionsNotYours);
    }
    let came_at = on_behalf.and_then(|it| it.received_at);
    let declared_at = came_at.or(declared_at).unwrap_or(context.now);
    settle(facts, channel, declared_at, context)
}

/// Decides what becomes of a declaration that came by a channel, as it was submitted or as it
/// is amended.
pub(crate) fn settle(
    facts: &Facts,
    channel: Channel,
    declared_at: OffsetDateTime,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let regions = regions(facts, channel, context.author);
    let found = Found::of(facts, context.entries, &regions);
    let routing = Routing::of(facts, &found, &regions, context.author, channel)?;
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
fn regions(facts: &Facts, channel: Channel, author: &Author) -> Vec<Region> {
    if !facts.regions.is_empty() {
        return facts.regions.clone();
    }
    let is_placed = facts.national || facts.department().is_some();
    let own = author.region.filter(|_| !is_placed);
    own.filter(|_| channel == Channel::Agency)
        .into_iter()
        .collect()
}

/// Whether a caller of these parties and roles may withdraw a report: who declared it, the
/// declarants of the structure, the agent of the ARS where it is routed, and an analyst what the
/// cell entered. The agent of another region that it names reads it.
pub(super) fn may_withdraw(report: &Report, own: &[String], roles: &BTreeSet<Role>) -> bool {
    report.seen_by(own).any(|party| match party {
        Party::Subject(_) | Party::Structure(_) | Party::Importer(_) | Party::Probe => true,
        Party::Region(region) => {
            roles.contains(&Role::RegionalAgent)
                && report.routing_region == RoutingRegion::Region(*region)
        }
        Party::Cell => report.channel == Channel::Cell && roles.contains(&Role::Analyst),
        Party::SecurityOfficer | Party::HealthAuthority | Party::ArmedForces | Party::Later(_) => {
            false
        }
    })
}

/// The role in which a caller of these parties and roles speaks for the structure of a report:
/// as one of its declarants, else on its behalf as the agent of the ARS where it is routed; a
/// test is spoken for by probers. The agent of another region that it names reads it.
pub(crate) fn acting_role(report: &Report, own: &[String], roles: &BTreeSet<Role>) -> Option<Role> {
    let speaks = report.seen_by(own).filter_map(|party| match party {
        Party::Subject(_) | Party::Structure(_) => Some(Role::Declarant),
        Party::Region(region) => {
            let is_competent = report.routing_region == RoutingRegion::Region(*region);
            is_competent.then_some(Role::RegionalAgent)
        }
        Party::Probe => Some(Role::Prober),
        Party::Cell
        | Party::SecurityOfficer
        | Party::HealthAuthority
        | Party::ArmedForces
        | Party::Importer(_)
        | Party::Later(_) => None,
    });
    speaks.filter(|role| roles.contains(role)).min()
}

/// What an author may not do, though the request is well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Only an importer gives a past date of declaration.
    BackDating,
    /// Only agents and analysts enter what others declare.
    OnBehalfNotYours,
    /// An analyst enters what others declare, and nothing else.
    OnBehalfRequired,
    /// An agent enters reports of his own region only.
    RegionNotYours,
    /// Only the cell, an agency and an importer name regions.
    RegionsNotYours,
    /// The capacity is not one of the author's roles.
    CapacityNotYours,
    /// The author sees the report and is not among those who may withdraw it.
    NotYoursToWithdraw,
    /// The report was withdrawn before.
    AlreadyWithdrawn,
    /// The report changed since it was seen.
    EtagMismatch,
}

impl Refusal {
    /// The field at fault, the machine-readable reason, and the French text.
    pub(super) fn told(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::BackDating => (
                "declared_at",
                "BACK_DATING",
                "seul un programme d'import peut donner une date de déclaration",
            ),
            Self::OnBehalfNotYours => (
                "on_behalf",
                "ON_BEHALF_NOT_YOURS",
                "seules la cellule et les agences saisissent un signalement pour le compte d'autrui",
            ),
            Self::OnBehalfRequired => (
                "on_behalf",
                "ON_BEHALF_REQUIRED",
                "la cellule saisit ce que d'autres déclarent : dites par quel moyen ils l'ont fait",
            ),
            Self::RegionNotYours => (
                "draft.structure",
                "REGION_NOT_YOURS",
                "la structure ne relève pas de votre région",
            ),
            Self::RegionsNotYours => (
                "draft.regions",
                "CONFLICT",
                "seuls la cellule, une agence et un programme d'import nomment des régions",
            ),
            Self::CapacityNotYours => (
                "draft.capacity",
                "CONFLICT",
                "votre rôle ne permet pas de déclarer à ce titre",
            ),
            Self::NotYoursToWithdraw => (
                "report_id",
                "NOT_YOURS_TO_WITHDRAW",
                "vous n'êtes pas de ceux qui peuvent retirer ce signalement",
            ),
            Self::AlreadyWithdrawn => (
                "report_id",
                "ALREADY_WITHDRAWN",
                "ce signalement a déjà été retiré",
            ),
            Self::EtagMismatch => (
                "etag",
                "ETAG_MISMATCH",
                "ce signalement a changé depuis que vous l'avez lu",
            ),
        }
    }
}
