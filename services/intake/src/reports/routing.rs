//! Who is told of a report, and where it is counted.

use std::collections::BTreeSet;

use vocabulary::{
    Channel, DeclarantLink, Party, Region, RoutingRegion, StructureKey, StructureKind,
    has_health_impact,
};

use super::{
    Author, Facts, ReportedStructure, StructureIdentifier,
    decide::Refusal,
    found::{Found, is_placeholder},
};

/// Where a report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Routing {
    /// Where it is counted and which ARS is competent.
    pub(crate) region: RoutingRegion,
    /// The region of the structure, also of one that has its own chain.
    pub(crate) territory: Option<Region>,
    /// The other regions that the report names.
    pub(crate) other_regions: Vec<Region>,
    /// The structure as the directory and the declarant know it.
    pub(crate) structure: ReportedStructure,
    /// Who sees it.
    pub(crate) visible_to: BTreeSet<Party>,
}

impl Routing {
    /// Routes a report.
    ///
    /// The department leads, as the directory, the number or the declarant tells it,
    /// then the `regions` that the declaration names.
    pub(super) fn of(
        facts: &Facts,
        found: &Found,
        regions: &[Region],
        author: &Author,
        channel: Channel,
    ) -> Result<Self, Refusal> {
        // The word of a declarant that he is national takes no report from the agency
        // of a region that is known.
        let lead = leading(regions, author, channel).filter(|_| !facts.national);
        let territory = match found.department {
            Some(department) => department.region(),
            None if !facts.regions.is_empty() => lead,
            None => found.common_region().or(lead),
        };
        if channel == Channel::Agency && (territory.is_none() || territory != author.region) {
            return Err(Refusal::RegionNotYours);
        }
        let keys = keys(facts, found);
        let structure = structure(facts, found, author, channel, &keys);
        let region = match (channel, territory) {
            (Channel::Probe, _) => RoutingRegion::Synthetic,
            (_, Some(region)) => RoutingRegion::Region(region),
            (_, None) => RoutingRegion::National,
        };
        let others = regions.iter().copied();
        let mut routing = Self {
            region,
            territory,
            other_regions: others.filter(|&it| Some(it) != territory).collect(),
            structure,
            visible_to: BTreeSet::new(),
        };
        routing.visible_to = parties(facts, &routing, author, channel, keys);
        Ok(routing)
    }

    /// A hospital of the armed forces has its own chain (chaîne cyber du
    /// ministère des Armées), which informs the others as needed.
    pub(super) fn has_own_chain(&self) -> bool {
        self.structure.kind == Some(StructureKind::ArmedForcesHospital)
    }
}

/// The region that counts a report of which no department is known: the agent's own,
/// or the first that is named.
fn leading(regions: &[Region], author: &Author, channel: Channel) -> Option<Region> {
    let own = author.region.filter(|_| channel == Channel::Agency);
    own.filter(|own| regions.contains(own))
        .or(regions.first().copied())
}

/// Every key under which the structure may stand among a caller's own, the same by
/// whichever number it was declared: the directory's first, then its SIRET, the
/// declarant's and the legal entity's.
fn keys(facts: &Facts, found: &Found) -> Vec<StructureKey> {
    let declared = facts.structure.key();
    let Some(site) = &found.site else {
        return vec![declared];
    };
    let siret = site.siret.filter(|siret| !is_placeholder(siret));
    let mut keys = vec![site.key()];
    for key in siret.map(StructureKey::Siret).into_iter().chain([declared]) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.extend(site.legal_entity_key().filter(|key| !keys.contains(key)));
    keys
}

fn structure(
    facts: &Facts,
    found: &Found,
    author: &Author,
    channel: Channel,
    keys: &[StructureKey],
) -> ReportedStructure {
    let site = found.site.as_ref();
    // The cell and the agency of the region confirm links: their own entries need no other
    // confirmation.
    let is_verified = matches!(channel, Channel::Agency | Channel::Cell)
        || keys.iter().any(|key| author.structures.contains(key));
    let name = match (&facts.structure, site, found.candidates.first()) {
        (_, Some(site), _) => site.name.as_str().to_owned(),
        (StructureIdentifier::Described { name, .. }, _, _) => name.as_str().to_owned(),
        (StructureIdentifier::Finess(_), None, Some(of)) => {
            format!("Entité juridique dont relève {}", of.name.as_str())
        }
        _ => String::new(),
    };
    ReportedStructure {
        key: keys
            .first()
            .cloned()
            .unwrap_or_else(|| facts.structure.key()),
        name,
        kind: found.kind().or(facts.structure_kind.map(declared_kind)),
        department: found.department,
        town: site
            .and_then(|site| site.town.as_ref())
            .map(|town| town.as_str().to_owned()),
        // What is said of a site is not said of its entity.
        operator_status: site
            .and_then(|site| site.operator_status)
            .or(facts.operator_status),
        link: author.decided.unwrap_or(if is_verified {
            DeclarantLink::Verified
        } else {
            DeclarantLink::Unverified
        }),
    }
}

/// The kind of a structure that the directory does not know. That one is a hospital
/// of the armed forces the directory alone says: a wrong word of a declarant must not
/// keep his report from everybody else.
fn declared_kind(kind: StructureKind) -> StructureKind {
    match kind {
        StructureKind::ArmedForcesHospital => StructureKind::HealthFacility,
        other => other,
    }
}

fn parties(
    facts: &Facts,
    routing: &Routing,
    author: &Author,
    channel: Channel,
    keys: Vec<StructureKey>,
) -> BTreeSet<Party> {
    if channel == Channel::Probe {
        return BTreeSet::from([Party::Probe]);
    }
    let sender = match channel {
        Channel::Import => Party::Importer(author.subject.clone()),
        Channel::Declarant
        | Channel::Agency
        | Channel::Cell
        | Channel::Probe
        | Channel::Later(_) => Party::Subject(author.subject.clone()),
    };
    let mut parties = BTreeSet::from([sender]);
    if routing.structure.link.is_verified() && is_identified(facts) {
        parties.extend(keys.into_iter().map(Party::Structure));
    }
    let health_impact = has_health_impact(&facts.impacts);
    let own_chain = routing.has_own_chain();
    if own_chain {
        parties.insert(Party::ArmedForces);
    }
    if !own_chain || health_impact {
        parties.extend([Party::Cell, Party::SecurityOfficer]);
        let regions = routing.territory.into_iter();
        parties.extend(
            regions
                .chain(routing.other_regions.iter().copied())
                .map(Party::Region),
        );
    }
    if !own_chain && health_impact {
        parties.insert(Party::HealthAuthority);
    }
    parties
}

/// Whether the key of the structure stands for it alone: a name without a department is
/// borne by many, but for a national body.
fn is_identified(facts: &Facts) -> bool {
    match &facts.structure {
        StructureIdentifier::Described { department, .. } => department.is_some() || facts.national,
        StructureIdentifier::Siret(siret) => !is_placeholder(siret),
        StructureIdentifier::Finess(_) | StructureIdentifier::Rpps(_) => true,
    }
}
