//! What is owed until when, and what satisfies it.

use proptest::prelude::*;
use rstest::rstest;
use time::macros::datetime;

use super::*;
use crate::paris_date;

const AWARE: OffsetDateTime = datetime!(2026-11-20 18:00 UTC);

/// After everything.
const END: OffsetDateTime = datetime!(9999-12-31 23:59 UTC);

fn pack() -> DeadlinePack {
    let term = |length, article: &str| DeadlineTerm {
        length,
        legal_basis: Line::try_from(article.to_owned()).unwrap(),
    };
    DeadlinePack {
        version: Line::try_from("1".to_owned()).unwrap(),
        early_warning: term(24, "art. 23(4)(a)"),
        notification: term(72, "art. 23(4)(b)"),
        final_report: term(1, "art. 23(4)(d)"),
        progress_report: Line::try_from("art. 23(4)(e)".to_owned()).unwrap(),
    }
}

fn declared() -> ReportMoments {
    ReportMoments::declared(ReportKind::Incident, AWARE, AWARE + Duration::HOUR).unwrap()
}

/// What is owed at a moment: kind, due, satisfied.
fn owed(
    moments: &ReportMoments,
    now: OffsetDateTime,
) -> Vec<(&'static str, Option<OffsetDateTime>, Option<OffsetDateTime>)> {
    let deadlines = pack().deadlines(moments, now);
    let shown = deadlines
        .iter()
        .map(|it| (it.kind.as_str(), it.due_at(), it.satisfied_at));
    shown.collect()
}

#[rstest]
#[case::an_ordinary_day(datetime!(2026-11-12 09:30 UTC), datetime!(2026-12-12 09:30 UTC))]
#[case::the_end_of_january(datetime!(2026-01-31 12:00 UTC), datetime!(2026-02-28 12:00 UTC))]
#[case::of_a_leap_year(datetime!(2028-01-31 12:00 UTC), datetime!(2028-02-29 12:00 UTC))]
#[case::the_last_of_february_is_any_day(datetime!(2026-02-28 12:00 UTC), datetime!(2026-03-28 12:00 UTC))]
#[case::over_the_year(datetime!(2026-12-31 12:00 UTC), datetime!(2027-01-31 12:00 UTC))]
// The same hour in Paris, which is another one in UTC after the clocks were changed.
#[case::into_summer(datetime!(2026-03-10 09:00 UTC), datetime!(2026-04-10 08:00 UTC))]
#[case::into_winter(datetime!(2026-10-10 08:00 UTC), datetime!(2026-11-10 09:00 UTC))]
// In Paris it is the 1st of February already.
#[case::the_day_is_that_of_paris(datetime!(2026-01-31 23:30 UTC), datetime!(2026-02-28 23:30 UTC))]
// There is no 2:30 in Paris on 28 March 2027: it is 3:30.
#[case::an_hour_that_is_left_out(datetime!(2027-02-28 01:30 UTC), datetime!(2027-03-28 01:30 UTC))]
fn a_month_ends_on_the_same_day_or_the_last(
    #[case] from: OffsetDateTime,
    #[case] due_at: OffsetDateTime,
) {
    assert_eq!(Term::of_months(from, 1).unwrap().due_at, due_at);
}

proptest! {
    #[test]
    fn a_month_is_never_before_its_base_nor_an_earlier_day_for_a_later_base(
        seconds in 0_i64..4_000_000_000,
        later in 0_i64..100 * 86_400,
        months in 1_u32..25,
    ) {
        let from = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let due = |from, months| Term::of_months(from, months).unwrap().due_at;
        prop_assert!(due(from, months) - from >= Duration::days(28 * i64::from(months)) - Duration::HOUR);
        prop_assert!(due(from, months) - from <= Duration::days(31 * i64::from(months)) + Duration::HOUR);
        let after = from + Duration::seconds(later);
        prop_assert!(paris_date(due(from, months)) <= paris_date(due(after, months)));
        prop_assert!(due(from, months) < due(from, months + 1));
        // Clamped to the last day, or the same.
        let (day, due_day) = (paris_date(from), paris_date(due(from, months)));
        let last = due_day.month().length(due_day.year());
        prop_assert_eq!(due_day.day(), day.day().min(last));
    }

    #[test]
    fn a_reminder_comes_within_the_last_quarter_of_the_term(hours in 1_u32..9_000) {
        let term = Term::of_hours(AWARE, hours).unwrap();
        prop_assert!(term.from < term.reminder_at() && term.reminder_at() < term.due_at);
        prop_assert_eq!((term.due_at - term.reminder_at()) * 4, term.due_at - term.from);
    }

    #[test]
    fn whatever_is_sent_takes_back_nothing_and_is_owed_no_more(
        steps in proptest::collection::vec((0_i64..90 * 86_400, 0_usize..4), 0..8),
    ) {
        let pack = pack();
        let mut moments = declared();
        let mut at = moments.declared_at;
        for (seconds, what) in steps {
            at += Duration::seconds(seconds);
            let before = moments;
            match what {
                0 => moments.handled_at = Some(at),
                stage => moments = pack.amended(&before, ReportStage::ALL[stage - 1], at),
            }
            for (old, new) in [
                (before.notified_at, moments.notified_at),
                (before.progress_at, moments.progress_at),
                (before.final_at, moments.final_at),
            ] {
                prop_assert!(old.is_none() || old == new);
            }
            let deadlines = pack.deadlines(&moments, at);
            let mut kinds: Vec<_> = deadlines.iter().map(|it| it.kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            prop_assert_eq!(kinds.len(), deadlines.len());
            for deadline in &deadlines {
                if let Some(term) = deadline.term {
                    prop_assert!(term.from < term.due_at);
                }
                // What is overdue is what lapses next, or follows it.
                if deadline.is_overdue(at) {
                    let next = pack.next(&moments).unwrap();
                    prop_assert!(next.due_at <= deadline.due_at().unwrap());
                }
            }
            if moments.final_at.is_some() {
                prop_assert!(!deadlines.iter().any(|it| it.is_overdue(END)));
            }
        }
    }
}

#[test]
fn the_clock_of_what_was_declared_starts_with_the_awareness() {
    assert_eq!(
        owed(&declared(), AWARE),
        [
            (
                "early_warning",
                Some(datetime!(2026-11-21 18:00 UTC)),
                Some(datetime!(2026-11-20 19:00 UTC))
            ),
            ("notification", Some(datetime!(2026-11-23 18:00 UTC)), None),
            ("final_report", None, None),
        ]
    );
    let next = pack().next(&declared()).unwrap();
    assert_eq!(next.due_at, datetime!(2026-11-23 18:00 UTC));
    assert_eq!(next.reminder_at(), datetime!(2026-11-23 00:00 UTC));
}

#[test]
fn a_stage_satisfies_its_report_and_those_before_it() {
    let at = datetime!(2026-11-22 08:00 UTC);
    let pack = pack();
    let after = |stage| pack.amended(&declared(), stage, at);
    assert_eq!(after(ReportStage::FirstDeclaration), declared());
    let notified = after(ReportStage::Complement);
    assert_eq!((notified.notified_at, notified.final_at), (Some(at), None));
    let final_report = after(ReportStage::Final);
    assert_eq!(
        (final_report.notified_at, final_report.final_at),
        (Some(at), Some(at))
    );
    assert_eq!(pack.next(&final_report), None);
    // The first one satisfies it, whatever is corrected afterwards.
    let again = pack.amended(&notified, ReportStage::Complement, at + Duration::DAY);
    assert_eq!(again, notified);
}

#[test]
fn the_final_report_counts_from_the_notification() {
    let at = datetime!(2026-11-22 08:00 UTC);
    let notified = pack().amended(&declared(), ReportStage::Complement, at);
    let due = datetime!(2026-12-22 08:00 UTC);
    assert_eq!(owed(&notified, at)[2], ("final_report", Some(due), None));
    let handled = ReportMoments {
        handled_at: Some(due),
        ..notified
    };
    let late = due + Duration::DAY;
    assert_eq!(
        owed(&handled, late)[2..],
        [("final_report", Some(due), None)]
    );
}

#[test]
fn of_what_is_not_handled_in_time_a_progress_report_is_due_first() {
    let at = datetime!(2026-11-22 08:00 UTC);
    let due = datetime!(2026-12-22 08:00 UTC);
    let pack = pack();
    let notified = pack.amended(&declared(), ReportStage::Complement, at);
    let late = due + Duration::DAY;
    assert_eq!(
        owed(&notified, late)[2..],
        [
            ("progress_report", Some(due), None),
            ("final_report", None, None)
        ]
    );
    assert_eq!(pack.next(&notified).unwrap().due_at, due);

    // A word on the way is none; one about the time of the final report is.
    let early = pack.amended(&notified, ReportStage::Complement, at + Duration::DAY);
    assert_eq!(early.progress_at, None);
    let sent = due - Duration::DAY;
    let told = pack.amended(&notified, ReportStage::Complement, sent);
    assert_eq!(
        owed(&told, late)[2..],
        [
            ("progress_report", Some(due), Some(sent)),
            ("final_report", None, None)
        ]
    );
    assert_eq!(pack.next(&told), None);

    let handled = ReportMoments {
        handled_at: Some(datetime!(2027-01-31 10:00 UTC)),
        ..told
    };
    let last = datetime!(2027-02-28 10:00 UTC);
    assert_eq!(owed(&handled, late)[3], ("final_report", Some(last), None));
    assert_eq!(pack.next(&handled).unwrap().due_at, last);
}

#[test]
fn what_is_no_incident_is_owed_by_no_deadline() {
    for &kind in ReportKind::ALL {
        let moments = ReportMoments::declared(kind, AWARE, AWARE);
        assert_eq!(moments.is_some(), kind == ReportKind::Incident, "{kind}");
    }
}
