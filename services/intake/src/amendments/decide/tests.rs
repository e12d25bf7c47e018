//! Who may amend a report, and what becomes of it.

use proptest::{prelude::*, sample::subsequence};
use time::OffsetDateTime;
use vocabulary::{
    CareImpact, DataImpact, Impacts, LaterWord, Origin, Region, StructureKey, Word as _,
};

use super::*;
use crate::reports::{
    Settings, Withdrawal,
    samples::{self, NOW, author, decided, degraded, entry, facts},
};

/// A report of a declarant whose structure lies in region 84.
fn report(facts: &Facts) -> Report {
    let decision = decided(facts, Some(&entry()), &author(Role::Declarant)).unwrap();
    Report {
        facts: facts.clone(),
        contacts: Some(Sealed {
            sealed: b"contacts".to_vec(),
            data_key: b"key".to_vec(),
        }),
        structure: decision.routing.structure,
        routing_region: decision.routing.region,
        visible_to: decision.routing.visible_to,
        ..samples::report()
    }
}

fn revision(stage: ReportStage) -> Revision {
    Revision {
        number: 2,
        stage,
        author: "alice".to_owned(),
        role: Role::Declarant,
        at: OffsetDateTime::UNIX_EPOCH,
        changed_paths: Vec::new(),
        decision: None,
    }
}

fn admitted(report: &Report, own: &[Party], roles: &[Role]) -> Result<Role, Refusal> {
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    let wish = Wish {
        own: &own,
        roles: &roles.iter().copied().collect(),
        etag: "",
        stage: ReportStage::Complement,
    };
    admit(report, &wish)
}

fn subject(name: &str) -> Party {
    Party::Subject(name.to_owned())
}

#[test]
fn those_who_declared_it_and_the_agency_where_it_is_routed_amend_a_report() {
    use Role::{Declarant, RegionalAgent};
    let mut report = report(&facts());
    report.visible_to.insert(region("76"));
    let structure = Party::Structure(StructureKey::Finess(entry().finess));
    for (own, roles, expected) in [
        (vec![subject("alice")], vec![Declarant], Ok(Declarant)),
        (vec![structure.clone()], vec![Declarant], Ok(Declarant)),
        (vec![region("84")], vec![RegionalAgent], Ok(RegionalAgent)),
        (
            vec![region("84"), subject("alice")],
            vec![RegionalAgent, Declarant],
            Ok(Declarant),
        ),
        (
            vec![region("84"), subject("bob")],
            vec![RegionalAgent, Declarant],
            Ok(RegionalAgent),
        ),
        // It is named, and reads the report.
        (
            vec![region("76")],
            vec![RegionalAgent],
            Err(Refusal::NotYours),
        ),
        (
            vec![region("84")],
            vec![Role::Integration],
            Err(Refusal::NotYours),
        ),
        (
            vec![Party::Cell],
            vec![Role::Analyst],
            Err(Refusal::NotYours),
        ),
    ] {
        assert_eq!(
            admitted(&report, &own, &roles),
            expected,
            "{own:?} {roles:?}"
        );
    }
}

fn region(code: &str) -> Party {
    Party::Region(code.parse().unwrap())
}

#[test]
fn what_ended_or_went_further_is_not_amended() {
    let mut of = report(&facts());
    let refused = |report: &Report| admitted(report, &[subject("alice")], &[Role::Declarant]);
    assert_eq!(refused(&of), Ok(Role::Declarant));
    of.amendment = Some(revision(ReportStage::Final));
    assert_eq!(refused(&of), Err(Refusal::StagePassed));
    of.amendment = Some(Revision {
        number: MAX_REVISIONS,
        ..revision(ReportStage::Complement)
    });
    assert_eq!(refused(&of), Err(Refusal::TooManyRevisions));
    of.contacts = None;
    assert_eq!(refused(&of), Err(Refusal::Erased));
    of.withdrawal = Some(Withdrawal {
        at: NOW,
        reason: "Fausse alerte".to_owned(),
    });
    assert_eq!(refused(&of), Err(Refusal::Withdrawn));
}

#[test]
fn what_a_later_release_said_stays_where_an_amendment_does_not_touch_it() {
    let stored = Facts {
        origin: Some(Origin::Later(LaterWord::of_slug("quantum"))),
        ..facts()
    };
    let amended = Facts {
        description: "Tout est chiffré.".to_owned().try_into().unwrap(),
        ..facts()
    };
    let expected = Facts {
        description: amended.description.clone(),
        ..stored.clone()
    };
    let rests = at_rest(json!(stored), &facts(), &amended);
    assert_eq!(rests, json!(expected));
}

/// What this release reads of facts, and what it does not know of them, at two depths.
fn with_unknown(facts: &Facts) -> Value {
    let mut stored = json!(facts);
    stored["vehicle"] = json!("drone");
    stored["impacts"]["reputation"] = json!({ "press": true });
    stored
}

proptest! {
    #[test]
    fn an_amendment_writes_what_it_says_and_keeps_every_member_that_it_does_not_know(
        before in impacts(),
        after in impacts(),
        cross_border in any::<Option<bool>>(),
    ) {
        let before = Facts { impacts: before, ..facts() };
        let amended = Facts { impacts: after, cross_border, ..facts() };
        let rests = at_rest(with_unknown(&before), &before, &amended);
        prop_assert_eq!(&rests, &with_unknown(&amended));
        prop_assert_eq!(serde_json::from_value::<Facts>(rests).unwrap(), amended);
    }
}

#[test]
fn what_an_earlier_release_did_not_store_stays_absent_until_something_is_said_of_it() {
    let mut stored = json!(facts());
    for name in ["regions", "department", "cause_reference"] {
        stored.as_object_mut().unwrap().remove(name);
    }
    let rests = at_rest(stored.clone(), &facts(), &facts());
    assert_eq!(rests, stored);
    assert_eq!(serde_json::from_value::<Facts>(rests).unwrap(), facts());
    let named = Facts {
        regions: vec!["84".parse().unwrap()],
        ..facts()
    };
    let rests = at_rest(stored, &facts(), &named);
    assert_eq!(rests["regions"], json!(["84"]));
    assert!(rests.get("department").is_none());
}

const FACT_NAMES: [&str; 5] = [
    "impacts",
    "regions",
    "department",
    "cause_reference",
    "kind",
];
const IMPACT_NAMES: [&str; 4] = ["care", "data", "persons_affected", "may_affect_others"];

proptest! {
    #[test]
    fn an_amendment_adds_the_members_that_it_changes_and_no_other(
        before in impacts(),
        after in impacts(),
        missing in subsequence(FACT_NAMES.map(str::to_owned).to_vec(), 0..=5),
        missing_impacts in subsequence(IMPACT_NAMES.map(str::to_owned).to_vec(), 0..4),
    ) {
        let before = Facts { impacts: before, ..facts() };
        let amended = Facts { impacts: after, ..facts() };
        let (was, is) = (json!(before), json!(amended));
        let mut stored = was.clone();
        for name in &missing_impacts {
            stored["impacts"].as_object_mut().unwrap().remove(name);
        }
        for name in &missing {
            stored.as_object_mut().unwrap().remove(name);
        }
        let mut expected = is.clone();
        if !missing.contains(&"impacts".to_owned()) {
            for name in missing_impacts.iter().filter(|&it| was["impacts"][it] == is["impacts"][it]) {
                expected["impacts"].as_object_mut().unwrap().remove(name);
            }
        }
        for name in missing.iter().filter(|&it| was[it] == is[it]) {
            expected.as_object_mut().unwrap().remove(name);
        }
        prop_assert_eq!(at_rest(stored, &before, &amended), expected);
    }
}

fn impacts() -> impl Strategy<Value = Impacts> {
    let care = prop::option::of(prop::sample::select(CareImpact::ALL));
    let data = subsequence(vec![DataImpact::Integrity, DataImpact::Disclosure], 0..=2);
    (care, data, any::<Option<u32>>(), any::<bool>()).prop_map(
        |(care, data, persons_affected, may_affect_others)| Impacts {
            care,
            data: data.into_iter().collect(),
            persons_affected,
            may_affect_others,
            ..Impacts::default()
        },
    )
}

fn settings() -> Settings {
    Settings {
        emergency_phone: "09 72 43 91 25".to_owned(),
        agency_mail_domain: "ars.example.org".to_owned(),
        deadlines: None.into(),
    }
}

/// What an agent or the declarant makes of a report.
fn amend(of: &Report, facts: &Facts, role: Role, by: &Author) -> Result<Report, reports::Refusal> {
    let context = Context {
        author: by,
        entries: &[entry()],
        settings: &settings(),
        now: NOW,
    };
    let decision = decide(of, facts, role, &context)?;
    let sealed = of.contacts.clone().unwrap();
    let revision = revision(ReportStage::Complement);
    Ok(amended(of, facts.clone(), sealed, decision, revision))
}

#[test]
fn the_agency_alone_names_regions_and_what_it_named_stays_for_the_declarant() {
    let (declarant, agent) = (author(Role::Declarant), author(Role::RegionalAgent));
    let with_regions = |codes: &[&str]| Facts {
        regions: codes.iter().map(|code| code.parse().unwrap()).collect(),
        ..facts()
    };
    let of = report(&facts());
    let two = with_regions(&["84", "76"]);
    assert_eq!(
        amend(&of, &two, Role::Declarant, &declarant).unwrap_err(),
        reports::Refusal::RegionsNotYours
    );
    let named = amend(&of, &two, Role::RegionalAgent, &agent).unwrap();
    assert!(named.visible_to.contains(&region("76")));
    let described = Facts {
        description: "Tout est chiffré.".to_owned().try_into().unwrap(),
        ..two
    };
    assert!(amend(&named, &described, Role::Declarant, &declarant).is_ok());
}

#[test]
fn an_agent_amends_nothing_out_of_his_region() {
    let of = report(&facts());
    let elsewhere = Author {
        region: "76".parse().ok(),
        ..author(Role::RegionalAgent)
    };
    assert_eq!(
        amend(&of, &facts(), Role::RegionalAgent, &elsewhere).unwrap_err(),
        reports::Refusal::RegionNotYours
    );
}

#[test]
fn an_amendment_is_judged_as_if_it_had_been_declared_so() {
    let declarant = author(Role::Declarant);
    let completed = amend(&report(&facts()), &degraded(), Role::Declarant, &declarant);
    let at_once = report(&degraded());
    let completed = completed.unwrap();
    assert_eq!(completed.visible_to, at_once.visible_to);
    assert!(completed.visible_to.contains(&Party::HealthAuthority));
    assert_eq!(completed.structure, at_once.structure);
    assert_eq!(completed.routing_region, at_once.routing_region);
}

proptest! {
    #[test]
    fn nobody_who_sees_a_report_ever_loses_sight_of_it(
        cares in proptest::collection::vec(0..4, 1..6),
        regions in subsequence(Region::ALL.to_vec(), 0..4),
    ) {
        let agent = author(Role::RegionalAgent);
        let mut now = report(&degraded());
        for care in cares {
            let before = now.visible_to.clone();
            let impacts = Impacts { care: CareImpact::known(care), ..Impacts::default() };
            let said = Facts { impacts, regions: regions.clone(), ..facts() };
            now = amend(&now, &said, Role::RegionalAgent, &agent).unwrap();
            prop_assert!(now.visible_to.is_superset(&before));
        }
    }
}
