//! Deadlines as those see them who see their case.

use proto::qualification::v1 as pb;
use time::OffsetDateTime;

use super::ReportClock;
use crate::cases::Case;

/// A case as it is shown, with what is owed of it until when. Of what is ended nothing is
/// overdue.
pub(crate) fn with_deadlines(
    shown: pb::Case,
    case: &Case,
    clock: Option<&ReportClock>,
    now: OffsetDateTime,
) -> pb::Case {
    let goes_on = !case.is_ended();
    let counted = clock.and_then(|clock| clock.deadlines(now));
    let deadlines = counted.iter().flat_map(|(pack, deadlines)| {
        let deadlines = deadlines.iter();
        deadlines.map(|it| service::deadline(pack, it, goes_on && it.is_overdue(now)))
    });
    let deadlines: Vec<_> = deadlines.collect();
    let awaits_answer = case.answer_due_at.is_some_and(|due_at| due_at <= now);
    pb::Case {
        overdue: goes_on && awaits_answer || deadlines.iter().any(|it| it.overdue),
        deadlines,
        ..shown
    }
}
