//! Applies a batch in the transaction that moves the offset.

use std::{borrow::Cow, collections::HashSet, panic::AssertUnwindSafe};

use futures::FutureExt as _;
#[cfg(feature = "mutants")]
use platform::mutant::Mutant;
use sqlx::PgConnection;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    Core,
    offset::{self, Held, Parked},
    parked,
};
use crate::{Acceptance, ApplyError, Event, transaction::roll_back};

/// How far a batch came.
#[derive(Debug)]
pub(super) struct Progress {
    /// Events applied, ignored or parked.
    pub(super) done: usize,
    pub(super) end: End,
}

/// Why a batch came no further.
#[derive(Debug)]
pub(super) enum End {
    /// It is done; the shard stands here.
    At(u64),
    /// Another replica works on the shard.
    Busy,
    /// The offset belongs to another history now, or waits for an operator.
    Moved,
    /// It may work later.
    Failed(platform::Error),
}

/// What a transaction does with its events.
#[derive(Clone, Copy, Debug)]
pub(super) enum Intent {
    Apply,
    /// Park the first event for this reason.
    Park(&'static str),
}

/// What a transaction came to.
enum Attempt {
    /// The events are dealt with.
    Done(usize),
    /// The offset is elsewhere than the events begin.
    Elsewhere(u64),
    Busy,
    Moved,
}

/// Applies events that follow each other in one shard. A part that fails for good
/// is halved until the one event stands alone, which is parked.
pub(super) async fn apply(
    core: &Core,
    incarnation: Uuid,
    shard: u16,
    events: &[Event],
) -> Progress {
    let mut done = 0;
    let mut size = events.len();
    let mut verdict = Verdict::Innocent;
    while done < events.len() {
        let part = &events[done..(done + size).min(events.len())];
        let intent = match verdict {
            Verdict::Guilty(class) => Intent::Park(class),
            Verdict::Innocent | Verdict::Suspected => Intent::Apply,
        };
        let span = batch_span(core, shard, part);
        match platform::in_time(attempt(core, incarnation, shard, part, intent))
            .instrument(span)
            .await
        {
            Ok(Attempt::Done(count)) => {
                note(core, shard, part, count);
                done += part.len();
                size *= 2;
                verdict = Verdict::Innocent;
            }
            Ok(Attempt::Elsewhere(position)) => {
                return Progress {
                    done,
                    end: End::At(position),
                };
            }
            Ok(Attempt::Busy) => {
                return Progress {
                    done,
                    end: End::Busy,
                };
            }
            Ok(Attempt::Moved) => {
                return Progress {
                    done,
                    end: End::Moved,
                };
            }
            Err(ApplyError::Poison(class)) => {
                verdict = match (part.len(), verdict) {
                    // Not even parking works: somebody must see to the database.
                    (_, Verdict::Guilty(_)) => {
                        return Progress {
                            done,
                            end: End::Failed(platform::Error::internal(class)),
                        };
                    }
                    (1, Verdict::Suspected) => Verdict::Guilty(class),
                    (1, Verdict::Innocent) => Verdict::Suspected,
                    (_, Verdict::Innocent | Verdict::Suspected) => Verdict::Innocent,
                };
                size = (part.len() / 2).max(1);
            }
            Err(ApplyError::Transient(error)) => {
                return Progress {
                    done,
                    end: End::Failed(error),
                };
            }
        }
    }
    let end = End::At(events.last().map_or(0, |event| event.position));
    Progress { done, end }
}

/// What is held against a single event.
#[derive(Clone, Copy)]
enum Verdict {
    Innocent,
    /// It failed alone, once.
    Suspected,
    /// It failed alone, twice.
    Guilty(&'static str),
}

fn batch_span(core: &Core, shard: u16, events: &[Event]) -> tracing::Span {
    let span = tracing::info_span!(
        "apply events",
        eventlog.consumer = core.name,
        eventlog.producer = core.producer,
        eventlog.shard = shard,
        eventlog.events = events.len(),
    );
    // Several events have several traces: their own spans follow those.
    if let [event] = events {
        platform::follow(&span, event.traceparent.as_deref());
    }
    span
}

fn note(core: &Core, shard: u16, events: &[Event], count: usize) {
    let labels = core.shard_labels(shard);
    core.metrics
        .applied
        .get_or_create(&labels)
        .inc_by(count as u64);
    if let Some(last) = events.last() {
        core.metrics
            .last_applied
            .get_or_create(&labels)
            .set(last.time.unix_timestamp());
    }
}

async fn attempt(
    core: &Core,
    incarnation: Uuid,
    shard: u16,
    events: &[Event],
    intent: Intent,
) -> Result<Attempt, ApplyError> {
    let mut transaction = core.pool.begin().await?;
    match attempt_within(&mut transaction, core, incarnation, shard, events, intent).await {
        Ok(Attempt::Done(count)) => {
            #[cfg(feature = "mutants")]
            platform::mutant::crash_point();
            transaction.commit().await?;
            #[cfg(feature = "mutants")]
            platform::mutant::crash_point();
            core.apply.committed();
            Ok(Attempt::Done(count))
        }
        other => {
            roll_back(transaction).await;
            other
        }
    }
}

async fn attempt_within(
    conn: &mut PgConnection,
    core: &Core,
    incarnation: Uuid,
    shard: u16,
    events: &[Event],
    intent: Intent,
) -> Result<Attempt, ApplyError> {
    let Some(held) = offset::take(conn, core, shard).await? else {
        return Ok(Attempt::Busy);
    };
    if held.stopped || held.incarnation != Some(incarnation) {
        return Ok(Attempt::Moved);
    }
    let Some(new) = follow_on(&held, events) else {
        return Ok(Attempt::Elsewhere(held.position));
    };
    let last = new.last().map_or(held.position, |event| event.position);
    let parked = offset::set(conn, core, shard, incarnation, last).await?;
    #[cfg(feature = "mutants")]
    if Mutant::OffsetOutsideTransaction.is_alive() {
        platform::mutant::cut(conn).await?;
    }
    settle(conn, core, shard, new, parked, intent).await?;
    Ok(Attempt::Done(new.len()))
}

/// The events that follow the offset; `None` when none does.
fn follow_on<'a>(held: &Held, events: &'a [Event]) -> Option<&'a [Event]> {
    #[cfg(feature = "mutants")]
    if Mutant::IgnoreGaps.is_alive() {
        let later = |event: &Event| event.position > held.position;
        return Some(&events[events.iter().position(later)?..]);
    }
    let place = events
        .iter()
        .position(|event| event.position == held.position + 1)?;
    Some(&events[place..])
}

/// Applies events, and parks those that cannot be, inside the transaction.
pub(super) async fn settle(
    conn: &mut PgConnection,
    core: &Core,
    shard: u16,
    events: &[Event],
    parked: Parked,
    intent: Intent,
) -> Result<(), ApplyError> {
    let mut blocked: HashSet<String> = match parked {
        Parked::Nothing => HashSet::new(),
        Parked::Something => parked::subjects_of(conn, core, shard, events).await?,
    };
    let mut to_park: Vec<(&Event, &'static str)> = Vec::new();
    let mut to_apply: Vec<&Event> = Vec::with_capacity(events.len());
    for (place, event) in events.iter().enumerate() {
        let reason = match (core.apply.accepts(&event.event_type), intent) {
            (Acceptance::Ignore, _) => continue,
            _ if blocked.contains(&event.subject) => Some(parked::BEHIND),
            (_, Intent::Park(class)) if place == 0 => Some(class),
            (Acceptance::Park, _) => Some(parked::UNKNOWN),
            (Acceptance::Apply, _) => None,
        };
        match reason {
            None => to_apply.push(event),
            Some(reason) => {
                blocked.insert(event.subject.clone());
                to_park.push((event, reason));
            }
        }
    }
    if !to_park.is_empty() {
        parked::park(conn, core, &to_park).await?;
    }
    if to_apply.is_empty() {
        return Ok(());
    }
    let to_apply = if to_apply.len() == events.len() {
        Cow::Borrowed(events)
    } else {
        Cow::Owned(to_apply.into_iter().cloned().collect())
    };
    apply_all(conn, core, shard, &to_apply).await
}

/// Applies events; a panic is a failure like another, and the transaction it left
/// behind is rolled back.
pub(super) async fn apply_all(
    conn: &mut PgConnection,
    core: &Core,
    shard: u16,
    events: &[Event],
) -> Result<(), ApplyError> {
    AssertUnwindSafe(core.apply.apply(conn, shard, events))
        .catch_unwind()
        .await
        .unwrap_or(Err(ApplyError::Poison("panic")))
}
