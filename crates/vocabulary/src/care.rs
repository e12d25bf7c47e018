//! What an incident does to care in a territory.

use crate::{CareImpact, enumeration::enumeration};

enumeration! {
    CareConsequenceKind is "kind of consequence for care";
    /// A kind of consequence for care in a territory (conséquence sur l'offre de soins).
    {
        /// Service fonctionnant en mode dégradé.
        ServiceDegraded = 1 => "service_degraded", "Service en mode dégradé", "Service in degraded mode";
        /// Service fermé.
        ServiceClosed = 2 => "service_closed", "Service fermé", "Service closed";
        /// Fermeture des urgences.
        EmergencyDepartmentClosed = 3 => "emergency_department_closed", "Urgences fermées", "Emergency department closed";
        /// Transferts de patients.
        PatientsTransferred = 4 => "patients_transferred", "Transferts de patients", "Patients transferred";
        /// Mesure prise sur le territoire.
        TerritorialMeasure = 5 => "territorial_measure", "Mesure sur le territoire", "Measure on the territory";
        /// Anything else.
        Other = 6 => "other", "Autre", "Other";
    }
}

impl CareConsequenceKind {
    /// The impact on care that it stands for: whatever an agency records disturbs care.
    pub fn impact(self) -> CareImpact {
        match self {
            Self::ServiceClosed | Self::EmergencyDepartmentClosed => CareImpact::Interruption,
            Self::ServiceDegraded
            | Self::PatientsTransferred
            | Self::TerritorialMeasure
            | Self::Other
            | Self::Later(_) => CareImpact::DegradedMode,
        }
    }

    /// Whether it is about one service, which has a name.
    pub fn names_a_service(self) -> bool {
        matches!(self, Self::ServiceDegraded | Self::ServiceClosed)
    }
}
