//! The draft of a report, parsed.

use std::collections::BTreeSet;

use platform::Violations;
use prost::Message as _;
use proto::{intake::v1 as pb, types::v1 as types};
use service::Fields;
use time::{Duration, OffsetDateTime, macros::datetime};
use vocabulary::{
    Capacity, DataImpact, Department, Impacts, Origin, OriginType, Region, ReportKind, Tlp,
    Word as _, is_empty_text,
};

use super::{draft_out, identifier::identifier};
use crate::domain::{Contact, Contacts, Draft, Facts, StructureIdentifier};

/// How far a declarant's clock may be ahead.
const CLOCK_DRIFT: Duration = Duration::minutes(5);

/// Nothing is declared that was found before.
pub(super) const EARLIEST: OffsetDateTime = datetime!(2000-01-01 0:00 UTC);

/// The texts together fit the 64 KiB of an event, with room for the rest.
const MAX_DRAFT_BYTES: usize = 56 * 1024;

const MAX_ORIGIN_TYPES: usize = 8;

/// Parses a draft and collects every violation; nothing when there is one.
pub(super) fn draft(
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
    let contacts = contacts(
        &mut read,
        wire.declarant.clone(),
        wire.alternate_contact.clone(),
    );
    let facts = facts(&mut read, wire, now);
    if !violations.is_empty() {
        return None;
    }
    let draft = Draft {
        facts: facts?,
        contacts: contacts?,
    };
    // Like the length of each text, that of all is judged after they are normalised.
    let normalised = draft_out::to_wire(&draft.facts, Some(&draft.contacts));
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
    let department = department(
        read,
        &wire.department,
        structure.as_ref().filter(|_| !is_placed),
    );
    let found_at = found_at(read, wire.found_at.as_ref(), now);
    let started_at = started_at(read, wire.started_at.as_ref(), found_at);
    let description = read.required_text("description", wire.description);
    let perimeter = read.text("perimeter", wire.perimeter);
    let systems = read.text("systems", wire.systems);
    let care_status = read.text("care_status", wire.care_status);
    let measures_taken = read.text("measures_taken", wire.measures_taken);
    let (needs_vendor, needs_product) = match kind {
        Some(ReportKind::ProductVulnerability) => (true, true),
        Some(ReportKind::VendorBadPractice) => (true, false),
        Some(ReportKind::Incident | ReportKind::Later(_)) | None => (false, false),
    };
    let vendor = if needs_vendor {
        read.required_text("vendor", wire.vendor)
    } else {
        read.text("vendor", wire.vendor)
    };
    let product = if needs_product {
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
        assistance_requested: wire.assistance_requested,
        tlp,
        national: wire.national,
        department,
        regions,
    })
}

/// The department beside a number; required where `placed` has a number that tells
/// none.
fn department(
    read: &mut Fields<'_>,
    wire: &str,
    placed: Option<&StructureIdentifier>,
) -> Option<Department> {
    let silent = matches!(
        placed,
        Some(StructureIdentifier::Siret(_) | StructureIdentifier::Rpps(_))
    );
    if silent {
        read.required_identifier("department", wire)
    } else {
        read.identifier("department", wire)
    }
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

fn contacts(
    read: &mut Fields<'_>,
    declarant: Option<pb::Contact>,
    alternate: Option<pb::Contact>,
) -> Option<Contacts> {
    if declarant.is_none() {
        read.missing("declarant");
    }
    let declarant = declarant.map(|wire| contact(&mut read.within("declarant"), wire));
    let alternate = alternate.map(|wire| contact(&mut read.within("alternate_contact"), wire));
    Some(Contacts {
        declarant: declarant??,
        alternate: alternate.flatten(),
    })
}

fn contact(read: &mut Fields<'_>, wire: pb::Contact) -> Option<Contact> {
    if is_empty_text(&wire.email) && is_empty_text(&wire.phone) {
        read.refuse(
            "email",
            "REQUIRED",
            "une adresse électronique ou un numéro de téléphone est obligatoire",
        );
    }
    let family_name = read.required_text("family_name", wire.family_name);
    let given_name = read.text("given_name", wire.given_name);
    let position = read.text("position", wire.position);
    let email = read.identifier("email", &wire.email);
    let phone = read.identifier("phone", &wire.phone);
    Some(Contact {
        family_name: family_name?,
        given_name,
        position,
        email,
        phone,
    })
}

fn found_at(
    read: &mut Fields<'_>,
    wire: Option<&prost_types::Timestamp>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    if wire.is_none() {
        read.missing("found_at");
    }
    let found_at = read.moment("found_at", wire)?;
    if found_at > now + CLOCK_DRIFT {
        read.refuse("found_at", "IN_FUTURE", "le constat est dans le futur");
    }
    if found_at < EARLIEST {
        read.refuse(
            "found_at",
            "OUT_OF_RANGE",
            "au plus tôt le 1er janvier 2000",
        );
    }
    Some(found_at)
}

fn started_at(
    read: &mut Fields<'_>,
    wire: Option<&prost_types::Timestamp>,
    found_at: Option<OffsetDateTime>,
) -> Option<OffsetDateTime> {
    let started_at = read.moment("started_at", wire)?;
    if started_at < EARLIEST {
        read.refuse(
            "started_at",
            "OUT_OF_RANGE",
            "au plus tôt le 1er janvier 2000",
        );
    }
    if found_at.is_some_and(|found_at| started_at > found_at) {
        read.refuse(
            "started_at",
            "CONFLICT",
            "le début est postérieur au constat",
        );
    }
    Some(started_at)
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
    let exclusive = [DataImpact::None, DataImpact::Unknown];
    if data.len() > 1 && exclusive.iter().any(|word| data.contains(word)) {
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
