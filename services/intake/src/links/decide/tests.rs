//! Who decides on the structure of a report, and who sees it then.

use proptest::{prelude::*, sample::subsequence};
use service::Sealed;
use vocabulary::DeclarantLink;

use super::*;
use crate::reports::{
    Settings, Withdrawal,
    samples::{self, NOW, author, entry},
};

fn report() -> Report {
    Report {
        contacts: Some(Sealed {
            sealed: b"contacts".to_vec(),
            data_key: b"key".to_vec(),
        }),
        ..samples::report()
    }
}

fn admitted(report: &Report, own: &[&str], roles: &[Role]) -> Result<Role, Refusal> {
    let own: Vec<String> = own.iter().map(|&party| party.to_owned()).collect();
    admit(report, &own, &roles.iter().copied().collect(), "", None)
}

fn after(report: &Report, kind: LinkDecisionKind, site: Option<&Structure>) -> Report {
    let settings = Settings {
        emergency_phone: "09 72 43 91 25".to_owned(),
        agency_mail_domain: "ars.example.org".to_owned(),
        deadlines: None.into(),
    };
    let entries = [site.cloned().unwrap_or_else(entry)];
    let context = Context {
        author: &author(Role::Analyst),
        entries: &entries,
        settings: &settings,
        now: NOW,
    };
    decided(report, kind, site, &context).unwrap().0
}

fn toulouse() -> Structure {
    Structure {
        finess: "310781406".parse().unwrap(),
        legal_entity: None,
        siret: None,
        region: "76".parse().ok(),
        department: "31".parse().unwrap(),
        ..entry()
    }
}

#[test]
fn the_cell_and_the_agency_where_it_is_routed_decide_and_nobody_else() {
    use Role::{Analyst, Declarant, RegionalAgent};
    let mut of = report();
    of.visible_to.insert(Party::Region("76".parse().unwrap()));
    assert_eq!(admitted(&of, &["cell"], &[Analyst]), Ok(Analyst));
    assert_eq!(
        admitted(&of, &["ars:84"], &[RegionalAgent]),
        Ok(RegionalAgent)
    );
    for (own, roles) in [
        (&["ars:76"][..], &[RegionalAgent][..]),
        (&["ars:84"], &[Role::Integration]),
        (&["subject:alice"], &[Declarant]),
        (&["structure:finess:010000024"], &[Declarant]),
        (&["fssi"], &[Role::SecurityOfficer]),
        (&["cell"], &[]),
    ] {
        assert_eq!(admitted(&of, own, roles), Err(Refusal::NotYours), "{own:?}");
    }
    let unplaced = Report {
        routing_region: RoutingRegion::National,
        ..of
    };
    let agent = admitted(&unplaced, &["ars:84"], &[RegionalAgent]);
    assert_eq!(agent, Err(Refusal::NotYours));
}

#[test]
fn the_cell_alone_attaches_a_report_to_a_hospital_of_the_armed_forces() {
    let of = report();
    let hospital = Structure {
        kind: StructureKind::ArmedForcesHospital,
        ..toulouse()
    };
    let elsewhere = toulouse();
    let admitted = |own: &str, role, site| admit(&of, &[own.to_owned()], &[role].into(), "", site);
    let agent = |site| admitted("ars:84", Role::RegionalAgent, site);
    assert_eq!(agent(Some(&hospital)), Err(Refusal::NotYours));
    assert_eq!(agent(Some(&elsewhere)), Ok(Role::RegionalAgent));
    let analyst = admitted("cell", Role::Analyst, Some(&hospital));
    assert_eq!(analyst, Ok(Role::Analyst));
}

#[test]
fn a_rejection_is_not_settled_while_a_structure_sees_the_report() {
    let mut of = after(&report(), LinkDecisionKind::Rejected, None);
    let is_settled = |of: &Report| is_settled(of, LinkDecisionKind::Rejected, &of.facts);
    assert!(is_settled(&of));
    of.visible_to.insert(Party::Structure(entry().key()));
    assert!(!is_settled(&of));
    assert!(is_settled(&after(&of, LinkDecisionKind::Rejected, None)));
}

#[test]
fn what_ended_is_decided_on_no_more() {
    let mut of = report();
    let refused = |of: &Report| admitted(of, &["cell"], &[Role::Analyst]);
    assert_eq!(refused(&of), Ok(Role::Analyst));
    of.contacts = None;
    assert_eq!(refused(&of), Err(Refusal::Erased));
    of.withdrawal = Some(Withdrawal {
        at: NOW,
        reason: "Fausse alerte".to_owned(),
    });
    assert_eq!(refused(&of), Err(Refusal::Withdrawn));
}

#[test]
fn a_link_to_a_site_proves_none_to_another_of_its_legal_entity() {
    let sibling = Structure {
        legal_entity: entry().legal_entity,
        ..toulouse()
    };
    let before = report();
    assert_eq!(before.structure.link, DeclarantLink::Verified);
    let after = after(&before, LinkDecisionKind::Attached, Some(&sibling));
    assert_eq!(after.structure.link, DeclarantLink::Unverified);
}

#[test]
fn another_region_sees_an_attached_report_and_the_declarant_goes_on_seeing_it() {
    let before = report();
    let after = after(&before, LinkDecisionKind::Attached, Some(&toulouse()));
    assert_eq!(after.routing_region.to_string(), "76");
    assert_eq!(after.structure.link, DeclarantLink::Unverified);
    let sees = |slug: &str| after.visible_to.contains(&Party::stored(slug));
    assert!(sees("ars:76") && sees("cell") && sees("fssi") && sees("subject:alice"));
    assert!(!sees("ars:84") && !sees("structure:finess:010000024"));
    let lost = losing(&before, &after);
    assert!(lost.contains(&Party::stored("ars:84")) && !lost.contains(&Party::Cell));
    // Attached back, it is what it was, but for the link, which is open again.
    let back = super::tests::after(&after, LinkDecisionKind::Attached, Some(&entry()));
    assert_eq!(back.routing_region, before.routing_region);
    assert_eq!(back.facts, before.facts);
    assert_eq!(back.structure.link, DeclarantLink::Unverified);
}

proptest! {
    /// Whatever is decided in whatever order, the declarant and the cell go on seeing a report,
    /// and the structure sees it only as long as the link is verified or confirmed.
    #[test]
    fn no_order_of_decisions_takes_a_report_from_its_declarant_or_gives_it_to_a_stranger(
        order in prop::collection::vec(0..4_u8, 0..12),
        later in subsequence(vec!["regulator:eu", "court:fr"], 0..=2),
    ) {
        let mut of = report();
        of.visible_to.extend(later.iter().map(|slug| Party::stored(slug)));
        for step in order {
            of = match step {
                0 => after(&of, LinkDecisionKind::Confirmed, None),
                1 => after(&of, LinkDecisionKind::Rejected, None),
                2 => after(&of, LinkDecisionKind::Attached, Some(&entry())),
                _ => after(&of, LinkDecisionKind::Attached, Some(&toulouse())),
            };
            let parties = &of.visible_to;
            prop_assert!(parties.contains(&Party::Subject("alice".to_owned())));
            prop_assert!(parties.contains(&Party::Cell));
            for slug in &later {
                prop_assert!(parties.contains(&Party::stored(slug)));
            }
            let structure = parties.iter().any(|party| matches!(party, Party::Structure(_)));
            prop_assert_eq!(structure, of.structure.link.is_verified());
            if of.facts.structure.key() == StructureKey::Finess(toulouse().finess) {
                let key = Party::Structure(entry().key());
                prop_assert!(!parties.contains(&key));
            }
        }
    }
}
