//! How fast a case was led (délais de traitement): what was reached when, against the targets
//! of the installation.

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use platform::Result;

/// Within how many hours of the declaration each step is to be reached; none where nothing
/// was promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets {
    /// The first message or request of the cell or an agency to the structure.
    pub(crate) first_contact: Option<Duration>,
    /// The first qualification.
    pub(crate) qualified: Option<Duration>,
    /// The resolution that the structure declared last.
    pub(crate) resolved: Option<Duration>,
    /// The closure that holds.
    pub(crate) closed: Option<Duration>,
}

/// A step on the way of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    FirstContact,
    Qualified,
    Resolved,
    Closed,
}

/// When a step was reached, and until when it was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Milestone {
    pub(super) step: Step,
    pub(super) reached_at: Option<OffsetDateTime>,
    pub(super) target_at: Option<OffsetDateTime>,
    /// It was reached after its target, or is not reached and its target is past.
    pub(super) late: bool,
}

/// When the steps of a case were reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) first_contact: Option<OffsetDateTime>,
    pub(super) qualified: Option<OffsetDateTime>,
    pub(super) resolved: Option<OffsetDateTime>,
    pub(super) closed: Option<OffsetDateTime>,
}

/// The milestones of a case, in their order. What ended otherwise than by its closure is
/// late with nothing that it never reached.
pub(super) fn milestones(
    declared_at: OffsetDateTime,
    reached: &Reached,
    is_ended: bool,
    targets: &Targets,
    now: OffsetDateTime,
) -> [Milestone; 4] {
    let steps = [
        (
            Step::FirstContact,
            reached.first_contact,
            targets.first_contact,
        ),
        (Step::Qualified, reached.qualified, targets.qualified),
        (Step::Resolved, reached.resolved, targets.resolved),
        (Step::Closed, reached.closed, targets.closed),
    ];
    steps.map(|(step, reached_at, target)| {
        let target_at = target.and_then(|target| declared_at.checked_add(target));
        let at = reached_at.or((!is_ended).then_some(now));
        Milestone {
            step,
            reached_at,
            target_at,
            late: at.zip(target_at).is_some_and(|(at, target)| at > target),
        }
    })
}

/// Reads when the steps of a case were reached.
pub(super) async fn read(conn: &mut PgConnection, case_id: Uuid) -> Result<Reached> {
    let row = sqlx::query_file_as!(Reached, "src/cases/sql/milestones.sql", case_id);
    Ok(row.fetch_one(conn).await?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const DECLARED: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

    fn after(hours: i64) -> OffsetDateTime {
        DECLARED + Duration::hours(hours)
    }

    #[test]
    fn what_is_reached_after_its_target_or_not_yet_though_it_is_past_is_late() {
        let targets = Targets {
            first_contact: Some(Duration::hours(2)),
            qualified: Some(Duration::hours(8)),
            resolved: None,
            closed: Some(Duration::hours(100)),
        };
        let reached = Reached {
            first_contact: Some(after(3)),
            resolved: Some(after(50)),
            ..Reached::default()
        };
        let late = |is_ended, now| {
            milestones(DECLARED, &reached, is_ended, &targets, now).map(|it| it.late)
        };
        assert_eq!(late(false, after(4)), [true, false, false, false]);
        assert_eq!(late(false, after(9)), [true, true, false, false]);
        assert_eq!(late(false, after(101)), [true, true, false, true]);
        // A false alarm was never to be qualified.
        assert_eq!(late(true, after(101)), [true, false, false, false]);
        let first = milestones(DECLARED, &reached, false, &targets, after(4))[0];
        assert_eq!(first.target_at, Some(after(2)));
        assert_eq!(first.reached_at, Some(after(3)));
    }

    proptest! {
        #[test]
        fn nothing_is_late_where_nothing_was_promised(hours in 0_i64..100_000) {
            let shown = milestones(
                DECLARED, &Reached::default(), false, &Targets::default(), after(hours));
            prop_assert!(shown.iter().all(|it| !it.late && it.target_at.is_none()));
        }
    }
}
