//! A draft of the wire and the facts that it tells: read, shown and announced. A field of a
//! report has its line here, and its meaning in [`Facts`].

use std::collections::BTreeSet;

use platform::Violations;
use prost::Message as _;
use proto::{
    events::v1 as events,
    intake::v1 as pb,
    types::v1::{self as types, structure_identifier::Identifier},
};
use service::{
    Fields,
    wire::{self, timestamp},
};
use time::OffsetDateTime;
use vocabulary::{
    Capacity, DataImpact, Impacts, Origin, OriginType, Region, ReportKind, Tlp, Word as _, fold,
};

use super::{
    contacts,
    facts::{
        CLOCK_DRIFT, Contacts, Draft, EARLIEST, Facts, Label, MAX_DRAFT_BYTES, MAX_ORIGIN_TYPES,
        StructureIdentifier, needs_product, needs_vendor,
    },
};

/// Parses a draft and collects every violation; nothing when there is one.
pub(crate) fn read(
    wire: Option<pb::ReportDraft>,
    now: OffsetDateTime,
    violations: &mut Violations,
) -> Option<Draft> {
    let mut read = Fields::new("draft", violations);
    let Some(wire) = wire else {
        read.missing("");
        return None;
    };
    // Everything is read before anything is assembled, so that one answer
    // names every violation.
    if wire.declarant.is_none() {
        read.missing("declarant");
    }
    let mut contact =
        |field, wire: &Option<pb::Contact>| contacts::read(&mut read.within(field), wire.clone()?);
    let declarant = contact("declarant", &wire.declarant);
    let alternate = contact("alternate_contact", &wire.alternate_contact);
    let facts = facts(&mut read, wire, now);
    if !violations.is_empty() {
        return None;
    }
    let draft = Draft {
        facts: facts?,
        contacts: Contacts {
            declarant: declarant?,
            alternate,
        },
    };
    // Like the length of each text, that of all is judged after they are normalised.
    let normalised = to_wire(&draft.facts, Some(&draft.contacts));
    if normalised.encoded_len() > MAX_DRAFT_BYTES {
        let why = "l'ensemble des textes dépasse 56 Kio";
        Fields::new("draft", violations).refuse("", "TOO_LONG", why);
        return None;
    }
    Some(draft)
}

fn facts(read: &mut Fields<'_>, wire: pb::ReportDraft, now: OffsetDateTime) -> Option<Facts> {
    let kind = read.required_word::<ReportKind>("kind", wire.kind);
    let regions = regions(read, &wire.regions);
    let is_placed =
        wire.national || !wire.regions.is_empty() || wire.capacity == Capacity::Agency.number();
    let structure = identifier(read, wire.structure, is_placed);
    let structure_kind = read.word("structure_kind", wire.structure_kind);
    let operator_status = read.word("operator_status", wire.operator_status);
    let capacity = read.required_word::<Capacity>("capacity", wire.capacity);
    // A SIRET or an RPPS number tells no place.
    let needs_department = !is_placed
        && matches!(
            structure,
            Some(StructureIdentifier::Siret(_) | StructureIdentifier::Rpps(_))
        );
    let department = if needs_department {
        read.required_identifier("department", &wire.department)
    } else {
        read.identifier("department", &wire.department)
    };
    if wire.found_at.is_none() {
        read.missing("found_at");
    }
    let found_at = moment(read, "found_at", wire.found_at.as_ref());
    if found_at.is_some_and(|found_at| found_at > now + CLOCK_DRIFT) {
        read.refuse("found_at", "IN_FUTURE", "le constat est dans le futur");
    }
    let started_at = moment(read, "started_at", wire.started_at.as_ref());
    if started_at
        .zip(found_at)
        .is_some_and(|(start, found)| start > found)
    {
        let why = "le début est postérieur au constat";
        read.refuse("started_at", "CONFLICT", why);
    }
    let description = read.required_text("description", wire.description);
    let perimeter = read.text("perimeter", wire.perimeter);
    let systems = read.text("systems", wire.systems);
    let care_status = read.text("care_status", wire.care_status);
    let measures_taken = read.text("measures_taken", wire.measures_taken);
    let vendor = if kind.is_some_and(needs_vendor) {
        read.required_text("vendor", wire.vendor)
    } else {
        read.text("vendor", wire.vendor)
    };
    let product = if kind.is_some_and(needs_product) {
        read.required_text("product", wire.product)
    } else {
        read.text("product", wire.product)
    };
    let origin = read.word::<Origin>("origin", wire.origin);
    let origin_types = origin_types(read, &wire.origin_types, wire.origin, origin);
    let impacts = impacts(
        &mut read.within("impacts"),
        &wire.impacts.unwrap_or_default(),
    );
    let tlp = read
        .word::<Tlp>("tlp", wire.tlp)
        .unwrap_or(Tlp::AmberStrict);
    let cause_reference = read.identifier("cause_reference", &wire.cause_reference);
    Some(Facts {
        kind: kind?,
        structure: structure?,
        structure_kind,
        operator_status,
        capacity: capacity?,
        found_at: found_at?,
        started_at,
        description: description?,
        perimeter,
        systems,
        care_status,
        measures_taken,
        vendor,
        product,
        origin,
        origin_types,
        impacts,
        complaint_filed: wire.complaint_filed,
        cnil_notified: wire.cnil_notified,
        cross_border: wire.cross_border,
        assistance_requested: wire.assistance_requested,
        tlp,
        national: wire.national,
        department,
        regions,
        cause_reference,
    })
}

/// The regions that an agency or an importer names, each once.
fn regions(read: &mut Fields<'_>, wire: &[String]) -> Vec<Region> {
    if wire.len() > Region::ALL.len() {
        read.refuse("regions", "TOO_MANY", "au plus 18 régions");
        return Vec::new();
    }
    let mut regions = Vec::new();
    for (index, code) in wire.iter().enumerate() {
        let item = format!("regions[{index}]");
        match code.parse() {
            Ok(region) if regions.contains(&region) => {
                read.refuse(&item, "DUPLICATE", "cette valeur est répétée");
            }
            Ok(region) => regions.push(region),
            Err(_) => read.refuse(&item, "UNKNOWN_VALUE", "cette région n'existe pas"),
        }
    }
    regions
}

/// A moment since [`EARLIEST`].
pub(crate) fn moment(
    read: &mut Fields<'_>,
    field: &str,
    wire: Option<&prost_types::Timestamp>,
) -> Option<OffsetDateTime> {
    let moment = read.moment(field, wire)?;
    if moment < EARLIEST {
        read.refuse(field, "OUT_OF_RANGE", "au plus tôt le 1er janvier 2000");
    }
    Some(moment)
}

fn origin_types(
    read: &mut Fields<'_>,
    wire: &[i32],
    origin_number: i32,
    origin: Option<Origin>,
) -> BTreeSet<OriginType> {
    if wire.len() > MAX_ORIGIN_TYPES {
        read.refuse("origin_types", "TOO_MANY", "au plus 8 types");
        return BTreeSet::new();
    }
    if origin_number == 0 && !wire.is_empty() {
        read.refuse(
            "origin",
            "REQUIRED",
            "donner des types demande de dire l'origine",
        );
    }
    let types: BTreeSet<OriginType> = read.words("origin_types", wire);
    if let Some(origin) = origin {
        for (index, &number) in wire.iter().enumerate() {
            let found = OriginType::known(number);
            if found.is_some_and(|found| !found.fits(origin)) {
                read.refuse(
                    &format!("origin_types[{index}]"),
                    "CONFLICT",
                    "ce type ne va pas avec l'origine",
                );
            }
        }
    }
    types
}

fn impacts(read: &mut Fields<'_>, wire: &types::Impacts) -> Impacts {
    let data: BTreeSet<DataImpact> = read.words("data", &wire.data);
    if data.len() > 1 && data.iter().any(|word| word.is_exclusive()) {
        read.refuse(
            "data",
            "CONFLICT",
            "« aucun » et « inconnu » excluent toute autre valeur",
        );
    }
    Impacts {
        data,
        data_natures: read.words("data_natures", &wire.data_natures),
        persons_affected: wire.persons_affected,
        care: read.word("care", wire.care),
        care_duration_hours: wire.care_duration_hours,
        patient_endangerment: read.word("patient_endangerment", wire.patient_endangerment),
        reach: read.word("reach", wire.reach),
        may_affect_others: wire.may_affect_others,
    }
}

/// Reads how a draft names its structure; `is_placed` when it may do without a
/// department.
fn identifier(
    read: &mut Fields<'_>,
    wire: Option<types::StructureIdentifier>,
    is_placed: bool,
) -> Option<StructureIdentifier> {
    let Some(identifier) = wire.and_then(|wire| wire.identifier) else {
        read.missing("structure");
        return None;
    };
    let mut read = read.within("structure");
    match identifier {
        Identifier::Finess(text) => read
            .required_identifier("finess", &text)
            .map(StructureIdentifier::Finess),
        Identifier::Siret(text) => read
            .required_identifier("siret", &text)
            .map(StructureIdentifier::Siret),
        Identifier::Rpps(text) => read
            .required_identifier("rpps", &text)
            .map(StructureIdentifier::Rpps),
        Identifier::Described(wire) => {
            let mut read = read.within("described");
            let name: Option<Label> = read.required_text("name", wire.name);
            let department = if is_placed {
                read.identifier("department", &wire.department)
            } else {
                read.required_identifier("department", &wire.department)
            };
            let name = name?;
            if fold(name.as_str()).is_empty() {
                read.refuse("name", "BAD_FORMAT", "ce nom ne contient aucun mot");
            }
            Some(StructureIdentifier::Described { name, department })
        }
    }
}

/// How a structure is named, for the wire.
fn identifier_to_wire(identifier: &StructureIdentifier) -> types::StructureIdentifier {
    let identifier = match identifier {
        StructureIdentifier::Finess(finess) => Identifier::Finess(finess.to_string()),
        StructureIdentifier::Siret(siret) => Identifier::Siret(siret.to_string()),
        StructureIdentifier::Rpps(rpps) => Identifier::Rpps(rpps.to_string()),
        StructureIdentifier::Described { name, department } => {
            Identifier::Described(types::DescribedStructure {
                name: name.as_str().to_owned(),
                department: wire::shown(*department),
            })
        }
    };
    types::StructureIdentifier {
        identifier: Some(identifier),
    }
}

/// A draft for the wire; without contacts for who may not see them.
pub(crate) fn to_wire(facts: &Facts, contacts: Option<&Contacts>) -> pb::ReportDraft {
    let contacts = contacts.map(contacts::to_wire).unwrap_or_default();
    pb::ReportDraft {
        kind: facts.kind.number(),
        structure: Some(identifier_to_wire(&facts.structure)),
        structure_kind: proto::number(facts.structure_kind),
        operator_status: proto::number(facts.operator_status),
        declarant: contacts.declarant.map(contacts::shown),
        capacity: facts.capacity.number(),
        alternate_contact: contacts.alternate.map(contacts::shown),
        found_at: Some(timestamp(facts.found_at)),
        started_at: facts.started_at.map(timestamp),
        description: facts.description.as_str().to_owned(),
        perimeter: wire::text(facts.perimeter.as_ref()),
        systems: wire::text(facts.systems.as_ref()),
        care_status: wire::text(facts.care_status.as_ref()),
        measures_taken: wire::text(facts.measures_taken.as_ref()),
        vendor: wire::text(facts.vendor.as_ref()),
        product: wire::text(facts.product.as_ref()),
        origin: proto::number(facts.origin),
        origin_types: proto::numbers(&facts.origin_types),
        impacts: Some(types::Impacts::from(&facts.impacts)),
        complaint_filed: facts.complaint_filed,
        cnil_notified: facts.cnil_notified,
        cross_border: facts.cross_border,
        assistance_requested: facts.assistance_requested,
        tlp: facts.tlp.number(),
        national: facts.national,
        department: wire::shown(facts.department),
        regions: facts.regions.iter().map(ToString::to_string).collect(),
        cause_reference: wire::shown(facts.cause_reference.as_ref()),
    }
}

/// What the facts give to the announcement of their report.
pub(super) fn announced(facts: &Facts) -> events::ReportSubmitted {
    let draft = to_wire(facts, None);
    events::ReportSubmitted {
        kind: draft.kind,
        found_at: draft.found_at,
        started_at: draft.started_at,
        structure: Some(events::ReportedStructure {
            identifier: draft.structure,
            ..events::ReportedStructure::default()
        }),
        origin: draft.origin,
        origin_types: draft.origin_types,
        impacts: draft.impacts,
        text: Some(events::ReportText {
            description: draft.description,
            perimeter: draft.perimeter,
            systems: draft.systems,
            care_status: draft.care_status,
            measures_taken: draft.measures_taken,
            vendor: draft.vendor,
            product: draft.product,
        }),
        cross_border: draft.cross_border,
        assistance_requested: draft.assistance_requested,
        tlp: draft.tlp,
        cause_reference: draft.cause_reference,
        cnil_notified: draft.cnil_notified,
        ..events::ReportSubmitted::default()
    }
}
