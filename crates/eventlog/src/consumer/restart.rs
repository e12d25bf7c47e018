//! Starts a consumer from a snapshot of the producer's state.

use sqlx::PgConnection;

use super::{
    Core, Trouble,
    batch::{Intent, settle},
    fetch::{BATCH, Producer},
    offset::{self, Offset, Offsets, Parked},
};
use crate::{ApplyError, Description, Event, transaction::roll_back};

/// A snapshot that broke off.
pub(super) struct BrokenOff {
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
    core: &Core,
    producer: &mut Producer,
    offsets: &Offsets,
    broken_off: &mut Option<BrokenOff>,
) -> Result<(), Trouble> {
    let earlier = broken_off
        .take()
        .filter(|earlier| earlier.offsets == *offsets);
    tracing::info!(
        eventlog.consumer = core.name,
        eventlog.producer = core.producer,
        resumed = earlier.is_some(),
        "starting from a snapshot of the producer's state",
    );
    let mut progress = earlier;
    let done = go_on(core, producer, offsets, &mut progress).await;
    if matches!(done, Err(Trouble::Later(_))) {
        *broken_off = progress;
    }
    done
}

async fn go_on(
    core: &Core,
    producer: &mut Producer,
    offsets: &Offsets,
    progress: &mut Option<BrokenOff>,
) -> Result<(), Trouble> {
    let after = progress.as_ref().map(|earlier| earlier.cursor.clone());
    let mut incoming = producer.snapshot(after.unwrap_or_default()).await?;
    let beginning = match progress {
        None => incoming.description.clone(),
        Some(earlier) if earlier.beginning.incarnation == incoming.description.incarnation => {
            earlier.beginning.clone()
        }
        // What was applied is of another history.
        Some(_) => return Err(Trouble::Moved),
    };
    if incoming.description.heads.len() != offsets.shards.len() {
        return Err(Trouble::Stop(
            "the log has another number of shards".to_owned(),
        ));
    }
    while let Some(part) = incoming.next().await? {
        for (shard, events) in part.events {
            let expected = offsets.shards[usize::from(shard)];
            for part in events.chunks(usize::from(BATCH)) {
                if apply(core, expected, part).await? == Snapped::Moved {
                    return Err(Trouble::Moved);
                }
            }
        }
        if !part.cursor.is_empty() {
            *progress = Some(BrokenOff {
                offsets: offsets.clone(),
                beginning: beginning.clone(),
                cursor: part.cursor,
            });
        }
    }
    let mut transaction = core.pool.begin().await?;
    for &expected in &offsets.shards {
        if !is_unmoved(&mut transaction, core, expected).await? {
            return Err(Trouble::Moved);
        }
    }
    let heads: Vec<(u16, u64)> = (0..).zip(beginning.heads.iter().copied()).collect();
    offset::set(&mut transaction, core, beginning.incarnation, &heads).await?;
    transaction.commit().await?;
    Ok(())
}

/// Applies the events of a snapshot, which have no positions, while the offset
/// still is where the restart found it.
async fn apply(
    core: &Core,
    expected: Offset,
    events: &[Event],
) -> Result<Snapped, platform::Error> {
    let mut done = 0;
    let mut size = events.len();
    while done < events.len() {
        let part = &events[done..(done + size).min(events.len())];
        let mut intent = Intent::Apply;
        let outcome = loop {
            match attempt(core, expected, part, intent).await {
                Err(ApplyError::Poison(class))
                    if part.len() == 1 && matches!(intent, Intent::Apply) =>
                {
                    intent = Intent::Park(class);
                }
                outcome => break outcome,
            }
        };
        match outcome {
            Ok(Snapped::Applied) => {
                done += part.len();
                size *= 2;
            }
            Ok(Snapped::Moved) => return Ok(Snapped::Moved),
            Err(ApplyError::Poison(_)) => size = (part.len() / 2).max(1),
            Err(ApplyError::Transient(error)) => return Err(error),
        }
    }
    Ok(Snapped::Applied)
}

/// What became of a part of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Snapped {
    Applied,
    /// Another replica finished first, or an operator stepped in.
    Moved,
}

async fn attempt(
    core: &Core,
    expected: Offset,
    events: &[Event],
    intent: Intent,
) -> Result<Snapped, ApplyError> {
    let mut transaction = core.pool.begin().await?;
    match attempt_within(&mut transaction, core, expected, events, intent).await {
        Ok(Snapped::Applied) => {
            transaction.commit().await?;
            core.apply.committed();
            Ok(Snapped::Applied)
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
    expected: Offset,
    events: &[Event],
    intent: Intent,
) -> Result<Snapped, ApplyError> {
    if !is_unmoved(conn, core, expected).await? {
        return Ok(Snapped::Moved);
    }
    settle(conn, core, events, Parked::Something, intent).await?;
    Ok(Snapped::Applied)
}

/// Takes an offset and sees whether it still is where the restart found it. Waits
/// for a replica that has it: whoever gave up instead would begin the whole
/// snapshot anew, and two replicas would keep each other from ever ending it.
async fn is_unmoved(
    conn: &mut PgConnection,
    core: &Core,
    expected: Offset,
) -> Result<bool, sqlx::Error> {
    let held = offset::wait_for(conn, core, expected.shard).await?;
    Ok(held.is_some_and(|held| {
        !held.stopped
            && held.incarnation == expected.incarnation
            && held.position == expected.position
    }))
}
