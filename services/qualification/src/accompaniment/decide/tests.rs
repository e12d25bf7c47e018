//! What holds for accompaniment, whatever comes in whatever order.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*, sample::select};
use time::{Duration, macros::datetime};

use super::*;
use crate::accompaniment::transitions::TRANSITIONS;

const START: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

fn words(text: &str) -> Words {
    Words::try_from(text.to_owned()).unwrap()
}

fn person(role: Role) -> Person {
    Person {
        role,
        subject: format!("{role}-1"),
    }
}

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

fn giver(kind: AccompanimentGiver, name: &str) -> Giver {
    Giver {
        kind,
        region: (kind == AccompanimentGiver::Agency).then(|| region("76")),
        name: (!name.is_empty()).then(|| name.to_owned().try_into().unwrap()),
    }
}

fn cell() -> Giver {
    giver(AccompanimentGiver::Cell, "")
}

/// Everything that happens to the accompaniment of one case.
#[derive(Clone, Debug)]
enum Event {
    Ask,
    Offer(Giver),
    Step(usize, Step),
}

/// The accompaniment of one case, in the order of its numbers.
type All = Vec<Accompaniment>;

fn offered(
    all: &[Accompaniment],
    giver: &Giver,
    by: Role,
    now: OffsetDateTime,
) -> Result<Accompaniment, Refusal> {
    let open: Vec<_> = all.iter().filter(|it| it.is_open()).cloned().collect();
    let id = Uuid::from_u128(all.len() as u128);
    offer(
        &open,
        id,
        Uuid::nil(),
        giver,
        &words("offre"),
        person(by),
        now,
    )
}

fn asked(all: &[Accompaniment], by: Role, now: OffsetDateTime) -> Result<Accompaniment, Refusal> {
    let open: Vec<_> = all.iter().filter(|it| it.is_open()).cloned().collect();
    let id = Uuid::from_u128(all.len() as u128);
    ask(&open, id, Uuid::nil(), &words("besoin"), person(by), now)
}

/// Takes in an event; gives back what it changed.
fn happen(
    all: &mut All,
    event: &Event,
    by: Role,
    now: OffsetDateTime,
) -> Result<Accompaniment, Refusal> {
    let changed = match event {
        Event::Ask => asked(all, by, now),
        Event::Offer(giver) => offered(all, giver, by, now),
        Event::Step(which, step) => match all.get(*which) {
            Some(known) => take(known, step, Some(region("76")), person(by), now),
            None => Err(Refusal::AlreadyOpen),
        },
    }?;
    match all.iter_mut().find(|it| it.id == changed.id) {
        Some(known) => *known = changed.clone(),
        None => all.push(changed.clone()),
    }
    Ok(changed)
}

fn events() -> impl Strategy<Value = Vec<(Event, Role)>> {
    let givers = select(vec![
        cell(),
        giver(AccompanimentGiver::Agency, ""),
        giver(AccompanimentGiver::Provider, "Société d'exemple"),
        giver(AccompanimentGiver::Provider, "SOCIETE D’EXEMPLE"),
        giver(AccompanimentGiver::RegionalSupportBody, "e-santé Occitanie"),
    ]);
    let step = select(vec![
        Step::Accept(None),
        Step::Accept(Some(words("oui"))),
        Step::Decline(Some(words("non"))),
        Step::Begin,
        Step::End(words("bilan")),
    ]);
    let event = prop_oneof![
        1 => Just(Event::Ask),
        2 => givers.prop_map(Event::Offer),
        4 => (0..4_usize, step).prop_map(|(which, step)| Event::Step(which, step)),
    ];
    let role = prop_oneof![3 => Just(Role::Analyst), 1 => select(Role::ALL.to_vec())];
    vec((event, role), 0..24)
}

proptest! {
    #[test]
    fn accompaniment_never_leaves_its_table(events in events()) {
        let mut all = All::new();
        for ((event, by), seconds) in events.iter().zip(1..) {
            let now = START + Duration::seconds(seconds);
            let before = all.clone();
            let Ok(changed) = happen(&mut all, event, *by, now) else {
                prop_assert_eq!(&all, &before);
                continue;
            };
            let trigger = match event {
                Event::Step(_, step) => step.trigger(),
                Event::Ask | Event::Offer(_) => Trigger::Offer,
            };
            if let Some(known) = before.iter().find(|it| it.id == changed.id) {
                let to = next_state(known.state, trigger, *by);
                prop_assert_eq!(Some(changed.state), to);
                prop_assert_eq!(changed.revision, known.revision + 1);
            } else {
                let first = [AccompanimentState::Asked, AccompanimentState::Offered];
                prop_assert!(first.contains(&changed.state));
                prop_assert_eq!(changed.revision, 1);
            }
            prop_assert_eq!((changed.changed_at, &changed.actor), (now, &person(*by)));
        }
    }

    #[test]
    fn a_giver_accompanies_once_at_a_time_and_one_request_waits(events in events()) {
        let mut all = All::new();
        for ((event, by), seconds) in events.iter().zip(1..) {
            let _refused = happen(&mut all, event, *by, START + Duration::seconds(seconds));
            let open: Vec<_> = all.iter().filter(|it| it.is_open()).collect();
            let waiting = open.iter().filter(|it| it.state == AccompanimentState::Asked);
            prop_assert!(waiting.count() <= 1);
            let givers = open.iter().filter_map(|it| {
                let name = vocabulary::fold(&it.texts.as_ref()?.giver_name);
                Some((it.giver?, it.giver_region, name))
            });
            let givers: Vec<_> = givers.collect();
            prop_assert_eq!(givers.iter().collect::<BTreeSet<_>>().len(), givers.len());
        }
    }

    #[test]
    fn what_it_went_through_is_dated_in_order_and_an_end_stays(events in events()) {
        let mut all = All::new();
        for ((event, by), seconds) in events.iter().zip(1..) {
            let ended: Vec<_> = all.iter().filter(|it| !it.is_open()).cloned().collect();
            let _refused = happen(&mut all, event, *by, START + Duration::seconds(seconds));
            for it in ended {
                prop_assert!(all.contains(&it));
            }
            for it in &all {
                let dates = [it.asked_at, it.offered_at, it.answered_at, it.begun_at, it.ended_at];
                let dates: Vec<_> = dates.into_iter().flatten().collect();
                prop_assert!(dates.is_sorted());
                prop_assert_eq!(it.ended_at.is_some(), it.state == AccompanimentState::Ended);
                prop_assert_eq!(it.giver.is_some(), it.offered_at.is_some());
            }
        }
    }
}

#[test]
fn no_state_trigger_and_role_has_two_rows_and_no_end_has_one() {
    let keys: BTreeSet<_> = TRANSITIONS
        .iter()
        .map(|row| (row.from, row.trigger, row.by))
        .collect();
    assert_eq!(keys.len(), TRANSITIONS.len());
    for &state in AccompanimentState::ALL {
        let leads_on = TRANSITIONS.iter().any(|row| row.from == state);
        let ended = [AccompanimentState::Declined, AccompanimentState::Ended];
        assert_eq!(leads_on, !ended.contains(&state), "{state}");
    }
}

#[test]
fn an_offer_takes_up_the_request_that_waits() {
    let request = asked(&[], Role::Declarant, START).unwrap();
    let all = [request.clone()];
    let taken_up = offered(&all, &cell(), Role::Analyst, START).unwrap();
    assert_eq!(
        (taken_up.id, taken_up.state),
        (request.id, AccompanimentState::Offered)
    );
    let texts = taken_up.texts.clone().unwrap();
    assert_eq!(
        (texts.need.as_str(), texts.offer.as_str()),
        ("besoin", "offre")
    );
    let all = [taken_up];
    let another = giver(AccompanimentGiver::Provider, "Société d'exemple");
    let another = offered(&all, &another, Role::RegionalAgent, START).unwrap();
    assert_eq!(another.revision, 1);
}

#[test]
fn an_agency_offers_its_own_accompaniment_and_never_the_cells() {
    use AccompanimentGiver::{Agency, Cell, Provider};

    let (own, routed) = (Some(region("28")), Some(region("76")));
    let agent = |kind| agency(kind, Role::RegionalAgent, own, routed);
    assert_eq!(agent(Agency), Ok(own));
    assert_eq!(agent(Cell), Err(Refusal::GiverNotYours));
    assert_eq!(agent(Provider), Ok(None));
    let analyst = |kind, routed| agency(kind, Role::Analyst, None, routed);
    assert_eq!(analyst(Agency, routed), Ok(routed));
    assert_eq!(analyst(Agency, None), Err(Refusal::NoAgency));
    assert_eq!(analyst(Cell, routed), Ok(None));
}

#[test]
fn an_agent_leads_neither_what_the_cell_gives_nor_what_another_agency_does() {
    for (giver, own, leads) in [
        (cell(), region("76"), false),
        (giver(AccompanimentGiver::Agency, ""), region("28"), false),
        (giver(AccompanimentGiver::Agency, ""), region("76"), true),
        (
            giver(AccompanimentGiver::Provider, "Exemple"),
            region("28"),
            true,
        ),
    ] {
        let offered = offered(&[], &giver, Role::Analyst, START).unwrap();
        let end = Step::End(words("sans suite"));
        let ended = take(
            &offered,
            &end,
            Some(own),
            person(Role::RegionalAgent),
            START,
        );
        assert_eq!(ended.is_ok(), leads, "{giver:?}");
        if !leads {
            assert_eq!(ended, Err(Refusal::GiverNotYours));
        }
    }
}

#[test]
fn what_is_erased_ends_without_words() {
    let erased = Accompaniment {
        texts: None,
        ..offered(&[], &cell(), Role::Analyst, START).unwrap()
    };
    let end = Step::End(words("bilan"));
    let ended = take(&erased, &end, None, person(Role::Analyst), START).unwrap();
    assert_eq!(
        (ended.state, ended.texts),
        (AccompanimentState::Ended, None)
    );
}
