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
    fetch::BATCH,
    offset::{self, Held, Parked},
    parked,
};
use crate::{Acceptance, ApplyError, Event, event::by_shard, transaction::roll_back};

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

/// What a transaction did with the events of a shard.
enum Attempt {
    /// They are dealt with: so many, as the others had been before.
    Done(usize),
    /// The offset is elsewhere than the events begin.
    Elsewhere(u64),
    Busy,
    Moved,
}

/// Applies events that follow each other in their shards: together if they fit
/// into a transaction. What fails together is tried shard by shard, so that only
/// the shard at fault waits. Returns how far each shard came.
pub(super) async fn apply(core: &Core, incarnation: Uuid, events: &[Event]) -> Vec<Progress> {
    let shards: Vec<&[Event]> = by_shard(events).collect();
    if shards.len() > 1
        && let Ok(attempts) = attempt(core, incarnation, events, Intent::Apply).await
    {
        let progress = attempts.into_iter().zip(shards);
        return progress
            .map(|(attempt, events)| match attempt.obstacle() {
                None => Progress::whole(events),
                Some(end) => Progress { done: 0, end },
            })
            .collect();
    }
    let mut progress = Vec::with_capacity(shards.len());
    for events in shards {
        progress.push(apply_in_parts(core, incarnation, events).await);
    }
    progress
}

/// Applies the events of a shard in batches of a bounded size.
async fn apply_in_parts(core: &Core, incarnation: Uuid, events: &[Event]) -> Progress {
    let mut done = 0;
    for part in events.chunks(usize::from(BATCH)) {
        let progress = apply_by_halves(core, incarnation, part).await;
        done += progress.done;
        let last = part.last().map(|event| event.position);
        if !matches!(progress.end, End::At(position) if Some(position) == last) {
            return Progress { done, ..progress };
        }
    }
    Progress::whole(events)
}

/// Applies events of one shard. A part that fails for good is halved until the one
/// event stands alone, which is parked.
async fn apply_by_halves(core: &Core, incarnation: Uuid, events: &[Event]) -> Progress {
    let mut done = 0;
    let mut size = events.len();
    let mut verdict = Verdict::Innocent;
    while done < events.len() {
        let part = &events[done..(done + size).min(events.len())];
        let intent = match verdict {
            Verdict::Guilty(class) => Intent::Park(class),
            Verdict::Innocent | Verdict::Suspected => Intent::Apply,
        };
        match attempt(core, incarnation, part, intent).await {
            Ok(attempts) => {
                if let Some(end) = attempts.into_iter().find_map(Attempt::obstacle) {
                    return Progress { done, end };
                }
                done += part.len();
                size *= 2;
                verdict = Verdict::Innocent;
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
    Progress::whole(events)
}

impl Progress {
    /// All of them are done.
    fn whole(events: &[Event]) -> Self {
        Self {
            done: events.len(),
            end: End::At(events.last().map_or(0, |event| event.position)),
        }
    }
}

impl Attempt {
    /// Why the shard came no further; `None` when its events are dealt with.
    fn obstacle(self) -> Option<End> {
        match self {
            Self::Done(_) => None,
            Self::Elsewhere(position) => Some(End::At(position)),
            Self::Busy => Some(End::Busy),
            Self::Moved => Some(End::Moved),
        }
    }
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

fn batch_span(core: &Core, events: &[Event]) -> tracing::Span {
    let span = tracing::info_span!(
        "apply events",
        eventlog.consumer = core.name,
        eventlog.producer = core.producer,
        eventlog.shard = tracing::field::Empty,
        eventlog.events = events.len(),
        trace_id = tracing::field::Empty,
    );
    if by_shard(events).count() == 1 {
        span.record("eventlog.shard", events[0].shard);
    }
    // Several events have several traces: their own spans follow those.
    if let [event] = events {
        platform::set_parent(&span, event.traceparent.as_deref());
    }
    span
}

fn note(core: &Core, events: &[Event], count: usize) {
    let Some(last) = events.last() else {
        return;
    };
    let labels = core.shard_labels(last.shard);
    core.metrics
        .applied
        .get_or_create(&labels)
        .inc_by(count as u64);
    core.metrics
        .last_applied
        .get_or_create(&labels)
        .set(last.time.unix_timestamp());
}

/// Applies events in one transaction; says what became of each shard's.
async fn attempt(
    core: &Core,
    incarnation: Uuid,
    events: &[Event],
    intent: Intent,
) -> Result<Vec<Attempt>, ApplyError> {
    let work = async {
        let mut transaction = core.pool.begin().await?;
        match attempt_within(&mut transaction, core, incarnation, events, intent).await {
            Ok(attempts) => {
                #[cfg(feature = "mutants")]
                platform::mutant::crash_point();
                transaction.commit().await?;
                #[cfg(feature = "mutants")]
                platform::mutant::crash_point();
                Ok(attempts)
            }
            Err(error) => {
                roll_back(transaction).await;
                Err(error)
            }
        }
    };
    let attempts = platform::in_time(work)
        .instrument(batch_span(core, events))
        .await?;
    let mut applied = false;
    for (attempt, events) in attempts.iter().zip(by_shard(events)) {
        if let Attempt::Done(count) = attempt {
            note(core, events, *count);
            applied = true;
        }
    }
    if applied {
        core.apply.committed();
    }
    Ok(attempts)
}

async fn attempt_within(
    conn: &mut PgConnection,
    core: &Core,
    incarnation: Uuid,
    events: &[Event],
    intent: Intent,
) -> Result<Vec<Attempt>, ApplyError> {
    let shards: Vec<u16> = by_shard(events).map(|events| events[0].shard).collect();
    let held = offset::take(conn, core, &shards).await?;
    let mut places: Vec<(u16, u64)> = Vec::with_capacity(shards.len());
    let mut new: Vec<&[Event]> = Vec::with_capacity(shards.len());
    let attempts = by_shard(events).zip(shards).map(|(events, shard)| {
        let Some(held) = held.get(&shard) else {
            return Attempt::Busy;
        };
        if held.stopped || held.incarnation != Some(incarnation) {
            return Attempt::Moved;
        }
        let Some(follow) = follow_on(held, events) else {
            return Attempt::Elsewhere(held.position);
        };
        let last = follow.last().map_or(held.position, |last| last.position);
        places.push((shard, last));
        new.push(follow);
        Attempt::Done(follow.len())
    });
    let attempts: Vec<Attempt> = attempts.collect();
    if new.is_empty() {
        return Ok(attempts);
    }
    let parked = offset::set(conn, core, incarnation, &places).await?;
    #[cfg(feature = "mutants")]
    if Mutant::OffsetOutsideTransaction.is_alive() {
        platform::mutant::cut(conn).await?;
    }
    let count: usize = new.iter().map(|events| events.len()).sum();
    let new = if count == events.len() {
        Cow::Borrowed(events)
    } else {
        Cow::Owned(new.concat())
    };
    settle(conn, core, &new, parked, intent).await?;
    Ok(attempts)
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
    events: &[Event],
    parked: Parked,
    intent: Intent,
) -> Result<(), ApplyError> {
    let mut blocked: HashSet<String> = match parked {
        Parked::Nothing => HashSet::new(),
        Parked::Something => parked::subjects_of(conn, core, events).await?,
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
    apply_all(conn, core, &to_apply).await
}

/// Applies events; a panic is a failure like another, and the transaction it left
/// behind is rolled back.
pub(super) async fn apply_all(
    conn: &mut PgConnection,
    core: &Core,
    events: &[Event],
) -> Result<(), ApplyError> {
    AssertUnwindSafe(core.apply.apply(conn, events))
        .catch_unwind()
        .await
        .unwrap_or(Err(ApplyError::Poison("panic")))
}
