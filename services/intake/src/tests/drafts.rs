//! Drafts that are right, to be bent by the stories.

use platform::now;
use prost_types::Timestamp;
use proto::{
    intake::v1::{Contact, DeclarantCapacity, ReportDraft},
    types::v1::{
        CareImpact, DescribedStructure, Impacts, ReportKind, StructureIdentifier,
        structure_identifier::Identifier,
    },
};

/// A site of the test directory, in Auvergne-Rhône-Alpes (84).
pub(crate) const FLEYRIAT: &str = "010000024";
/// The legal entity of [`FLEYRIAT`].
pub(crate) const FLEYRIAT_ENTITY: &str = "010780054";
/// A site in Corse (94), never in the directory.
pub(crate) const CORSICAN: &str = "2A0000014";

/// A hospital of the armed forces, of the directory.
pub(crate) const ARMY: &str = "130786742";

/// An incident at a site of the directory, with nothing more than is required.
pub(crate) fn incident() -> ReportDraft {
    ReportDraft {
        kind: ReportKind::Incident.into(),
        structure: finess(FLEYRIAT),
        declarant: Some(martin()),
        capacity: DeclarantCapacity::Delegate.into(),
        found_at: Some(seconds_ago(3_600)),
        description: "Serveurs de fichiers chiffrés.".to_owned(),
        ..ReportDraft::default()
    }
}

/// An incident that touches care.
pub(crate) fn degraded() -> ReportDraft {
    let impacts = Impacts {
        care: CareImpact::DegradedMode.into(),
        ..Impacts::default()
    };
    ReportDraft {
        impacts: Some(impacts),
        ..incident()
    }
}

/// An incident that the agency of Auvergne-Rhône-Alpes (84) declares, where it is routed, and
/// that names Occitanie (76) too.
pub(crate) fn of_two_regions() -> ReportDraft {
    ReportDraft {
        structure: described("Hébergeur", ""),
        capacity: DeclarantCapacity::Agency.into(),
        regions: vec!["84".to_owned(), "76".to_owned()],
        ..incident()
    }
}

/// Somebody who declares.
pub(crate) fn martin() -> Contact {
    Contact {
        family_name: "Martin".to_owned(),
        email: "rssi@ch-exemple.fr".to_owned(),
        ..Contact::default()
    }
}

/// A structure with a FINESS.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the field of a message is an option"
)]
pub(crate) fn finess(number: &str) -> Option<StructureIdentifier> {
    Some(StructureIdentifier {
        identifier: Some(Identifier::Finess(number.to_owned())),
    })
}

/// A structure with a SIRET.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the field of a message is an option"
)]
pub(crate) fn siret(number: &str) -> Option<StructureIdentifier> {
    Some(StructureIdentifier {
        identifier: Some(Identifier::Siret(number.to_owned())),
    })
}

/// A professional with an RPPS.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the field of a message is an option"
)]
pub(crate) fn rpps(number: &str) -> Option<StructureIdentifier> {
    Some(StructureIdentifier {
        identifier: Some(Identifier::Rpps(number.to_owned())),
    })
}

/// A structure in words.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the field of a message is an option"
)]
pub(crate) fn described(name: &str, department: &str) -> Option<StructureIdentifier> {
    let described = DescribedStructure {
        name: name.to_owned(),
        department: department.to_owned(),
    };
    Some(StructureIdentifier {
        identifier: Some(Identifier::Described(described)),
    })
}

/// A moment that many seconds ago, or ahead when negative.
pub(crate) fn seconds_ago(seconds: i64) -> Timestamp {
    Timestamp {
        seconds: now().unix_timestamp() - seconds,
        nanos: 0,
    }
}
