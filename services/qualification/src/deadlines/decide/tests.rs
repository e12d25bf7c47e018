//! What a clock says after what was sent, and of what it reminds.

use proptest::prelude::*;
use time::{Duration, macros::datetime};
use vocabulary::{
    DataImpact, DataNature, DeadlineTerm, Impacts, Line, Origin, OriginType, ReportStage,
};

use super::*;

const AWARE: OffsetDateTime = datetime!(2026-11-20 18:00 UTC);
const DECLARED: OffsetDateTime = datetime!(2026-11-20 19:00 UTC);

fn pack() -> DeadlinePack {
    let line = || Line::try_from("art. 23(4)".to_owned()).unwrap();
    let term = |length| DeadlineTerm {
        length,
        legal_basis: line(),
    };
    DeadlinePack {
        version: Line::try_from("1".to_owned()).unwrap(),
        early_warning: term(24),
        notification: term(72),
        final_report: term(1),
        progress_report: line(),
    }
}

fn tick(reached: Option<(ReportStage, OffsetDateTime)>) -> ReportTick {
    ReportTick {
        aware_at: AWARE,
        received_at: DECLARED,
        reached,
        owes_cnil: false,
    }
}

fn clock() -> ReportClock {
    started(&tick(None), Some(pack()))
}

fn started(tick: &ReportTick, pack: Option<DeadlinePack>) -> ReportClock {
    ReportClock::start(Some(ReportKind::Incident), DECLARED, tick, pack)
}

/// The reminders: what of, from which side, when.
fn reminded(clock: &ReportClock) -> Vec<(Duty, Side, OffsetDateTime)> {
    let reminders = clock.reminders().into_iter();
    reminders.map(|it| (it.of, it.side, it.at)).collect()
}

/// What each reminder says at its own moment.
fn said(clock: &ReportClock) -> Vec<Option<CaseActivity>> {
    let reminders = clock.reminders();
    let said = reminders.iter().map(|it| clock.says(it, it.at));
    said.collect()
}

#[test]
fn a_reminder_comes_before_and_after_the_deadline() {
    assert_eq!(
        reminded(&clock()),
        [
            (Duty::Report, Side::Before, datetime!(2026-11-23 00:00 UTC)),
            (Duty::Report, Side::After, datetime!(2026-11-23 18:00 UTC)),
        ]
    );
    assert_eq!(
        said(&clock()),
        [
            Some(CaseActivity::NotificationDue),
            Some(CaseActivity::NotificationOverdue)
        ]
    );
    assert!(started(&tick(None), None).reminders().is_empty());
}

#[test]
fn a_structure_is_not_reminded_of_what_was_past_when_it_declared() {
    let late = ReportTick {
        received_at: datetime!(2026-11-23 00:00 UTC),
        ..tick(None)
    };
    let late = started(&late, Some(pack()));
    let sides: Vec<_> = late.reminders().iter().map(|it| it.side).collect();
    assert_eq!(sides, [Side::After]);
    let later = ReportTick {
        received_at: datetime!(2026-11-23 18:00 UTC),
        ..tick(None)
    };
    assert!(started(&later, Some(pack())).reminders().is_empty());
}

#[test]
fn what_was_sent_is_reminded_of_no_more_and_of_what_comes_late_the_last_alone_tells() {
    let [before, after] = clock().reminders()[..] else {
        panic!("two reminders of the notification");
    };
    let sent = datetime!(2026-11-22 08:00 UTC);
    let notified = clock().amended(&tick(Some((ReportStage::Complement, sent))));
    for reminder in [before, after] {
        assert_eq!(notified.says(&reminder, reminder.at), None);
    }
    // Everything was down meanwhile.
    let afterwards = after.due_at + Duration::DAY;
    assert_eq!(clock().says(&before, afterwards), None);
    let overdue = Some(CaseActivity::NotificationOverdue);
    assert_eq!(clock().says(&after, afterwards), overdue);
    assert_eq!(
        said(&notified),
        [
            Some(CaseActivity::FinalReportDue),
            Some(CaseActivity::ProgressReportOverdue)
        ]
    );
    let handled = notified.handled(sent, sent);
    assert_eq!(said(&handled)[1], Some(CaseActivity::FinalReportOverdue));
}

#[test]
fn who_heard_of_an_amendment_alone_knows_what_it_satisfied() {
    let at = datetime!(2026-11-22 08:00 UTC);
    let clock = started(&tick(Some((ReportStage::Complement, at))), Some(pack()));
    assert_eq!(clock.next_due_at(), Some(datetime!(2026-12-22 08:00 UTC)));
}

#[test]
fn the_cnil_is_reminded_of_once_without_a_pack_and_not_when_it_was_notified() {
    let breach = ReportTick {
        owes_cnil: true,
        ..tick(None)
    };
    let clock = started(&breach, None);
    assert_eq!(
        reminded(&clock),
        [(Duty::Cnil, Side::Before, datetime!(2026-11-23 00:00 UTC))]
    );
    assert_eq!(said(&clock), [Some(CaseActivity::CnilDue)]);
    let reminder = clock.reminders()[0];
    // However late, but not once its time is over.
    let late = reminder.due_at - Duration::SECOND;
    assert_eq!(clock.says(&reminder, late), Some(CaseActivity::CnilDue));
    assert_eq!(clock.says(&reminder, reminder.due_at), None);
    let notified = clock.amended(&tick(Some((ReportStage::FirstDeclaration, DECLARED))));
    assert_eq!(notified.says(&reminder, reminder.at), None);
    // It was known earlier than was said at first: the clock of the CNIL moves.
    let corrected = ReportTick {
        aware_at: AWARE - Duration::HOUR,
        ..breach
    };
    let corrected = clock.amended(&corrected);
    assert_eq!(corrected.says(&reminder, reminder.at), None);
    assert_eq!(reminded(&corrected).len(), 1);
}

#[test]
fn a_breach_of_personal_data_is_owed_to_the_cnil_until_somebody_says_that_it_was_notified() {
    let impacts = Impacts {
        data: [DataImpact::Disclosure].into(),
        data_natures: [DataNature::Health].into(),
        ..Impacts::default()
    };
    let none = Impacts::default();
    let owed = |impacts: &Impacts, cnil_notified| {
        BreachFacts {
            kind: Some(ReportKind::Incident),
            impacts,
            origin: Some(Origin::Malicious),
            origin_types: &[OriginType::DataExfiltration].into(),
            cnil_notified,
        }
        .owe_cnil()
    };
    assert!(owed(&impacts, None) && owed(&impacts, Some(false)));
    assert!(!owed(&impacts, Some(true)) && !owed(&none, None));
}

#[test]
fn what_a_restore_lost_is_due_again() {
    let sent = datetime!(2026-11-22 08:00 UTC);
    let notified = clock().amended(&tick(Some((ReportStage::Complement, sent))));
    assert_eq!(notified.restored(&tick(None)), clock());
}

#[test]
fn a_clock_that_missed_an_amendment_or_a_resolution_does_not_know() {
    let mut case = crate::cases::tests::opened();
    let clock = clock().knowing(1);
    assert!(clock.knows(&case));
    case.report.revision = 2;
    assert!(!clock.knows(&case) && clock.knowing(2).knows(&case));
    case.resolution = Some(crate::cases::tests::resolution());
    assert!(!clock.knowing(2).knows(&case));
    let over_at = case.resolution.as_ref().unwrap().resolved_at;
    assert!(clock.knowing(2).handled(over_at, over_at).knows(&case));
}

proptest! {
    #[test]
    fn a_clock_is_read_back_as_it_was_kept(
        hours in proptest::collection::vec((0_i64..2_000, 0_usize..4), 0..6),
        with_pack: bool,
    ) {
        let mut clock = started(&tick(None), with_pack.then(pack));
        for (hour, what) in hours {
            let at = DECLARED + Duration::hours(hour);
            clock = match what {
                0 => clock.handled(at, at),
                stage => clock.amended(&tick(Some((ReportStage::ALL[stage - 1], at)))),
            };
            // Whatever is reminded of is still due, and comes after the last word.
            for reminder in clock.reminders() {
                prop_assert!(reminder.at > clock.told_at);
                prop_assert!(clock.says(&reminder, reminder.at).is_some());
            }
        }
        let kept = serde_json::to_value(&clock).unwrap();
        prop_assert_eq!(serde_json::from_value::<ReportClock>(kept).unwrap(), clock);
    }
}
