//! A declaration as its author fills it, parsed.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime, macros::datetime};
use vocabulary::{
    Capacity, Department, EmailAddress, Finess, Impacts, Line, OperatorStatus, Origin, OriginType,
    PhoneNumber, Reference, Region, ReportKind, Rpps, Siret, StructureKey, StructureKind,
    StructureName, Text, Tlp,
};

/// What happened.
pub(crate) type Description = Text<1, 10_000>;

/// A free field of the form.
pub(crate) type LongText = Text<1, 4_000>;

/// What a structure, a vendor, a product or an office is called.
pub(crate) type Label = Line<1, 200>;

/// The name of a person.
pub(crate) type PersonName = Line<1, 100>;

/// How far a declarant's clock may be ahead.
pub(crate) const CLOCK_DRIFT: Duration = Duration::minutes(5);

/// Nothing is declared that was found before.
pub(crate) const EARLIEST: OffsetDateTime = datetime!(2000-01-01 0:00 UTC);

/// The texts together fit the 64 KiB of an event, with room for the rest.
pub(crate) const MAX_DRAFT_BYTES: usize = 56 * 1024;

/// How many types of its origin a report has.
pub(crate) const MAX_ORIGIN_TYPES: usize = 8;

/// Whether reports of a kind name the vendor (prestataire or éditeur) that they are about.
pub(crate) fn needs_vendor(kind: ReportKind) -> bool {
    match kind {
        ReportKind::ProductVulnerability | ReportKind::VendorBadPractice => true,
        ReportKind::Incident | ReportKind::NearMiss | ReportKind::Threat | ReportKind::Later(_) => {
            false
        }
    }
}

/// Whether reports of a kind name the product that they are about.
pub(crate) fn needs_product(kind: ReportKind) -> bool {
    kind == ReportKind::ProductVulnerability
}

/// A declaration as its author fills it (projet de signalement).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// What is declared, without any person.
    pub(crate) facts: Facts,
    /// How to reach those who declare.
    pub(crate) contacts: Contacts,
}

/// What is declared, without any person: the annex of the arrêté of
/// 30 October 2017, as far as it is known at the moment of the discovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// What is reported.
    pub(crate) kind: ReportKind,
    /// The structure concerned.
    pub(crate) structure: StructureIdentifier,
    /// Its kind, as the declarant says.
    pub(crate) structure_kind: Option<StructureKind>,
    /// Its critical-operator status, as the declarant says.
    pub(crate) operator_status: Option<OperatorStatus>,
    /// By what right he declares.
    pub(crate) capacity: Capacity,
    /// Date du constat.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) found_at: OffsetDateTime,
    /// When it began, if known.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub(crate) started_at: Option<OffsetDateTime>,
    /// Description de l'incident.
    pub(crate) description: Description,
    /// Périmètre.
    pub(crate) perimeter: Option<LongText>,
    /// Systèmes d'information concernés.
    pub(crate) systems: Option<LongText>,
    /// État de la prise en charge.
    pub(crate) care_status: Option<LongText>,
    /// Mesures prises.
    pub(crate) measures_taken: Option<LongText>,
    /// Prestataire or éditeur en cause.
    pub(crate) vendor: Option<Label>,
    /// Produit en cause.
    pub(crate) product: Option<Label>,
    /// Where it comes from, if known.
    pub(crate) origin: Option<Origin>,
    /// Types of the origin; each fits it.
    pub(crate) origin_types: BTreeSet<OriginType>,
    /// The impacts, as far as they are known.
    pub(crate) impacts: Impacts,
    /// A complaint was filed (dépôt de plainte).
    pub(crate) complaint_filed: Option<bool>,
    /// The CNIL was notified.
    pub(crate) cnil_notified: Option<bool>,
    /// Other States may be touched (impact transfrontalier, art. 23(4)(a) of Directive (EU)
    /// 2022/2555).
    pub(crate) cross_border: Option<bool>,
    /// Accompaniment by the cell is asked for.
    pub(crate) assistance_requested: bool,
    /// Who may be told.
    pub(crate) tlp: Tlp,
    /// No single ARS is competent.
    pub(crate) national: bool,
    /// The department that the declarant gives beside a number.
    #[serde(default)]
    pub(crate) department: Option<Department>,
    /// The regions concerned, as an agency or an importer names them; the first leads.
    #[serde(default)]
    pub(crate) regions: Vec<Region>,
    /// The reference of a report of the same cause.
    #[serde(default)]
    pub(crate) cause_reference: Option<Reference>,
}

impl Facts {
    /// The department, as the identifier or else the declarant tells it.
    pub(crate) fn department(&self) -> Option<Department> {
        self.structure.department().or(self.department)
    }
}

/// How a declarant names the structure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StructureIdentifier {
    /// FINESS of the site (ET) or of the legal entity (EJ).
    Finess(Finess),
    /// SIRET.
    Siret(Siret),
    /// RPPS of a self-employed professional.
    Rpps(Rpps),
    /// In words, where there is no number.
    Described {
        /// Its name.
        name: Label,
        /// Its department; absent only for a national body.
        department: Option<Department>,
    },
}

impl StructureIdentifier {
    /// The key under which the structure is known to the suite.
    pub(crate) fn key(&self) -> StructureKey {
        match self {
            Self::Finess(finess) => StructureKey::Finess(*finess),
            Self::Siret(siret) => StructureKey::Siret(*siret),
            Self::Rpps(rpps) => StructureKey::Rpps(*rpps),
            Self::Described { name, department } => StructureKey::Described {
                name: StructureName::new(name.as_str()),
                department: *department,
            },
        }
    }

    /// The department that the identifier itself tells.
    pub(crate) fn department(&self) -> Option<Department> {
        match self {
            Self::Finess(finess) => finess.department(),
            Self::Described { department, .. } => *department,
            Self::Siret(_) | Self::Rpps(_) => None,
        }
    }
}

/// How to reach those who declare: personal data, sealed at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contacts {
    /// Déclarant.
    pub(crate) declarant: Contact,
    /// Another contact, when the declarant's own mail may be compromised.
    pub(crate) alternate: Option<Contact>,
}

/// How to reach a person; has an address or a telephone number.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    /// Nom.
    pub(crate) family_name: PersonName,
    /// Prénom.
    pub(crate) given_name: Option<PersonName>,
    /// Fonction.
    pub(crate) position: Option<Label>,
    /// Courriel.
    pub(crate) email: Option<EmailAddress>,
    /// Téléphone.
    pub(crate) phone: Option<PhoneNumber>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact([REDACTED])")
    }
}
