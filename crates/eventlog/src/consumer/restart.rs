//! Starts a consumer from a snapshot of the producer's state.

use sqlx::PgConnection;

use super::{
    ConsumerContext, StepError,
    batch::{Intent, settle},
    fetch::{BATCH, Producer},
    offset::{self, Offset, Offsets, Parked},
};
use crate::{ApplyError, Description, Event, transaction::roll_back};

/// How far a snapshot came that broke off.
pub(super) struct SnapshotProgress {
    /// The offsets that it was to replace.
    offsets: Offsets,
    /// Where the log stood at its beginning: what changed since follows from there.
    beginning: Description,
    /// Names what was applied.
    cursor: String,
}

/// Applies the producer's full state, then sets the offsets to the heads that go
/// with it. Anyone else who moves the offsets meanwhile wins.
///
/// What breaks off is kept, and gone on with the next time: a large state would
/// never be read to its end where connections seldom live so long.
pub(super) async fn from_snapshot(
    context: &ConsumerContext,
    producer: &mut Producer,
    offsets: &Offsets,
    snapshot_progress: &mut Option<SnapshotProgress>,
) -> Result<(), StepError> {
    let earlier = snapshot_progress
        .take()
        .filter(|earlier| earlier.offsets == *offsets);
    tracing::info!(
        eventlog.consumer = context.name,
        eventlog.producer = context.producer,
        resumed = earlier.is_some(),
        "starting from a snapshot of the producer's state",
    );
    let mut progress = earlier;
    let done = go_on(context, producer, offsets, &mut progress).await;
    if matches!(done, Err(StepError::Retry(_))) {
        *snapshot_progress = progress;
    }
    done
}

async fn go_on(
    context: &ConsumerContext,
    producer: &mut Producer,
    offsets: &Offsets,
    progress: &mut Option<SnapshotProgress>,
) -> Result<(), StepError> {
    let after = progress.as_ref().map(|earlier| earlier.cursor.clone());
    let mut incoming = producer.snapshot(after.unwrap_or_default()).await?;
    let beginning = match progress {
        None => incoming.description.clone(),
        Some(earlier) if earlier.beginning.incarnation == incoming.description.incarnation => {
            earlier.beginning.clone()
        }
        // What was applied is of another history.
        Some(_) => return Err(StepError::Moved),
    };
    if incoming.description.heads.len() != offsets.shards.len() {
        return Err(StepError::Stop(
            "the log has another number of shards".to_owned(),
        ));
    }
    while let Some(part) = incoming.next().await? {
        for (shard, events) in part.events {
            let expected = offsets.shards[usize::from(shard)];
            for part in events.chunks(usize::from(BATCH)) {
                if apply(context, expected, part).await? == PartOutcome::Moved {
                    return Err(StepError::Moved);
                }
            }
        }
        if !part.cursor.is_empty() {
            *progress = Some(SnapshotProgress {
                offsets: offsets.clone(),
                beginning: beginning.clone(),
                cursor: part.cursor,
            });
        }
    }
    let mut transaction = context.pool.begin().await?;
    for &expected in &offsets.shards {
        if !is_unmoved(&mut transaction, context, expected).await? {
            return Err(StepError::Moved);
        }
    }
    let heads: Vec<(u16, u64)> = (0..).zip(beginning.heads.iter().copied()).collect();
    offset::set(&mut transaction, context, beginning.incarnation, &heads).await?;
    transaction.commit().await?;
    Ok(())
}

/// Applies the events of a snapshot, which have no positions, while the offset
/// still is where the restart found it.
async fn apply(
    context: &ConsumerContext,
    expected: Offset,
    events: &[Event],
) -> Result<PartOutcome, platform::Error> {
    let mut done = 0;
    let mut size = events.len();
    while done < events.len() {
        let part = &events[done..(done + size).min(events.len())];
        let mut intent = Intent::Apply;
        let outcome = loop {
            match attempt(context, expected, part, intent).await {
                Err(ApplyError::Poison(class))
                    if part.len() == 1 && matches!(intent, Intent::Apply) =>
                {
                    intent = Intent::Park(class);
                }
                outcome => break outcome,
            }
        };
        match outcome {
            Ok(PartOutcome::Applied) => {
                done += part.len();
                size *= 2;
            }
            Ok(PartOutcome::Moved) => return Ok(PartOutcome::Moved),
            Err(ApplyError::Poison(_)) => size = (part.len() / 2).max(1),
            Err(ApplyError::Transient(error)) => return Err(error),
        }
    }
    Ok(PartOutcome::Applied)
}

/// What became of a part of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartOutcome {
    Applied,
    /// Another replica finished first, or an operator stepped in.
    Moved,
}

async fn attempt(
    context: &ConsumerContext,
    expected: Offset,
    events: &[Event],
    intent: Intent,
) -> Result<PartOutcome, ApplyError> {
    let mut transaction = context.pool.begin().await?;
    match attempt_within(&mut transaction, context, expected, events, intent).await {
        Ok(PartOutcome::Applied) => {
            transaction.commit().await?;
            context.apply.committed();
            Ok(PartOutcome::Applied)
        }
        other => {
            roll_back(transaction).await;
            other
        }
    }
}

async fn attempt_within(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    expected: Offset,
    events: &[Event],
    intent: Intent,
) -> Result<PartOutcome, ApplyError> {
    if !is_unmoved(conn, context, expected).await? {
        return Ok(PartOutcome::Moved);
    }
    settle(conn, context, events, Parked::Something, intent).await?;
    Ok(PartOutcome::Applied)
}

/// Takes an offset and sees whether it still is where the restart found it. Waits
/// for a replica that has it: whoever gave up instead would begin the whole
/// snapshot anew, and two replicas would keep each other from ever ending it.
async fn is_unmoved(
    conn: &mut PgConnection,
    context: &ConsumerContext,
    expected: Offset,
) -> Result<bool, sqlx::Error> {
    let locked = offset::wait_for(conn, context, expected.shard).await?;
    Ok(locked.is_some_and(|locked| {
        !locked.stopped
            && locked.incarnation == expected.incarnation
            && locked.position == expected.position
    }))
}
