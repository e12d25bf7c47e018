//! The judgements of law on a report, as proposals to the cell.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::enumeration::enumeration;
use crate::{CareImpact, DataImpact, DataNature, Impacts, PatientEndangerment, Reach, ReportKind};

/// Judgements of law on a report (gravité).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Severity {
    /// Grave (art. D.1111-16-2 II CSP).
    pub serious: bool,
    /// Significatif (art. D.1111-16-2 III CSP).
    pub significant: bool,
    /// Majeur: a human decision of the cell or the FSSI.
    pub major: bool,
}

impl Severity {
    /// The gravest judgement that holds.
    pub const fn level(self) -> SeverityLevel {
        match self {
            Self { major: true, .. } => SeverityLevel::Major,
            Self {
                significant: true, ..
            } => SeverityLevel::Significant,
            Self { serious: true, .. } => SeverityLevel::Serious,
            Self { .. } => SeverityLevel::Ordinary,
        }
    }
}

enumeration! {
    SeverityLevel is "level of severity";
    /// How grave an incident is: the gravest judgement that holds of it.
    {
        /// Sans gravité: none of the judgements.
        Ordinary = 1 => "ordinary", "Sans gravité", "Ordinary";
        /// Grave (art. D.1111-16-2 II CSP).
        Serious = 2 => "serious", "Grave", "Serious";
        /// Significatif (art. D.1111-16-2 III CSP).
        Significant = 3 => "significant", "Significatif", "Significant";
        /// Majeur.
        Major = 4 => "major", "Majeur", "Major";
    }
}

enumeration! {
    SeverityReason is "reason of a severity";
    /// What makes an incident serious: an indent of art. D.1111-16-2 II CSP.
    {
        /// Sécurité des soins.
        SafetyOfCare = 1 => "safety_of_care", "Conséquences potentielles ou avérées sur la sécurité des soins", "Possible or proven consequences for the safety of care";
        /// Données de santé.
        HealthData = 2 => "health_data", "Conséquences sur la confidentialité ou l'intégrité de données de santé", "Consequences for the confidentiality or integrity of health data";
        /// Fonctionnement normal.
        NormalOperation = 3 => "normal_operation", "Atteinte au fonctionnement normal de la structure", "The normal operation of the structure is impaired";
        /// Organisation du système de santé.
        OrganisationOfCare = 4 => "organisation_of_care", "Retentissement sur l'organisation départementale, régionale ou nationale du système de santé", "Effects on the organisation of care of the department, the region or the country";
        /// Autres structures.
        OtherStructures = 5 => "other_structures", "Susceptible de toucher d'autres structures", "Other structures may be touched";
    }
}

impl SeverityReason {
    /// The text of law behind it; none for one of a later release.
    pub const fn legal_basis(self) -> Option<&'static str> {
        match self {
            Self::SafetyOfCare => Some("Art. D.1111-16-2 II, 1° CSP"),
            Self::HealthData => Some("Art. D.1111-16-2 II, 2° CSP"),
            Self::NormalOperation => Some("Art. D.1111-16-2 II, 3° CSP"),
            Self::OrganisationOfCare => Some("Art. D.1111-16-2 II, 4° et III CSP"),
            Self::OtherStructures => Some("Art. D.1111-16-2 II, 5° et III CSP"),
            Self::Later(_) => None,
        }
    }

    /// Whether it makes the incident significant too (III of the same article).
    const fn is_significant(self) -> bool {
        matches!(self, Self::OrganisationOfCare | Self::OtherStructures)
    }
}

/// Proposes the severity of a report from what is said of its impacts.
///
/// Serious: any of the five indents of art. D.1111-16-2 II CSP. Significant:
/// the fourth or the fifth (III of the same article). Major is never proposed:
/// a person decides it.
pub fn propose_severity(kind: ReportKind, impacts: &Impacts) -> Severity {
    let reasons = severity_reasons(kind, impacts);
    Severity {
        serious: !reasons.is_empty(),
        significant: reasons.iter().any(|reason| reason.is_significant()),
        major: false,
    }
}

/// The reasons for the severity that is proposed for a report. Only what is said counts, and
/// only of incidents, of near misses and of threats.
pub fn severity_reasons(kind: ReportKind, impacts: &Impacts) -> BTreeSet<SeverityReason> {
    match kind {
        ReportKind::Incident | ReportKind::NearMiss | ReportKind::Threat => {}
        ReportKind::ProductVulnerability | ReportKind::VendorBadPractice | ReportKind::Later(_) => {
            return BTreeSet::new();
        }
    }
    let health_data = impacts.data_natures.contains(&DataNature::Health)
        && (impacts.data.contains(&DataImpact::Integrity)
            || impacts.data.contains(&DataImpact::Disclosure));
    let organisation_of_care = matches!(
        impacts.reach,
        Some(Reach::Department | Reach::Region | Reach::Country)
    );
    [
        (SeverityReason::SafetyOfCare, endangers_patients(impacts)),
        (SeverityReason::HealthData, health_data),
        (SeverityReason::NormalOperation, disturbs_care(impacts)),
        (SeverityReason::OrganisationOfCare, organisation_of_care),
        (SeverityReason::OtherStructures, impacts.may_affect_others),
    ]
    .into_iter()
    .filter_map(|(reason, holds)| holds.then_some(reason))
    .collect()
}

/// Whether the DGS and the ARS must be told of a direct or indirect health
/// impact, "particularly in the event of a malfunction in the provision of
/// healthcare" (art. D.1111-16-3 CSP).
pub fn has_health_impact(impacts: &Impacts) -> bool {
    endangers_patients(impacts) || disturbs_care(impacts)
}

fn endangers_patients(impacts: &Impacts) -> bool {
    matches!(
        impacts.patient_endangerment,
        Some(PatientEndangerment::Potential | PatientEndangerment::Proven)
    )
}

fn disturbs_care(impacts: &Impacts) -> bool {
    matches!(
        impacts.care,
        Some(CareImpact::DegradedMode | CareImpact::Interruption)
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SERIOUS: Severity = Severity {
        serious: true,
        significant: false,
        major: false,
    };
    const SIGNIFICANT: Severity = Severity {
        serious: true,
        significant: true,
        major: false,
    };

    fn nothing() -> Impacts {
        Impacts::default()
    }

    #[rstest]
    #[case::potential_danger(Impacts { patient_endangerment: Some(PatientEndangerment::Potential), ..nothing() }, SERIOUS)]
    #[case::proven_danger(Impacts { patient_endangerment: Some(PatientEndangerment::Proven), ..nothing() }, SERIOUS)]
    #[case::no_danger(Impacts { patient_endangerment: Some(PatientEndangerment::None), ..nothing() }, Severity::default())]
    #[case::degraded_mode(Impacts { care: Some(CareImpact::DegradedMode), ..nothing() }, SERIOUS)]
    #[case::interruption(Impacts { care: Some(CareImpact::Interruption), ..nothing() }, SERIOUS)]
    #[case::care_unknown(Impacts { care: Some(CareImpact::Unknown), ..nothing() }, Severity::default())]
    #[case::structure_alone(Impacts { reach: Some(Reach::Structure), ..nothing() }, Severity::default())]
    #[case::department(Impacts { reach: Some(Reach::Department), ..nothing() }, SIGNIFICANT)]
    #[case::country(Impacts { reach: Some(Reach::Country), ..nothing() }, SIGNIFICANT)]
    #[case::others(Impacts { may_affect_others: true, ..nothing() }, SIGNIFICANT)]
    #[case::nothing_said(nothing(), Severity::default())]
    fn each_indent_of_the_article_weighs_as_the_law_says(
        #[case] impacts: Impacts,
        #[case] expected: Severity,
    ) {
        for kind in [
            ReportKind::Incident,
            ReportKind::NearMiss,
            ReportKind::Threat,
        ] {
            assert_eq!(propose_severity(kind, &impacts), expected, "{kind}");
        }
    }

    #[rstest]
    #[case(DataImpact::Integrity, DataNature::Health, true)]
    #[case(DataImpact::Disclosure, DataNature::Health, true)]
    #[case(DataImpact::Unavailability, DataNature::Health, false)]
    #[case(DataImpact::Disclosure, DataNature::Personal, false)]
    fn health_data_disclosed_or_altered_is_serious(
        #[case] data: DataImpact,
        #[case] nature: DataNature,
        #[case] serious: bool,
    ) {
        let impacts = Impacts {
            data: [data].into(),
            data_natures: [nature].into(),
            ..nothing()
        };
        assert_eq!(
            propose_severity(ReportKind::Incident, &impacts).serious,
            serious
        );
    }

    #[rstest]
    fn a_vulnerability_or_a_bad_practice_is_no_incident(
        #[values(ReportKind::ProductVulnerability, ReportKind::VendorBadPractice)] kind: ReportKind,
    ) {
        let impacts = Impacts {
            may_affect_others: true,
            ..nothing()
        };
        assert_eq!(propose_severity(kind, &impacts), Severity::default());
    }

    #[rstest]
    fn a_near_miss_or_a_threat_is_not_serious_unless_its_impacts_say_so(
        #[values(ReportKind::NearMiss, ReportKind::Threat)] kind: ReportKind,
    ) {
        assert_eq!(propose_severity(kind, &nothing()), Severity::default());
        let unknown = Impacts {
            data: [DataImpact::Unknown].into(),
            data_natures: [DataNature::Health].into(),
            care: Some(CareImpact::Unknown),
            patient_endangerment: Some(PatientEndangerment::Unknown),
            reach: Some(Reach::Unknown),
            ..nothing()
        };
        assert_eq!(propose_severity(kind, &unknown), Severity::default());
    }

    #[test]
    fn each_reason_is_told_with_its_indent() {
        let worst = Impacts {
            data: [DataImpact::Disclosure].into(),
            data_natures: [DataNature::Health].into(),
            care: Some(CareImpact::Interruption),
            patient_endangerment: Some(PatientEndangerment::Proven),
            reach: Some(Reach::Region),
            may_affect_others: true,
            ..nothing()
        };
        let reasons = severity_reasons(ReportKind::Incident, &worst);
        assert!(reasons.iter().eq(SeverityReason::ALL));
        for (reason, indent) in reasons.iter().zip(["1°", "2°", "3°", "4°", "5°"]) {
            assert!(reason.legal_basis().unwrap().contains(indent), "{reason}");
        }
        let degraded = Impacts {
            care: Some(CareImpact::DegradedMode),
            ..nothing()
        };
        assert_eq!(
            severity_reasons(ReportKind::Threat, &degraded),
            [SeverityReason::NormalOperation].into()
        );
        assert!(severity_reasons(ReportKind::VendorBadPractice, &worst).is_empty());
    }

    #[test]
    fn the_worst_event_is_still_not_major_without_a_person() {
        let impacts = Impacts {
            care: Some(CareImpact::Interruption),
            patient_endangerment: Some(PatientEndangerment::Proven),
            reach: Some(Reach::Country),
            may_affect_others: true,
            ..nothing()
        };
        assert!(!propose_severity(ReportKind::Incident, &impacts).major);
    }

    #[test]
    fn a_health_impact_is_a_danger_to_patients_or_a_malfunction_of_care() {
        assert!(!has_health_impact(&nothing()));
        assert!(!has_health_impact(&Impacts {
            may_affect_others: true,
            ..nothing()
        }));
        assert!(has_health_impact(&Impacts {
            care: Some(CareImpact::DegradedMode),
            ..nothing()
        }));
        let endangered = Impacts {
            patient_endangerment: Some(PatientEndangerment::Potential),
            ..nothing()
        };
        assert!(has_health_impact(&endangered));
    }
}
