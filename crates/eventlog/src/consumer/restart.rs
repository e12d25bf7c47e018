//! Starts a consumer from a snapshot of the producer's state.

use super::{
    Core, Trouble,
    batch::{self, Snapped},
    fetch::{BATCH, Producer},
    offset::{self, Offsets},
};

/// Applies the producer's full state, then sets the offsets to the heads that go
/// with it. Anyone else who moves the offsets meanwhile wins.
pub(super) async fn from_snapshot(
    core: &Core,
    producer: &mut Producer,
    offsets: &Offsets,
) -> Result<(), Trouble> {
    tracing::info!(
        consumer = core.name,
        producer = core.producer,
        "starting from a snapshot of the producer's state",
    );
    let mut incoming = producer.snapshot().await?;
    if incoming.description.heads.len() != offsets.0.len() {
        return Err(Trouble::Stop(
            "the log has another number of shards".to_owned(),
        ));
    }
    while let Some(events) = incoming.next().await? {
        for (shard, events) in events {
            let expected = offsets.0[usize::from(shard)];
            for part in events.chunks(usize::from(BATCH)) {
                if batch::apply_snapshot(core, expected, part).await? == Snapped::Moved {
                    return Err(Trouble::Moved);
                }
            }
        }
    }
    let mut transaction = core.pool.begin().await?;
    for (expected, &head) in offsets.0.iter().zip(&incoming.description.heads) {
        let held = offset::take(&mut transaction, core, expected.shard).await?;
        let unmoved = held.is_some_and(|held| {
            held.incarnation == expected.incarnation && held.position == expected.position
        });
        if !unmoved {
            return Err(Trouble::Moved);
        }
        offset::set(
            &mut transaction,
            core,
            expected.shard,
            incoming.description.incarnation,
            head,
        )
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}
