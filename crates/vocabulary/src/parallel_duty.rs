//! Obligations that the same event may set off elsewhere.

use std::collections::BTreeSet;

use time::{Duration, OffsetDateTime};

use crate::{
    DataImpact, DataNature, Impacts, OperatorStatus, Origin, OriginType, PatientEndangerment,
    ReportKind, enumeration::enumeration,
};

enumeration! {
    ParallelDuty is "parallel duty";
    /// An obligation that stands beside the declaration (obligation parallèle).
    {
        /// Notification to the CNIL of a breach of personal data.
        Cnil => "cnil",
            "Notifier la violation de données personnelles à la CNIL (notifications.cnil.fr), sauf absence de risque pour les personnes",
            "Notify the personal data breach to the CNIL, unless it is no risk to persons";
        /// Declaration to the ANSSI by an operator of essential services (OSE).
        AnssiEssentialServices => "anssi_essential_services",
            "Déclarer l'incident à l'ANSSI en tant qu'opérateur de services essentiels",
            "Declare the incident to the ANSSI as an operator of essential services";
        /// Declaration to the ANSSI by an operator of vital importance (OIV).
        AnssiVital => "anssi_vital",
            "Déclarer l'incident à l'ANSSI en tant qu'opérateur d'importance vitale",
            "Declare the incident to the ANSSI as an operator of vital importance";
        /// Declaration to the ANSM of an incident with a medical device
        /// (matériovigilance).
        Ansm => "ansm",
            "Si un dispositif ou un logiciel médical est en cause : déclarer à l'ANSM (matériovigilance)",
            "If a medical device or its software is involved: declare to the ANSM";
        /// Complaint to the police (dépôt de plainte).
        Complaint => "complaint",
            "Porter plainte auprès de la police ou de la gendarmerie",
            "File a complaint with the police";
    }
}

impl ParallelDuty {
    /// The text behind the obligation.
    pub const fn legal_basis(self) -> &'static str {
        match self {
            Self::Cnil => "RGPD, art. 33",
            Self::AnssiEssentialServices => "loi 2018-133, art. 7",
            Self::AnssiVital => "code de la défense, art. L.1332-6-2",
            Self::Ansm => "CSP, art. L.5212-2",
            Self::Complaint => "recommandation de la cellule",
        }
    }

    /// What to do, in French, as it stands at a moment: past its deadline it is done
    /// at once, with the reasons for the delay (RGPD, art. 33(1)).
    pub fn french_at(self, aware_at: OffsetDateTime, now: OffsetDateTime) -> String {
        let french = self.french();
        if self.is_overdue(aware_at, now) {
            format!("{french} (délai dépassé : notifier sans attendre, en motivant le retard)")
        } else {
            french.to_owned()
        }
    }

    /// Whether its deadline, counted from the awareness of the event, is past.
    pub fn is_overdue(self, aware_at: OffsetDateTime, now: OffsetDateTime) -> bool {
        self.deadline(aware_at)
            .is_some_and(|deadline| deadline < now)
    }

    /// Until when, counted from the awareness of the event; `None` where the text
    /// says « sans délai » or nothing. The CNIL is notified within 72 hours.
    pub fn deadline(self, aware_at: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Cnil => aware_at.checked_add(Duration::hours(72)),
            Self::AnssiEssentialServices | Self::AnssiVital | Self::Ansm | Self::Complaint => None,
        }
    }
}

/// The obligations that an event may set off, from what is said of it. Operators declare
/// incidents to the ANSSI: a near miss or a threat is none unless its impacts say so.
pub fn parallel_duties(
    kind: Option<ReportKind>,
    impacts: &Impacts,
    status: Option<OperatorStatus>,
    origin: Option<Origin>,
    origin_types: impl IntoIterator<Item = OriginType>,
) -> BTreeSet<ParallelDuty> {
    let origin_types: BTreeSet<_> = origin_types.into_iter().collect();
    // Of what nobody has said yet what it is, the clock may run already.
    let personal = impacts.data_natures.is_empty()
        || [DataNature::Health, DataNature::Personal]
            .iter()
            .any(|nature| impacts.data_natures.contains(nature))
        || impacts.persons_affected.is_some_and(|persons| persons > 0);
    let touched = impacts
        .data
        .iter()
        .any(|impact| !matches!(impact, DataImpact::None | DataImpact::Unknown));
    let endangered = matches!(
        impacts.patient_endangerment,
        Some(PatientEndangerment::Potential | PatientEndangerment::Proven)
    );
    // Who knows that it was malice need not know yet of which type.
    let malicious = origin == Some(Origin::Malicious)
        || origin_types
            .iter()
            .any(|t| t.origin() == Some(Origin::Malicious));
    let averted =
        matches!(kind, Some(ReportKind::NearMiss | ReportKind::Threat)) && !impacts.has_happened();
    let device = origin_types.contains(&OriginType::PrescriptionSoftware)
        || origin_types.contains(&OriginType::SoftwareBug);

    let duties = [
        (ParallelDuty::Cnil, personal && touched),
        (
            ParallelDuty::AnssiEssentialServices,
            status == Some(OperatorStatus::EssentialServices) && !averted,
        ),
        (
            ParallelDuty::AnssiVital,
            status == Some(OperatorStatus::Vital) && !averted,
        ),
        (ParallelDuty::Ansm, endangered && device),
        (ParallelDuty::Complaint, malicious),
    ];
    duties
        .into_iter()
        .filter(|(_, holds)| *holds)
        .map(|(duty, _)| duty)
        .collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::CareImpact;

    const INCIDENT: Option<ReportKind> = Some(ReportKind::Incident);

    #[test]
    fn a_leak_of_health_data_by_malice_calls_the_cnil_and_the_police() {
        let impacts = Impacts {
            data: [DataImpact::Disclosure].into(),
            data_natures: [DataNature::Health].into(),
            ..Impacts::default()
        };
        assert_eq!(
            parallel_duties(
                INCIDENT,
                &impacts,
                None,
                None,
                [OriginType::DataExfiltration]
            ),
            [ParallelDuty::Cnil, ParallelDuty::Complaint].into()
        );
    }

    #[test]
    fn malice_of_a_type_not_known_yet_calls_the_police() {
        let duties = |origin| {
            parallel_duties(
                INCIDENT,
                &Impacts::default(),
                None,
                Some(origin),
                [OriginType::Unknown],
            )
        };
        assert_eq!(duties(Origin::Malicious), [ParallelDuty::Complaint].into());
        assert!(duties(Origin::NonMalicious).is_empty());
        assert!(duties(Origin::Unknown).is_empty());
    }

    #[test]
    fn technical_data_alone_is_no_matter_for_the_cnil() {
        let impacts = Impacts {
            data: [DataImpact::Unavailability].into(),
            data_natures: [DataNature::Technical].into(),
            ..Impacts::default()
        };
        let duties = parallel_duties(INCIDENT, &impacts, None, None, [OriginType::TelecomLoss]);
        assert!(duties.is_empty());
    }

    #[test]
    fn the_status_of_the_operator_adds_the_anssi() {
        let duties =
            |status| parallel_duties(INCIDENT, &Impacts::default(), Some(status), None, []);
        assert_eq!(
            duties(OperatorStatus::Vital),
            [ParallelDuty::AnssiVital].into()
        );
        assert_eq!(
            duties(OperatorStatus::EssentialServices),
            [ParallelDuty::AnssiEssentialServices].into()
        );
    }

    #[test]
    fn prescription_software_that_endangers_patients_calls_the_ansm() {
        let impacts = Impacts {
            patient_endangerment: Some(PatientEndangerment::Potential),
            ..Impacts::default()
        };
        for kind in [INCIDENT, Some(ReportKind::NearMiss)] {
            let software = [OriginType::PrescriptionSoftware];
            let duties = parallel_duties(kind, &impacts, None, None, software);
            assert_eq!(duties, [ParallelDuty::Ansm].into());
        }
    }

    #[test]
    fn an_operator_declares_to_the_anssi_what_happened_and_not_what_was_averted() {
        let degraded = Impacts {
            care: Some(CareImpact::DegradedMode),
            ..Impacts::default()
        };
        for kind in [ReportKind::NearMiss, ReportKind::Threat] {
            for (status, duty) in [
                (OperatorStatus::Vital, ParallelDuty::AnssiVital),
                (
                    OperatorStatus::EssentialServices,
                    ParallelDuty::AnssiEssentialServices,
                ),
            ] {
                let of = |impacts: &Impacts| {
                    parallel_duties(Some(kind), impacts, Some(status), None, [])
                };
                assert!(of(&Impacts::default()).is_empty(), "{kind}");
                assert_eq!(of(&degraded), [duty].into(), "{kind}");
            }
        }
    }

    #[test]
    fn the_cnil_waits_seventy_two_hours_from_the_awareness() {
        let aware = datetime!(2026-11-20 18:00 UTC);
        assert_eq!(
            ParallelDuty::Cnil.deadline(aware),
            Some(datetime!(2026-11-23 18:00 UTC))
        );
        assert_eq!(ParallelDuty::Ansm.deadline(aware), None);
    }

    #[test]
    fn past_its_deadline_a_duty_is_done_at_once_with_the_reasons_of_the_delay() {
        let aware = datetime!(2017-08-03 10:00 UTC);
        let deadline = datetime!(2017-08-06 10:00 UTC);
        let late = "délai dépassé : notifier sans attendre, en motivant le retard";
        let (cnil, ansm) = (ParallelDuty::Cnil, ParallelDuty::Ansm);
        assert_eq!(cnil.french_at(aware, deadline), cnil.french());
        let after = deadline + Duration::SECOND;
        assert!(cnil.french_at(aware, after).contains(late));
        assert_eq!(ansm.french_at(aware, after), ansm.french());
    }
}
