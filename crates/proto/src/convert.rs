//! Conversions between the shared words and their wire form.

use vocabulary::ParseError;

use crate::types::v1 as wire;

/// The member that a number of the wire names, if it is one we know: a newer
/// writer may send others.
pub fn known<E: TryFrom<i32>>(number: i32) -> Option<E> {
    E::try_from(number).ok()
}

/// The words of a list of numbers of the wire; those not known are left out.
pub fn known_words<E: TryFrom<i32>, V: TryFrom<E>>(numbers: &[i32]) -> impl Iterator<Item = V> {
    numbers
        .iter()
        .filter_map(|&number| V::try_from(known::<E>(number)?).ok())
}

/// The word of a number of the wire, if it is one that is said and known.
pub fn known_word<E: TryFrom<i32>, V: TryFrom<E>>(number: i32) -> Option<V> {
    known_words(&[number]).next()
}

/// Words that have a member of the same name on the wire, which adds "not said".
macro_rules! words {
    ($($name:ident { $($member:ident),+ $(,)? })+) => {$(
        impl From<vocabulary::$name> for wire::$name {
            fn from(word: vocabulary::$name) -> Self {
                match word { $( vocabulary::$name::$member => Self::$member, )+ }
            }
        }

        impl TryFrom<wire::$name> for vocabulary::$name {
            type Error = ParseError;

            fn try_from(word: wire::$name) -> Result<Self, Self::Error> {
                match word {
                    wire::$name::Unspecified => Err(ParseError::new(Self::WHAT, "not said")),
                    $( wire::$name::$member => Ok(Self::$member), )+
                }
            }
        }
    )+};
}

words! {
    Role {
        Declarant, Analyst, RegionalAgent, SecurityOfficer, HealthAuthority, Editor, Correspondent,
        Integration, Operator, Importer, Prober, Service, Anyone,
    }
    StructureKind {
        HealthFacility, MedicalLaboratory, RadiotherapyCentre, NursingHome, MedicoSocial, PrimaryCare,
        Pharmacy, ArmedForcesHospital, SupportBody, Other,
    }
    ReportKind { Incident, ProductVulnerability, VendorBadPractice }
    Origin { Malicious, NonMalicious, Unknown }
    OriginType {
        MaliciousMessage, Ransomware, Malware, SystemCompromise, CredentialTheft, DenialOfService,
        Defacement, EquipmentTheft, DataExfiltration, Fraud, OtherMalicious, TelecomLoss, SoftwareBug,
        InfrastructureFailure, PrescriptionSoftware, HumanError, PhysicalEvent, OtherNonMalicious, Unknown,
    }
    DataImpact { None, Unavailability, Integrity, Disclosure, Unknown }
    DataNature { Health, Personal, Technical, Operational }
    CareImpact { None, DegradedMode, Interruption, Unknown }
    PatientEndangerment { None, Potential, Proven, Unknown }
    Reach { Structure, Department, Region, Country, Unknown }
    Tlp { Clear, Green, Amber, AmberStrict, Red }
    Channel { Declarant, Agency, Import, Probe }
    CaseState {
        Submitted, InQualification, AwaitingDeclarant, Qualified, InTreatment, Resolved, Closed, OutOfScope,
        Duplicate, Withdrawn,
    }
    MeasureKind { Emergency, Remediation, Improvement }
    OperatorStatus { Vital, EssentialServices }
}

impl From<&vocabulary::Impacts> for wire::Impacts {
    fn from(impacts: &vocabulary::Impacts) -> Self {
        Self {
            data: impacts
                .data
                .iter()
                .map(|&word| wire::DataImpact::from(word).into())
                .collect(),
            data_natures: impacts
                .data_natures
                .iter()
                .map(|&word| wire::DataNature::from(word).into())
                .collect(),
            persons_affected: impacts.persons_affected,
            care: impacts
                .care
                .map(|word| wire::CareImpact::from(word).into())
                .unwrap_or_default(),
            care_duration_hours: impacts.care_duration_hours,
            patient_endangerment: impacts
                .patient_endangerment
                .map(|word| wire::PatientEndangerment::from(word).into())
                .unwrap_or_default(),
            reach: impacts
                .reach
                .map(|word| wire::Reach::from(word).into())
                .unwrap_or_default(),
            may_affect_others: impacts.may_affect_others,
        }
    }
}

/// Reads the impacts of an event: words of a newer writer are left out, so that a
/// reader goes on. A request from outside is checked word by word instead.
impl From<&wire::Impacts> for vocabulary::Impacts {
    fn from(impacts: &wire::Impacts) -> Self {
        Self {
            data: known_words::<wire::DataImpact, _>(&impacts.data).collect(),
            data_natures: known_words::<wire::DataNature, _>(&impacts.data_natures).collect(),
            persons_affected: impacts.persons_affected,
            care: known_word::<wire::CareImpact, _>(impacts.care),
            care_duration_hours: impacts.care_duration_hours,
            patient_endangerment: known_word::<wire::PatientEndangerment, _>(
                impacts.patient_endangerment,
            ),
            reach: known_word::<wire::Reach, _>(impacts.reach),
            may_affect_others: impacts.may_affect_others,
        }
    }
}

impl From<vocabulary::Severity> for wire::Severity {
    fn from(severity: vocabulary::Severity) -> Self {
        let vocabulary::Severity {
            serious,
            significant,
            major,
        } = severity;
        Self {
            serious,
            significant,
            major,
        }
    }
}

impl From<wire::Severity> for vocabulary::Severity {
    fn from(severity: wire::Severity) -> Self {
        let wire::Severity {
            serious,
            significant,
            major,
        } = severity;
        Self {
            serious,
            significant,
            major,
        }
    }
}

impl From<&vocabulary::StructureKey> for wire::StructureIdentifier {
    fn from(key: &vocabulary::StructureKey) -> Self {
        use wire::structure_identifier::Identifier;

        let identifier = match key {
            vocabulary::StructureKey::Finess(number) => Identifier::Finess(number.to_string()),
            vocabulary::StructureKey::Siret(number) => Identifier::Siret(number.to_string()),
            vocabulary::StructureKey::Rpps(number) => Identifier::Rpps(number.to_string()),
            vocabulary::StructureKey::Described { name, department } => {
                Identifier::Described(wire::DescribedStructure {
                    name: name.as_str().to_owned(),
                    department: department.map(|d| d.to_string()).unwrap_or_default(),
                })
            }
        };
        Self {
            identifier: Some(identifier),
        }
    }
}

impl TryFrom<&wire::StructureIdentifier> for vocabulary::StructureKey {
    type Error = ParseError;

    fn try_from(identifier: &wire::StructureIdentifier) -> Result<Self, Self::Error> {
        use wire::structure_identifier::Identifier;

        match &identifier.identifier {
            None => Err(ParseError::new("structure", "not said")),
            Some(Identifier::Finess(number)) => number.parse().map(Self::Finess),
            Some(Identifier::Siret(number)) => number.parse().map(Self::Siret),
            Some(Identifier::Rpps(number)) => number.parse().map(Self::Rpps),
            Some(Identifier::Described(described)) => {
                let department = match described.department.as_str() {
                    "" => None,
                    number => Some(number.parse()?),
                };
                Ok(Self::Described {
                    name: vocabulary::StructureName::new(&described.name),
                    department,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! survives {
        ($($name:ident),+ $(,)?) => {$(
            for &word in vocabulary::$name::ALL {
                let sent = i32::from(wire::$name::from(word));
                assert_ne!(sent, 0, "{word} is sent as not said");
                assert_eq!(known_word::<wire::$name, vocabulary::$name>(sent), Some(word));
            }
            assert_eq!(known_word::<wire::$name, vocabulary::$name>(0), None);
            assert_eq!(known_word::<wire::$name, vocabulary::$name>(9_999), None);
        )+};
    }

    #[test]
    fn every_word_survives_the_wire_and_nothing_else_is_one() {
        survives!(
            Role,
            StructureKind,
            ReportKind,
            Origin,
            OriginType,
            DataImpact,
            DataNature,
            CareImpact,
            PatientEndangerment,
            Reach,
            Tlp,
            Channel,
            CaseState,
            MeasureKind,
            OperatorStatus,
        );
    }

    #[test]
    fn impacts_survive_the_wire_and_words_of_a_newer_writer_are_left_out() {
        let impacts = vocabulary::Impacts {
            data: [
                vocabulary::DataImpact::Integrity,
                vocabulary::DataImpact::Disclosure,
            ]
            .into(),
            data_natures: [vocabulary::DataNature::Health].into(),
            persons_affected: Some(12),
            care: Some(vocabulary::CareImpact::DegradedMode),
            care_duration_hours: Some(5),
            patient_endangerment: Some(vocabulary::PatientEndangerment::Unknown),
            reach: Some(vocabulary::Reach::Region),
            may_affect_others: true,
        };
        let mut sent = wire::Impacts::from(&impacts);
        assert_eq!(vocabulary::Impacts::from(&sent), impacts);
        sent.data.push(77);
        sent.care = 77;
        let read = vocabulary::Impacts::from(&sent);
        assert_eq!(
            read,
            vocabulary::Impacts {
                care: None,
                ..impacts
            }
        );
    }

    #[test]
    fn every_kind_of_structure_key_survives_the_wire() {
        for text in [
            "finess:010000024",
            "siret:26010004500012",
            "rpps:10101201234",
            "described:--:agence",
        ] {
            let key: vocabulary::StructureKey = text.parse().unwrap();
            assert_eq!(
                vocabulary::StructureKey::try_from(&wire::StructureIdentifier::from(&key)),
                Ok(key)
            );
        }
        assert!(vocabulary::StructureKey::try_from(&wire::StructureIdentifier::default()).is_err());
    }
}
