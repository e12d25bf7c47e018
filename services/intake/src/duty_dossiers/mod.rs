//! Dossiers of parallel duties (« déclarer une seule fois »): what a report says, in the
//! order in which the authority of each duty asks for it. Nothing of it is kept.

mod decide;
mod rpc;
mod texts;

use time::OffsetDateTime;
use vocabulary::ParallelDuty;

pub(crate) use self::rpc::DutyDossierRpc;
use crate::form::Language;

/// A dossier.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dossier {
    duty: ParallelDuty,
    language: Language,
    /// Until when; absent where the text says « sans délai » or nothing.
    due_at: Option<OffsetDateTime>,
    /// The former is past.
    overdue: bool,
    /// The report says that it is done.
    done: bool,
    fields: Vec<Field>,
}

/// Something that the authority asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: &'static str,
    label: &'static str,
    /// The text that asks for it.
    legal_basis: &'static str,
    /// The fields of the report that tell it.
    sources: &'static [Source],
    /// What they say, if they say something.
    value: Option<String>,
}

/// A field of the report that tells something of what an authority asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Declarant,
    AlternateContact,
    StartedAt,
    Description,
    Perimeter,
    Systems,
    MeasuresTaken,
    Vendor,
    Product,
    Origin,
    OriginTypes,
    DataImpacts,
    DataNatures,
    PersonsAffected,
    Care,
    CareDuration,
    PatientEndangerment,
    Reach,
    MayAffectOthers,
    CrossBorder,
}

impl Source {
    /// Its path in a draft.
    fn path(self) -> &'static str {
        match self {
            Self::Declarant => "declarant",
            Self::AlternateContact => "alternate_contact",
            Self::StartedAt => "started_at",
            Self::Description => "description",
            Self::Perimeter => "perimeter",
            Self::Systems => "systems",
            Self::MeasuresTaken => "measures_taken",
            Self::Vendor => "vendor",
            Self::Product => "product",
            Self::Origin => "origin",
            Self::OriginTypes => "origin_types",
            Self::DataImpacts => "impacts.data",
            Self::DataNatures => "impacts.data_natures",
            Self::PersonsAffected => "impacts.persons_affected",
            Self::Care => "impacts.care",
            Self::CareDuration => "impacts.care_duration_hours",
            Self::PatientEndangerment => "impacts.patient_endangerment",
            Self::Reach => "impacts.reach",
            Self::MayAffectOthers => "impacts.may_affect_others",
            Self::CrossBorder => "cross_border",
        }
    }
}
