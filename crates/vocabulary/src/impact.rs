//! What an event does to data, to care and beyond the structure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ParseError, enumeration::enumeration};

/// The impacts of an event, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Impacts {
    /// What happened to data. Empty: not said.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub data: BTreeSet<DataImpact>,
    /// The nature of the data touched. Empty: not said.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub data_natures: BTreeSet<DataNature>,
    /// Number of persons whose data or care is touched, approximate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons_affected: Option<u32>,
    /// What happened to care.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care: Option<CareImpact>,
    /// How long care was or has been touched, in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care_duration_hours: Option<u32>,
    /// Mise en danger des patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_endangerment: Option<PatientEndangerment>,
    /// How far the event reaches beyond the structure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Other structures may be touched (art. D.1111-16-2 II, 5° CSP).
    pub may_affect_others: bool,
}

impl Impacts {
    /// Refuses impacts that contradict themselves: "none" or "unknown" said of
    /// data together with something else.
    pub fn consistent(self) -> Result<Self, ParseError> {
        if self.data.len() > 1 && self.data.iter().any(|word| word.is_exclusive()) {
            let why = "\"none\" and \"unknown\" exclude every other word";
            return Err(ParseError::new(DataImpact::WHAT, why));
        }
        Ok(self)
    }

    /// Whether something was touched, and not merely might be.
    pub fn has_happened(&self) -> bool {
        let data = self
            .data
            .iter()
            .any(|impact| !matches!(impact, DataImpact::None | DataImpact::Unknown));
        let care = matches!(
            self.care,
            Some(CareImpact::DegradedMode | CareImpact::Interruption)
        );
        data || care || self.patient_endangerment == Some(PatientEndangerment::Proven)
    }
}

enumeration! {
    DataImpact is "impact on data";
    /// What happened to data (impact sur les données).
    {
        /// Aucun. Excludes every other value.
        None = 1 => "none", "Aucun", "None";
        /// Perte ou indisponibilité.
        Unavailability = 2 => "unavailability", "Perte ou indisponibilité", "Loss or unavailability";
        /// Atteinte à l'intégrité.
        Integrity = 3 => "integrity", "Atteinte à l'intégrité", "Loss of integrity";
        /// Divulgation ou accès non autorisé.
        Disclosure = 4 => "disclosure", "Divulgation ou accès non autorisé", "Disclosure or unauthorised access";
        /// Not known yet. Excludes every other value.
        Unknown = 5 => "unknown", "Pas encore connu", "Not known yet";
    }
}

impl DataImpact {
    /// Whether it excludes every other value.
    pub const fn is_exclusive(self) -> bool {
        matches!(self, Self::None | Self::Unknown)
    }
}

enumeration! {
    DataNature is "nature of data";
    /// The nature of the data touched (nature des données).
    {
        /// Données de santé à caractère personnel.
        Health = 1 => "health", "Données de santé", "Health data";
        /// Other données à caractère personnel.
        Personal = 2 => "personal", "Autres données à caractère personnel", "Other personal data";
        /// Données techniques.
        Technical = 3 => "technical", "Données techniques", "Technical data";
        /// Données relatives au fonctionnement de la structure.
        Operational = 4 => "operational", "Données de fonctionnement de la structure", "Operational data";
    }
}

enumeration! {
    CareImpact is "impact on care";
    /// What happened to care and to the working of the structure (impact sur
    /// le fonctionnement).
    {
        /// Aucun.
        None = 1 => "none", "Aucun", "None";
        /// Fonctionnement en mode dégradé.
        DegradedMode = 2 => "degraded_mode", "Fonctionnement en mode dégradé", "Degraded mode";
        /// Interruption de la prise en charge.
        Interruption = 3 => "interruption", "Interruption de la prise en charge", "Interruption of care";
        /// Not known yet.
        Unknown = 4 => "unknown", "Pas encore connu", "Not known yet";
    }
}

impl CareImpact {
    /// Whether it is graver than what was said, which was perhaps nothing: an interruption
    /// is, than degraded mode, and either than none. Of a later release's word nobody knows.
    pub fn is_graver_than(self, said: Option<Self>) -> bool {
        match self {
            Self::Interruption => !matches!(said, Some(Self::Interruption | Self::Later(_))),
            Self::DegradedMode => matches!(said, None | Some(Self::None | Self::Unknown)),
            Self::None | Self::Unknown | Self::Later(_) => false,
        }
    }
}

enumeration! {
    PatientEndangerment is "endangerment of patients";
    /// Mise en danger des patients.
    {
        /// Aucune.
        None = 1 => "none", "Aucune", "None";
        /// Potentielle.
        Potential = 2 => "potential", "Potentielle", "Potential";
        /// Avérée.
        Proven = 3 => "proven", "Avérée", "Proven";
        /// Not known yet.
        Unknown = 4 => "unknown", "Pas encore connue", "Not known yet";
    }
}

enumeration! {
    Reach is "reach";
    /// How far an event reaches beyond the structure (retentissement, art.
    /// D.1111-16-2 II, 4° CSP).
    {
        /// The structure alone.
        Structure = 1 => "structure", "La structure seule", "The structure alone";
        /// Organisation of care of the department.
        Department = 2 => "department", "Départemental", "Department";
        /// Organisation of care of the region.
        Region = 3 => "region", "Régional", "Region";
        /// Organisation of care of the country.
        Country = 4 => "country", "National", "Country";
        /// Not known yet.
        Unknown = 5 => "unknown", "Pas encore connu", "Not known yet";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Word as _;

    fn touching(data: &[DataImpact]) -> Impacts {
        Impacts {
            data: data.iter().copied().collect(),
            ..Impacts::default()
        }
    }

    #[test]
    fn none_and_unknown_stand_alone() {
        assert!(touching(&[]).consistent().is_ok());
        assert!(touching(&[DataImpact::None]).consistent().is_ok());
        assert!(
            touching(&[DataImpact::Integrity, DataImpact::Disclosure])
                .consistent()
                .is_ok()
        );
        assert!(
            touching(&[DataImpact::None, DataImpact::Integrity])
                .consistent()
                .is_err()
        );
        assert!(
            touching(&[DataImpact::Unknown, DataImpact::Integrity])
                .consistent()
                .is_err()
        );
        assert!(
            touching(&[DataImpact::None, DataImpact::Unknown])
                .consistent()
                .is_err()
        );
    }

    #[test]
    fn what_might_be_touched_has_not_happened() {
        let feared = Impacts {
            patient_endangerment: Some(PatientEndangerment::Potential),
            care: Some(CareImpact::Unknown),
            reach: Some(Reach::Region),
            may_affect_others: true,
            ..touching(&[DataImpact::Unknown])
        };
        assert!(!feared.has_happened());
        assert!(touching(&[DataImpact::Disclosure]).has_happened());
        assert!(
            Impacts {
                care: Some(CareImpact::DegradedMode),
                ..Impacts::default()
            }
            .has_happened()
        );
    }

    #[test]
    fn an_interruption_is_graver_than_degraded_mode_and_either_than_nothing_known() {
        use CareImpact::{DegradedMode, Interruption};

        let said = [None, Some(CareImpact::None), Some(CareImpact::Unknown)];
        for said in said {
            assert!(Interruption.is_graver_than(said) && DegradedMode.is_graver_than(said));
        }
        assert!(Interruption.is_graver_than(Some(DegradedMode)));
        let later = CareImpact::stored("evacuation");
        for (care, said) in [
            (DegradedMode, DegradedMode),
            (DegradedMode, Interruption),
            (Interruption, Interruption),
            (Interruption, later),
            (later, CareImpact::None),
            (CareImpact::Unknown, CareImpact::None),
        ] {
            assert!(!care.is_graver_than(Some(said)), "{care} than {said}");
        }
    }

    #[test]
    fn impacts_are_read_without_the_fields_that_an_older_writer_left_out() {
        let impacts: Impacts = serde_json::from_str(r#"{"data":["integrity"]}"#).unwrap();
        assert_eq!(impacts, touching(&[DataImpact::Integrity]));
    }
}
