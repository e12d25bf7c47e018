//! When somebody is called, who, and when the calling ends.

use time::{Duration, OffsetDateTime};
use vocabulary::{Party, is_working_time, next_working_time};

use super::{Acknowledger, Escalation, Person, State};
use crate::cases::Case;

/// At which hours the people of the rota are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hours {
    /// While the cell does not work.
    OutsideWorkingHours,
    /// Day and night.
    Always,
}

/// Decides when an escalation lapses that a case asks for by something that came at a
/// moment; `None` when nobody is to be called of it.
///
/// What stays in the armed forces' own chain, which neither the cell nor the FSSI sees, is
/// not escalated, nor is a test. What came before the working hours that are over since is
/// theirs already.
pub(super) fn lapses_at(
    case: &Case,
    came_at: OffsetDateTime,
    hours: Hours,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let national = [Party::Cell, Party::SecurityOfficer];
    let seen = national.iter().any(|party| case.visible_to.contains(party));
    if !seen || case.report.test || case.is_ended() {
        return None;
    }
    let lapses_at = match hours {
        Hours::OutsideWorkingHours if is_working_time(came_at) => return None,
        Hours::OutsideWorkingHours => next_working_time(came_at),
        Hours::Always => came_at + Duration::DAY,
    };
    (now < lapses_at).then_some(lapses_at)
}

/// What is done when a step of an escalation is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: it was taken, or the escalation is over.
    Nothing,
    /// The next one is called.
    Call,
    /// The calling ends like this.
    End(State),
}

/// Decides what is done at a step of an escalation.
pub(super) fn step(escalation: &Escalation, step: i32, case: &Case, now: OffsetDateTime) -> Step {
    if escalation.state != State::Running || escalation.next_step != step {
        Step::Nothing
    } else if case.is_ended() {
        Step::End(State::CaseEnded)
    } else if now >= escalation.lapses_at {
        Step::End(State::Lapsed)
    } else {
        Step::Call
    }
}

/// When the step after a call is due.
pub(super) fn next_due_at(
    escalation: &Escalation,
    delay: Duration,
    now: OffsetDateTime,
) -> OffsetDateTime {
    (now + delay).min(escalation.lapses_at)
}

/// Whether an operator hears that a step finds nobody on call after so many calls of the
/// escalation: of the first such step, as those after it tell nothing new.
pub(super) fn is_first_gap(step: i32, calls: u64) -> bool {
    u64::try_from(step).is_ok_and(|step| step == calls + 1)
}

/// Who is called after so many calls of a shift: one after the other, and round again.
pub(super) fn called(people: &[Person], calls: u64) -> Option<&Person> {
    let chain = u64::try_from(people.len()).ok()?;
    let place = calls.checked_rem(chain)?;
    people.get(usize::try_from(place).ok()?)
}

/// Why an escalation is not acknowledged: it ended without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Over;

/// Acknowledges an escalation; one that somebody has acknowledged already stays as it is.
pub(super) fn acknowledge(
    escalation: &Escalation,
    by: Acknowledger,
    now: OffsetDateTime,
) -> Result<Escalation, Over> {
    match escalation.state {
        State::Running => Ok(Escalation {
            acknowledged_by: Some(by),
            ..ended(escalation, State::Acknowledged, now)
        }),
        State::Acknowledged => Ok(escalation.clone()),
        State::Lapsed | State::CaseEnded | State::Later => Err(Over),
    }
}

/// An escalation that ends.
pub(super) fn ended(escalation: &Escalation, state: State, now: OffsetDateTime) -> Escalation {
    Escalation {
        state,
        // A command that waited its turn may be older than what it waited for.
        ended_at: Some(now.max(escalation.begun_at)),
        ..escalation.clone()
    }
}

/// Which of these spans begin before an earlier one has ended.
pub(super) fn overlapping(spans: &[(OffsetDateTime, OffsetDateTime)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by_key(|&index| spans[index]);
    let mut taken_until: Option<OffsetDateTime> = None;
    order.retain(|&index| {
        let (starts_at, ends_at) = spans[index];
        let overlaps = taken_until.is_some_and(|until| starts_at < until);
        taken_until = taken_until.max(Some(ends_at));
        overlaps
    });
    order
}

#[cfg(test)]
mod tests;
