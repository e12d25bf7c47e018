//! Every word is read back from its slug, its JSON and nothing else.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::{Serialize, de::DeserializeOwned};
use vocabulary::{
    AccompanimentGiver, AccompanimentState, Capacity, CareConsequenceKind, CareImpact,
    CaseActivity, CaseState, Channel, DataImpact, DataNature, DeclarantLink, MeasureKind, Medium,
    OperatorStatus, Origin, OriginType, ParallelDuty, PatientEndangerment, Reach, ReportKind,
    ReportStage, Role, SeverityLevel, SeverityReason, StructureKind, Tlp, WaitingFor,
};

fn survives<T>(all: &[T])
where
    T: Copy + Debug + Display + PartialEq + FromStr + Serialize + DeserializeOwned,
    T::Err: Debug + PartialEq,
{
    for &word in all {
        assert_eq!(word.to_string().parse(), Ok(word));
        let json = serde_json::to_string(&word).expect("a word is JSON");
        assert_eq!(json, format!("\"{word}\""));
        assert_eq!(
            serde_json::from_str::<T>(&json).expect("its JSON is read back"),
            word
        );
        assert!(
            word.to_string()
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_'),
            "{word}"
        );
    }
    assert!("".parse::<T>().is_err());
    assert!("NONE".parse::<T>().is_err());
}

macro_rules! words {
    ($($word:ident),* $(,)?) => {
        #[test]
        fn every_word_survives_its_slug_and_its_json() {
            $( survives($word::ALL); )*
        }

        #[test]
        fn every_word_has_labels_in_both_languages() {
            $( for word in $word::ALL {
                assert!(!word.french().is_empty() && !word.english().is_empty(), "{word}");
            } )*
        }
    };
}

words!(
    AccompanimentGiver,
    AccompanimentState,
    Capacity,
    CareConsequenceKind,
    CareImpact,
    CaseActivity,
    CaseState,
    Channel,
    DataImpact,
    DataNature,
    DeclarantLink,
    MeasureKind,
    Medium,
    OperatorStatus,
    Origin,
    OriginType,
    ParallelDuty,
    PatientEndangerment,
    Reach,
    ReportKind,
    ReportStage,
    Role,
    SeverityLevel,
    SeverityReason,
    StructureKind,
    Tlp,
    WaitingFor,
);
