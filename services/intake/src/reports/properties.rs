//! Properties of the parser of drafts.

use platform::Violations;
use proptest::{collection::vec, option, prelude::*};
use prost_types::Timestamp;
use proto::{
    intake::v1 as pb,
    types::v1::{
        DescribedStructure, Impacts, StructureIdentifier, structure_identifier::Identifier,
    },
};
use time::{OffsetDateTime, macros::datetime};

use super::{
    draft,
    facts::{Draft, Facts},
};

const NOW: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

fn parse(wire: pb::ReportDraft) -> Result<Draft, Violations> {
    let mut violations = Violations::default();
    draft::read(Some(wire), NOW, &mut violations).ok_or(violations)
}

fn moment() -> impl Strategy<Value = Timestamp> {
    let seconds = prop_oneof![any::<i64>(), 946_684_800..NOW.unix_timestamp()];
    (seconds, any::<i32>()).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos })
}

fn word() -> impl Strategy<Value = i32> {
    prop_oneof![0..45, any::<i32>()]
}

prop_compose! {
    fn any_contact()(
        family_name: String,
        given_name: String,
        position: String,
        email in prop_oneof![Just(String::new()), "[a-z]{1,8}@[a-z]{1,8}\\.fr", any::<String>()],
        phone in prop_oneof![Just(String::new()), "[0-9 +.()-]{0,22}", any::<String>()],
    ) -> pb::Contact {
        pb::Contact { family_name, given_name, position, email, phone }
    }
}

fn any_structure() -> impl Strategy<Value = Option<StructureIdentifier>> {
    let number = prop_oneof![
        Just("010000024".to_owned()),
        "[0-9AB]{9}",
        "[0-9]{11}",
        "[0-9]{14}",
        any::<String>(),
    ];
    let identifier = prop_oneof![
        number.clone().prop_map(Identifier::Finess),
        number.clone().prop_map(Identifier::Siret),
        number.prop_map(Identifier::Rpps),
        (any::<String>(), "[0-9]{0,3}|2[AB]").prop_map(|(name, department)| {
            Identifier::Described(DescribedStructure { name, department })
        }),
    ];
    option::of(option::of(identifier).prop_map(|identifier| StructureIdentifier { identifier }))
}

prop_compose! {
    fn any_impacts()(
        data in vec(word(), 0..4),
        data_natures in vec(word(), 0..4),
        persons_affected: Option<u32>,
        care in word(),
        care_duration_hours: Option<u32>,
        patient_endangerment in word(),
        reach in word(),
        may_affect_others: bool,
    ) -> Impacts {
        Impacts {
            data,
            data_natures,
            persons_affected,
            care,
            care_duration_hours,
            patient_endangerment,
            reach,
            may_affect_others,
        }
    }
}

prop_compose! {
    /// Anything that the wire can bring.
    fn any_draft()(
        words in [word(), word(), word(), word(), word(), word()],
        structure in any_structure(),
        contacts in [option::of(any_contact()), option::of(any_contact())],
        moments in [option::of(moment()), option::of(moment())],
        texts: [String; 7],
        origin_types in vec(word(), 0..10),
        impacts in option::of(any_impacts()),
        said: [Option<bool>; 2],
        flags: [bool; 2],
        department in prop_oneof!["", "2A", "[0-9]{2,3}"],
        regions in vec(prop_oneof!["[0-9]{2}", any::<String>()], 0..3),
    ) -> pb::ReportDraft {
        let [kind, structure_kind, operator_status, capacity, origin, tlp] = words;
        let [declarant, alternate_contact] = contacts;
        let [found_at, started_at] = moments;
        let [description, perimeter, systems, care_status, measures_taken, vendor, product] = texts;
        pb::ReportDraft {
            kind,
            structure,
            structure_kind,
            operator_status,
            declarant,
            capacity,
            alternate_contact,
            found_at,
            started_at,
            description,
            perimeter,
            systems,
            care_status,
            measures_taken,
            vendor,
            product,
            origin,
            origin_types,
            impacts,
            complaint_filed: said[0],
            cnil_notified: said[1],
            assistance_requested: flags[0],
            tlp,
            national: flags[1],
            department,
            regions,
        }
    }
}

/// A line that says something: no control, no separator of lines or paragraphs.
const LINE: &str = "[^\\pC\\p{Zl}\\p{Zp}]{0,40}[a-z]";

prop_compose! {
    /// What a careful declarant sends.
    fn sound_draft()(
        wild in any_draft(),
        kind in 1..=3,
        capacity in 1..=4,
        seconds in 1_700_000_000..NOW.unix_timestamp(),
        nanos in 0..1_000_000_000,
        before in option::of(0i64..1_000_000),
        texts in [LINE, LINE, LINE],
        department in "0[1-9]|[3-8][0-9]|2[AB]",
        types in option::of(proptest::sample::subsequence(vec![1, 2, 3, 4, 5, 6, 7, 19, 40], 0..8)),
        data in proptest::sample::subsequence(vec![2, 3, 4], 0..=3),
        natures in proptest::sample::subsequence(vec![1, 2, 3, 4], 0..=4),
        care in 0..=4,
        reach in 0..=5,
        tlp in 0..=5,
        regions in proptest::sample::subsequence(vec!["01", "75", "94"], 0..=3),
    ) -> pb::ReportDraft {
        let [name, description, vendor] = texts;
        let described = DescribedStructure { name: name.clone(), department };
        let identifier = Some(Identifier::Described(described));
        pb::ReportDraft {
            kind,
            structure: Some(StructureIdentifier { identifier }),
            structure_kind: care,
            operator_status: 0,
            declarant: Some(pb::Contact {
                family_name: name,
                email: "rssi@exemple.fr".to_owned(),
                ..pb::Contact::default()
            }),
            capacity,
            alternate_contact: None,
            found_at: Some(Timestamp { seconds, nanos }),
            started_at: before.map(|before| Timestamp { seconds: seconds - before, nanos: 0 }),
            perimeter: description.clone(),
            description,
            systems: String::new(),
            care_status: String::new(),
            measures_taken: String::new(),
            product: vendor.clone(),
            vendor,
            origin: types.as_ref().map_or(0, |_| 1),
            origin_types: types.unwrap_or_default(),
            impacts: Some(Impacts {
                data,
                data_natures: natures,
                care,
                patient_endangerment: care,
                reach,
                ..wild.impacts.unwrap_or_default()
            }),
            tlp,
            department: "2A".to_owned(),
            regions: regions.into_iter().map(str::to_owned).collect(),
            ..wild
        }
    }
}

proptest! {
    #[test]
    fn any_draft_is_parsed_or_refused_for_a_reason(wire in any_draft()) {
        if let Err(violations) = parse(wire) {
            prop_assert!(!violations.is_empty());
            for violation in violations.iter() {
                prop_assert!(violation.field.starts_with("draft"), "{}", violation.field);
            }
        }
    }

    #[test]
    fn a_sound_draft_is_accepted_and_survives_the_wire_and_the_store(wire in sound_draft()) {
        let draft = parse(wire).map_err(|violations| TestCaseError::fail(format!("{violations:?}")))?;
        let again = parse(draft::to_wire(&draft.facts, Some(&draft.contacts)));
        prop_assert_eq!(again.as_ref().ok(), Some(&draft));
        let stored = serde_json::to_value(&draft.facts).unwrap();
        prop_assert_eq!(serde_json::from_value::<Facts>(stored).unwrap(), draft.facts);
    }
}
