//! Identifiers and shards that follow from what they stand for.

use aws_lc_rs::digest::{Context, SHA256, digest};
use uuid::Uuid;

/// The identifier of what follows from a cause: always the same for the same
/// namespace and parts, so that doing something twice meets what exists. A
/// UUIDv8 from the SHA-256 of the parts, each preceded by its length.
pub fn derived_id(namespace: &str, parts: &[&[u8]]) -> Uuid {
    let mut context = Context::new(&SHA256);
    for part in std::iter::once(namespace.as_bytes()).chain(parts.iter().copied()) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let hash = context.finish();
    let bytes = hash.as_ref()[..16]
        .try_into()
        .expect("a SHA-256 has 32 bytes");
    Uuid::new_v8(bytes)
}

/// The shard of a subject: a stable hash, fixed at installation with the number
/// of shards.
pub fn shard_of(subject: &str, shards: u16) -> u16 {
    let hash = digest(&SHA256, subject.as_bytes());
    let bytes = hash.as_ref()[..8]
        .try_into()
        .expect("a SHA-256 has 32 bytes");
    let shard = u64::from_be_bytes(bytes) % u64::from(shards.max(1));
    u16::try_from(shard).expect("a shard is below their number")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_and_shards_stay_what_they_were_for_ever() {
        let id = derived_id("report", &[b"subject", b"request"]);
        assert_eq!(id.to_string(), PINNED_ID);
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(shard_of("report/0", 8), PINNED_SHARD);
    }

    const PINNED_ID: &str = "19f16b69-2039-8b65-94e1-f631846b1aaf";
    const PINNED_SHARD: u16 = 3;

    proptest! {
        #[test]
        fn moving_a_byte_from_one_part_to_the_next_gives_another_id(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..5), 2..4),
        ) {
            let mut moved = parts.clone();
            let byte = moved[0].pop().expect("parts are not empty");
            moved[1].insert(0, byte);
            let id = |parts: &[Vec<u8>]| {
                derived_id("x", &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_ne!(id(&parts), id(&moved));
        }

        #[test]
        fn every_subject_has_a_shard(subject in "\\PC*", shards in 1_u16..64) {
            prop_assert!(shard_of(&subject, shards) < shards);
        }
    }
}
