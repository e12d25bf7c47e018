//! Applies a batch in the transaction that moves the offset.

use std::{borrow::Cow, collections::HashSet, panic::AssertUnwindSafe};

use futures::FutureExt as _;
#[cfg(feature = "mutants")]
use platform::mutant::Mutant;
use sqlx::PgConnection;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    ConsumerContext,
    fetch::BATCH,
    offset::{self, LockedOffset, Parked},
    parked,
};
use crate::{
    ApplyError, Event,
    segment::{Part, Segment},
    transaction::roll_back,
};

/// How far a batch came.
#[derive(Debug)]
pub(super) struct Progress {
    /// Events applied or parked.
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

/// Applies segments of different shards: together if they fit into a transaction.
/// What fails together is tried shard by shard, so that only the shard at fault
/// waits. Returns how far each shard came.
pub(super) async fn apply(
    context: &ConsumerContext,
    incarnation: Uuid,
    segments: &[Segment],
) -> Vec<Progress> {
    let shards: Vec<Part<'_>> = segments.iter().map(Segment::whole).collect();
    if shards.len() > 1
        && let Ok(attempts) = attempt(context, incarnation, &shards, Intent::Apply).await
    {
        let progress = attempts.into_iter().zip(shards);
        return progress
            .map(|(attempt, shard)| match attempt.obstacle() {
                None => Progress::whole(shard),
                Some(end) => Progress { done: 0, end },
            })
            .collect();
    }
    let mut progress = Vec::with_capacity(shards.len());
    for shard in shards {
        progress.push(apply_in_parts(context, incarnation, shard).await);
    }
    progress
}

/// Applies the events of a shard in batches of a bounded size.
async fn apply_in_parts(context: &ConsumerContext, incarnation: Uuid, shard: Part<'_>) -> Progress {
    let mut done = 0;
    loop {
        let part = shard.slice(done, usize::from(BATCH));
        let progress = apply_by_halves(context, incarnation, part).await;
        done += progress.done;
        // The offset may stand at the end of the part without it: another replica did it.
        let is_whole = progress.done == part.events.len();
        if !is_whole || done >= shard.events.len() {
            return Progress { done, ..progress };
        }
    }
}

/// Applies events of one shard. A part that fails for good is halved until the one
/// event stands alone, which is parked.
async fn apply_by_halves(
    context: &ConsumerContext,
    incarnation: Uuid,
    shard: Part<'_>,
) -> Progress {
    let mut done = 0;
    let mut size = shard.events.len();
    let mut isolation = Isolation::None;
    loop {
        let part = shard.slice(done, size);
        let intent = match isolation {
            Isolation::Poison(class) => Intent::Park(class),
            Isolation::None | Isolation::FailedOnce => Intent::Apply,
        };
        match attempt(context, incarnation, &[part], intent).await {
            Ok(attempts) => {
                if let Some(end) = attempts.into_iter().find_map(Attempt::obstacle) {
                    return Progress { done, end };
                }
                done += part.events.len();
                if done >= shard.events.len() {
                    return Progress::whole(shard);
                }
                size *= 2;
                isolation = Isolation::None;
            }
            Err(ApplyError::Poison(class)) => {
                isolation = match (part.events.len(), isolation) {
                    // Neither parking works nor moving the offset: somebody must see
                    // to the database.
                    (0, _) | (_, Isolation::Poison(_)) => {
                        return Progress {
                            done,
                            end: End::Failed(platform::Error::internal(class)),
                        };
                    }
                    (1, Isolation::FailedOnce) => Isolation::Poison(class),
                    (1, Isolation::None) => Isolation::FailedOnce,
                    (_, Isolation::None | Isolation::FailedOnce) => Isolation::None,
                };
                size = (part.events.len() / 2).max(1);
            }
            Err(ApplyError::Transient(error)) => {
                return Progress {
                    done,
                    end: End::Failed(error),
                };
            }
        }
    }
}

impl Progress {
    /// All of them are done.
    fn whole(shard: Part<'_>) -> Self {
        Self {
            done: shard.events.len(),
            end: End::At(shard.end),
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

/// How often a single event failed when it was applied alone.
#[derive(Clone, Copy)]
enum Isolation {
    /// It did not.
    None,
    /// Once.
    FailedOnce,
    /// Twice: for this reason.
    Poison(&'static str),
}

fn batch_span(context: &ConsumerContext, parts: &[Part<'_>]) -> tracing::Span {
    let events: usize = parts.iter().map(|part| part.events.len()).sum();
    let span = tracing::info_span!(
        "apply events",
        eventlog.consumer = context.name,
        eventlog.producer = context.producer,
        eventlog.shard = tracing::field::Empty,
        eventlog.events = events,
        trace_id = tracing::field::Empty,
    );
    if let [part] = parts {
        span.record("eventlog.shard", part.shard);
        // Several events have several traces: their own spans follow those.
        if let [event] = part.events {
            platform::set_parent(&span, event.traceparent.as_deref());
        }
    }
    span
}

fn record_applied(context: &ConsumerContext, events: &[Event], count: usize) {
    let Some(last) = events.last() else {
        return;
    };
    let labels = context.shard_labels(last.shard);
    context
        .metrics
        .applied
        .get_or_create(&labels)
        .inc_by(count as u64);
    context
        .metrics
        .last_applied
        .get_or_create(&labels)
        .set(last.time.unix_timestamp());
}

/// Applies events in one transaction; says what became of each shard's.
async fn attempt(
    context: &ConsumerContext,
    incarnation: Uuid,
    parts: &[Part<'_>],
    intent: Intent,
) -> Result<Vec<Attempt>, ApplyError> {
    let work = async {
        let mut transaction = context.pool.begin().await?;
        match attempt_within(&mut transaction, context, incarnation, parts, intent).await {
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
        .instrument(batch_span(context, parts))
        .await?;
    let mut applied = false;
    for (attempt, part) in attempts.iter().zip(parts) {
        if let Attempt::Done(count) = attempt {
            record_applied(context, part.events, *count);
            applied |= *count > 0;
        }
    }
    if applied {
        context.apply.committed();
    }
    Ok(attempts)
}

async fn attempt_within(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    incarnation: Uuid,
    parts: &[Part<'_>],
    intent: Intent,
) -> Result<Vec<Attempt>, ApplyError> {
    let shards: Vec<u16> = parts.iter().map(|part| part.shard).collect();
    let locked = offset::take(conn, context, &shards).await?;
    let mut places: Vec<(u16, u64)> = Vec::with_capacity(shards.len());
    let mut new: Vec<&[Event]> = Vec::with_capacity(shards.len());
    let attempts = parts.iter().map(|part| {
        let Some(locked) = locked.get(&part.shard) else {
            return Attempt::Busy;
        };
        if locked.stopped || locked.incarnation != Some(incarnation) {
            return Attempt::Moved;
        }
        let Some(follow) = follow_on(locked, *part) else {
            return Attempt::Elsewhere(locked.position);
        };
        places.push((part.shard, part.end));
        new.push(follow);
        Attempt::Done(follow.len())
    });
    let attempts: Vec<Attempt> = attempts.collect();
    if places.is_empty() {
        return Ok(attempts);
    }
    let parked = offset::set(conn, context, incarnation, &places).await?;
    #[cfg(feature = "mutants")]
    if Mutant::OffsetOutsideTransaction.is_alive() {
        platform::mutant::cut(conn).await?;
    }
    let new = match new[..] {
        [of_one_shard] => Cow::Borrowed(of_one_shard),
        _ => Cow::Owned(new.concat()),
    };
    settle(conn, context, &new, parked, intent).await?;
    Ok(attempts)
}

/// The events that follow the offset; `None` when the part does not.
fn follow_on<'a>(locked: &LockedOffset, part: Part<'a>) -> Option<&'a [Event]> {
    #[cfg(feature = "mutants")]
    if Mutant::IgnoreGaps.is_alive() {
        let after = part.after.min(locked.position);
        return Part { after, ..part }.follow(locked.position);
    }
    part.follow(locked.position)
}

/// Applies events that are for the consumer, and parks those that cannot be, inside
/// the transaction.
pub(super) async fn settle(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    events: &[Event],
    parked: Parked,
    intent: Intent,
) -> Result<(), ApplyError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut blocked: HashSet<String> = match parked {
        Parked::Nothing => HashSet::new(),
        Parked::Something => parked::subjects_of(conn, context, events).await?,
    };
    let mut to_park: Vec<(&Event, &'static str)> = Vec::new();
    let mut to_apply: Vec<&Event> = Vec::with_capacity(events.len());
    for (place, event) in events.iter().enumerate() {
        let reason = match intent {
            _ if blocked.contains(&event.subject) => Some(parked::BEHIND),
            Intent::Park(class) if place == 0 => Some(class),
            _ if !context.apply.accepts(&event.event_type) => Some(parked::UNKNOWN),
            _ => None,
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
        parked::park(conn, context, &to_park).await?;
    }
    if to_apply.is_empty() {
        return Ok(());
    }
    let to_apply = if to_apply.len() == events.len() {
        Cow::Borrowed(events)
    } else {
        Cow::Owned(to_apply.into_iter().cloned().collect())
    };
    apply_all(conn, context, &to_apply).await
}

/// Applies events; a panic is a failure like another, and the transaction it left
/// behind is rolled back.
pub(super) async fn apply_all(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    events: &[Event],
) -> Result<(), ApplyError> {
    AssertUnwindSafe(context.apply.apply(conn, events))
        .catch_unwind()
        .await
        .unwrap_or(Err(ApplyError::Poison("panic")))
}
