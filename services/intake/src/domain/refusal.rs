//! What a caller may not do, though his request is well formed.

use platform::Error;

/// What a caller may not do, though his request is well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Only an importer gives a past date of declaration.
    BackDating,
    /// An agent enters reports of his own region only.
    RegionNotYours,
    /// Only an agency and an importer name regions.
    RegionsNotYours,
    /// The capacity is not one of the caller's roles.
    CapacityNotYours,
    /// The caller sees the report and is not among those who may withdraw it.
    NotYoursToWithdraw,
    /// The report was withdrawn before.
    AlreadyWithdrawn,
    /// The report changed since it was seen.
    EtagMismatch,
    /// Contacts are needed while a report is treated.
    TreatmentGoesOn,
}

impl Refusal {
    /// The field at fault, for an answer that lists violations.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::BackDating => "declared_at",
            Self::RegionNotYours => "draft.structure",
            Self::RegionsNotYours => "draft.regions",
            Self::CapacityNotYours => "draft.capacity",
            Self::NotYoursToWithdraw | Self::AlreadyWithdrawn | Self::TreatmentGoesOn => {
                "report_id"
            }
            Self::EtagMismatch => "etag",
        }
    }

    /// The machine-readable reason.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::BackDating => "BACK_DATING",
            Self::RegionNotYours => "REGION_NOT_YOURS",
            Self::RegionsNotYours | Self::CapacityNotYours => "CONFLICT",
            Self::NotYoursToWithdraw => "NOT_YOURS_TO_WITHDRAW",
            Self::AlreadyWithdrawn => "ALREADY_WITHDRAWN",
            Self::EtagMismatch => "ETAG_MISMATCH",
            Self::TreatmentGoesOn => "TREATMENT_GOES_ON",
        }
    }

    /// For people, in French.
    pub(crate) fn french(self) -> &'static str {
        match self {
            Self::BackDating => "seul un programme d'import peut donner une date de déclaration",
            Self::RegionNotYours => "la structure ne relève pas de votre région",
            Self::RegionsNotYours => {
                "seuls une agence et un programme d'import nomment des régions"
            }
            Self::CapacityNotYours => "votre rôle ne permet pas de déclarer à ce titre",
            Self::NotYoursToWithdraw => {
                "vous n'êtes pas de ceux qui peuvent retirer ce signalement"
            }
            Self::AlreadyWithdrawn => "ce signalement a déjà été retiré",
            Self::EtagMismatch => "ce signalement a changé depuis que vous l'avez lu",
            Self::TreatmentGoesOn => "ce signalement est encore en traitement",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BackDating | Refusal::RegionNotYours | Refusal::NotYoursToWithdraw => {
                Self::permission_denied(refusal.code(), refusal.french())
            }
            Refusal::RegionsNotYours | Refusal::CapacityNotYours => {
                Self::invalid(refusal.field(), refusal.code(), refusal.french())
            }
            Refusal::AlreadyWithdrawn | Refusal::TreatmentGoesOn => {
                Self::failed_precondition(refusal.code(), refusal.french())
            }
            Refusal::EtagMismatch => Self::aborted(refusal.code(), refusal.french()),
        }
    }
}
