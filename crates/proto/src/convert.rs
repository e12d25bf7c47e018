//! Conversions between the shared words and their wire form.

use vocabulary::{DataImpact, DataNature, ParseError, Word};

use crate::types::v1 as wire;

/// The number of a word; 0, "not said", without one.
pub fn number<W: Word>(word: Option<W>) -> i32 {
    word.map(Word::number).unwrap_or_default()
}

/// The numbers of words, in their order.
pub fn numbers<'a, W: Word>(words: impl IntoIterator<Item = &'a W>) -> Vec<i32> {
    words.into_iter().map(|word| word.number()).collect()
}

impl From<&vocabulary::Impacts> for wire::Impacts {
    fn from(impacts: &vocabulary::Impacts) -> Self {
        Self {
            data: numbers(&impacts.data),
            data_natures: numbers(&impacts.data_natures),
            persons_affected: impacts.persons_affected,
            care: number(impacts.care),
            care_duration_hours: impacts.care_duration_hours,
            patient_endangerment: number(impacts.patient_endangerment),
            reach: number(impacts.reach),
            may_affect_others: impacts.may_affect_others,
        }
    }
}

/// Reads the impacts of an event, with the words of a later release as they came.
/// A request from outside is checked word by word instead.
impl From<&wire::Impacts> for vocabulary::Impacts {
    fn from(impacts: &wire::Impacts) -> Self {
        Self {
            data: DataImpact::all_heard(&impacts.data).collect(),
            data_natures: DataNature::all_heard(&impacts.data_natures).collect(),
            persons_affected: impacts.persons_affected,
            care: Word::heard(impacts.care),
            care_duration_hours: impacts.care_duration_hours,
            patient_endangerment: Word::heard(impacts.patient_endangerment),
            reach: Word::heard(impacts.reach),
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
    use crate::{intake::v1 as intake, qualification::v1 as qualification};

    /// The names of the wire's members, but for "not said".
    fn named<E: TryFrom<i32>>(name: impl Fn(&E) -> &'static str) -> Vec<(i32, &'static str)> {
        let members = (1..100).filter_map(|number| Some((number, E::try_from(number).ok()?)));
        members
            .map(|(number, member)| (number, name(&member)))
            .collect()
    }

    macro_rules! agree {
        ($($package:ident::$wire:ident is $name:ident;)+) => {$(
            let unsaid = $package::$wire::Unspecified.as_str_name();
            let prefix = unsaid.strip_suffix("UNSPECIFIED").unwrap();
            let words: Vec<_> = vocabulary::$name::ALL
                .iter()
                .map(|word| (word.number(), format!("{prefix}{}", word.as_str().to_uppercase())))
                .collect();
            let words: Vec<_> = words.iter().map(|(number, name)| (*number, name.as_str())).collect();
            assert_eq!(words, named($package::$wire::as_str_name));
        )+};
    }

    #[test]
    fn the_words_and_their_numbers_are_those_of_the_contracts() {
        agree! {
            wire::Role is Role;
            wire::StructureKind is StructureKind;
            wire::ReportKind is ReportKind;
            wire::Origin is Origin;
            wire::OriginType is OriginType;
            wire::DataImpact is DataImpact;
            wire::DataNature is DataNature;
            wire::CareImpact is CareImpact;
            wire::PatientEndangerment is PatientEndangerment;
            wire::Reach is Reach;
            wire::ReportStage is ReportStage;
            wire::DeclarantLink is DeclarantLink;
            wire::Tlp is Tlp;
            wire::Channel is Channel;
            wire::CaseState is CaseState;
            wire::CaseActivity is CaseActivity;
            wire::SeverityLevel is SeverityLevel;
            wire::SeverityReason is SeverityReason;
            wire::WaitingFor is WaitingFor;
            wire::DeadlineKind is DeadlineKind;
            wire::MeasureKind is MeasureKind;
            wire::OperatorStatus is OperatorStatus;
            intake::DeclarantCapacity is Capacity;
            intake::Medium is Medium;
            intake::StructureContactRole is StructureContactRole;
            qualification::AccompanimentGiver is AccompanimentGiver;
            qualification::AccompanimentState is AccompanimentState;
            qualification::CareConsequenceKind is CareConsequenceKind;
        }
    }

    #[test]
    fn impacts_survive_the_wire_with_the_words_of_a_later_writer() {
        let sent = wire::Impacts {
            data: vec![3, 4, 77],
            data_natures: vec![1, 78],
            persons_affected: Some(12),
            care: 79,
            care_duration_hours: Some(5),
            patient_endangerment: 4,
            reach: 80,
            may_affect_others: true,
        };
        let read = vocabulary::Impacts::from(&sent);
        assert!(read.data.contains(&vocabulary::DataImpact::Integrity));
        assert_eq!(wire::Impacts::from(&read), sent);
        let nothing = vocabulary::Impacts::from(&wire::Impacts::default());
        assert_eq!(nothing, vocabulary::Impacts::default());
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
