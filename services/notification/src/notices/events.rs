//! Events of intake and qualification, applied: what they lead to is decided,
//! remembered and announced in the transaction that moves the offset.

use std::collections::BTreeSet;

use async_trait::async_trait;
use eventlog::{ApplyError, Event, NewEvent};
use service::{
    Feature,
    jobs::{add_jobs, add_new_jobs},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Channel, Notice, ReportProjection,
    decide::{Decision, decide},
    incoming::{self, IncomingEvent, ParsedEvent},
    store::{self, NewNotification},
};
use crate::{
    deliveries::{Addressing, Told, add_to_digests},
    feed::{CURSOR_LIFE, item},
    metrics::ServiceMetrics,
};

/// Applies the events of reports and cases by telling of them.
pub(crate) struct NoticeEvents {
    /// Turns notices into the jobs of their channels.
    pub(crate) addressing: Addressing,
    /// What the service tells about itself.
    pub(crate) metrics: ServiceMetrics,
}

/// An event with what it leads to.
type Decided<'a> = (&'a Event, ParsedEvent, Decision);

#[async_trait]
impl Feature for NoticeEvents {
    async fn apply(
        &self,
        conn: &mut PgConnection,
        events: &[Event],
    ) -> Result<Vec<NewEvent>, ApplyError> {
        let now = platform::now();
        let decisions = decide_all(conn, events, now).await?;
        let all: Vec<NewNotification> = decisions.iter().flat_map(candidates).collect();
        let new = store::record(conn, &all, now).await?;
        let (mut raised, mut entries) = (Vec::new(), Vec::new());
        let (mut new_jobs, mut jobs) = (Vec::new(), Vec::new());
        for decided in &decisions {
            let (event, parsed, decision) = decided;
            event.span().in_scope(|| {
                raised.extend(self.raised(decided, &new, now)?);
                // An event whose lines were raised before had its jobs added with them.
                let ids = candidates(decided).map(|candidate| candidate.notification_id);
                let lines = Lines::of(ids, &new);
                if lines == Lines::Known {
                    return Ok(());
                }
                let told = Told {
                    report_id: parsed.trigger.report_id(),
                    entered_at: event.time,
                    summary: &decision.summary,
                    known: &decision.known,
                    traceparent: traceparent(event),
                    now,
                };
                for notice in &decision.notices {
                    let of_notice = self.addressing.jobs(notice, &told);
                    // A digest is of many events, and what waited is of an earlier one.
                    let is_its_own =
                        notice.cause == event.id && !matches!(notice.channel, Channel::Digest(_));
                    if lines == Lines::New && is_its_own {
                        new_jobs.extend(of_notice);
                    } else {
                        jobs.extend(of_notice);
                    }
                    entries.extend(Addressing::digest_entry(notice, &told));
                }
                Ok::<_, ApplyError>(())
            })?;
        }
        add_to_digests(conn, &entries).await?;
        add_new_jobs(conn, &new_jobs, now).await?;
        add_jobs(conn, &jobs, now).await?;
        Ok(raised)
    }
}

/// An event about to be decided on.
struct Undecided<'a> {
    event: &'a Event,
    incoming: IncomingEvent,
    decision: Option<Decision>,
}

/// Decides on events in their order, and keeps what is known of their reports.
async fn decide_all<'e>(
    conn: &mut PgConnection,
    events: &'e [Event],
    now: OffsetDateTime,
) -> Result<Vec<Decided<'e>>, ApplyError> {
    let incoming = events.iter().map(|event| {
        incoming::parse(event).map(|incoming| Undecided {
            event,
            incoming,
            decision: None,
        })
    });
    let mut undecided: Vec<Undecided<'_>> = incoming.collect::<Result<_, _>>()?;
    let report_ids: BTreeSet<Uuid> = undecided.iter().map(|it| it.incoming.report_id()).collect();
    let mut report_ids: Vec<Uuid> = report_ids.into_iter().collect();
    // Of a report that the consumer of the other log has kept meanwhile, it is decided anew.
    while !report_ids.is_empty() {
        let mut known = store::take(conn, &report_ids).await?;
        let taken: BTreeSet<Uuid> = known.keys().copied().collect();
        for it in &mut undecided {
            let report_id = it.incoming.report_id();
            if report_ids.binary_search(&report_id).is_ok() {
                it.decide(known.entry(report_id).or_default(), now);
            }
        }
        report_ids = store::keep(conn, &known, &taken).await?;
    }
    let decided = undecided.into_iter().filter_map(|it| match it.incoming {
        IncomingEvent::Parsed(parsed) => Some((it.event, *parsed, it.decision?)),
        IncomingEvent::ContactsErased(_) => None,
    });
    Ok(decided.collect())
}

impl Undecided<'_> {
    /// Decides by what is known of the report, and adds to that.
    fn decide(&mut self, report: &mut ReportProjection, now: OffsetDateTime) {
        let parsed = match &self.incoming {
            IncomingEvent::Parsed(parsed) => parsed,
            IncomingEvent::ContactsErased(_) => {
                (report.sealed_contacts, report.data_key) = (None, None);
                return;
            }
        };
        let mut decision = decide(self.event.id, &parsed.trigger, report);
        *report = decision.known.clone();
        if is_history(self.event, now) {
            decision.notices.clear();
        }
        self.decision = Some(decision);
    }
}

/// The lines of the feed among the notices of an event.
fn lines<'a>((_, _, decision): &'a Decided<'_>) -> impl Iterator<Item = &'a Notice> {
    let notices = decision.notices.iter();
    notices.filter(|notice| notice.channel == Channel::Feed)
}

fn candidates<'a>(decided: &'a Decided<'_>) -> impl Iterator<Item = NewNotification> + 'a {
    let (event, parsed, _) = decided;
    lines(decided).map(|notice| NewNotification {
        notification_id: item::notification_id(event.id, notice.rule),
        event_id: event.id,
        rule: notice.rule.name(),
        report_id: parsed.trigger.report_id(),
    })
}

/// What was raised before of the lines of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    /// Nothing.
    New,
    /// All of them.
    Known,
    /// Some of them, or it has none: whether it was applied before is not known.
    Mixed,
}

impl Lines {
    fn of(ids: impl Iterator<Item = Uuid>, new: &BTreeSet<Uuid>) -> Self {
        let are_new: BTreeSet<bool> = ids.map(|id| new.contains(&id)).collect();
        match (are_new.contains(&true), are_new.contains(&false)) {
            (true, false) => Self::New,
            (false, true) => Self::Known,
            _ => Self::Mixed,
        }
    }
}

impl NoticeEvents {
    /// The lines of the feed that are new.
    fn raised(
        &self,
        decided: &Decided<'_>,
        new: &BTreeSet<Uuid>,
        now: OffsetDateTime,
    ) -> Result<Vec<NewEvent>, ApplyError> {
        let (event, parsed, decision) = decided;
        lines(decided)
            .map(|notice| (notice.rule, item::notification_id(event.id, notice.rule)))
            .filter(|(_, id)| new.contains(id))
            .map(|(rule, id)| {
                self.metrics.raised(rule);
                let Decision { summary, known, .. } = decision;
                let payload = item::raised(
                    id,
                    rule,
                    &parsed.trigger,
                    &parsed.subject,
                    summary,
                    known,
                    now,
                )?;
                let subject = format!("report/{}", parsed.trigger.report_id());
                let raised = NewEvent::new(id, subject, now, &payload);
                Ok(raised.with_traceparent(traceparent(event)))
            })
            .collect()
    }
}

/// Whether an event only tells how things stood: one of a snapshot, older than
/// what the feed keeps. A service that starts anew, years after the others, is
/// handed all reports; it must not write to everybody about them. What comes
/// from the log itself is applied however late.
fn is_history(event: &Event, now: OffsetDateTime) -> bool {
    event.position == 0 && now - event.time > CURSOR_LIFE
}

/// The trace that goes on: through the span of this event where spans are
/// recorded, else the request's own.
fn traceparent(event: &Event) -> Option<String> {
    platform::traceparent().or_else(|| event.traceparent.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_new_if_all_its_lines_are_and_known_if_none_is() {
        let ids =
            |ids: &[u128]| -> Vec<Uuid> { ids.iter().copied().map(Uuid::from_u128).collect() };
        let new: BTreeSet<Uuid> = ids(&[1, 2]).into_iter().collect();
        for (lines, expected) in [
            (&[1, 2][..], Lines::New),
            (&[3][..], Lines::Known),
            (&[2, 3][..], Lines::Mixed),
            (&[][..], Lines::Mixed),
        ] {
            assert_eq!(Lines::of(ids(lines).into_iter(), &new), expected);
        }
    }
}
