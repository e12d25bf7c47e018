//! Identifiers and shards that follow from what they stand for.

use aws_lc_rs::digest::{Context, SHA256, digest};
use time::OffsetDateTime;
use uuid::{Builder, Uuid, Version};

/// How many bytes of a UUIDv7 are its moment, in milliseconds (RFC 9562, section 5.7).
const MOMENT: usize = 6;

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

/// Like [`derived_id`], but beginning with the moment of what it follows from at once: where
/// `cause` begins with one (UUIDv7), so does the identifier, and is laid out as version 7 too.
/// Keys then arrive nearly in order, and an index costs the same however long it is.
///
/// From any other cause it is that of [`derived_id`].
pub fn derived_after(cause: Uuid, namespace: &str, parts: &[&[u8]]) -> Uuid {
    let id = derived_id(namespace, parts);
    if begins_with_moment(cause) {
        beginning_with(&cause.as_bytes()[..MOMENT], id)
    } else {
        id
    }
}

/// Like [`derived_after`], for what comes of `about` later: beginning with the moment at which
/// it comes.
pub fn derived_at(at: OffsetDateTime, about: Uuid, namespace: &str, parts: &[&[u8]]) -> Uuid {
    let id = derived_id(namespace, parts);
    if begins_with_moment(about) {
        let milliseconds = u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        beginning_with(&milliseconds.to_be_bytes()[8 - MOMENT..], id)
    } else {
        id
    }
}

fn begins_with_moment(id: Uuid) -> bool {
    id.get_version() == Some(Version::SortRand)
}

fn beginning_with(moment: &[u8], id: Uuid) -> Uuid {
    let mut bytes = id.into_bytes();
    bytes[..MOMENT].copy_from_slice(moment);
    let ordered = Builder::from_bytes(bytes).with_version(Version::SortRand);
    ordered.into_uuid()
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
    use time::macros::datetime;
    use uuid::uuid;

    use super::*;

    #[test]
    fn ids_and_shards_stay_what_they_were_for_ever() {
        let id = derived_id("report", &[b"subject", b"request"]);
        assert_eq!(id.to_string(), PINNED_ID);
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(shard_of("report/0", 8), PINNED_SHARD);
    }

    const ORDERED: Uuid = uuid!("019f1b2c-3d4e-7abc-8def-0123456789ab");
    const AT: OffsetDateTime = datetime!(2026-11-29 14:00:00.123_456 UTC);

    #[test]
    fn what_follows_from_an_ordered_id_at_once_begins_with_its_moment() {
        let id = derived_after(ORDERED, "case", &[ORDERED.as_bytes()]);
        let next = derived_after(id, "case_changed", &[id.as_bytes()]);
        assert_ne!(next, id);
        for id in [id, next] {
            assert_eq!(id.as_bytes()[..6], ORDERED.as_bytes()[..6]);
            assert_eq!(id.get_version_num(), 7);
        }
    }

    #[test]
    fn what_comes_of_an_ordered_id_later_begins_with_its_own_moment() {
        let id = derived_at(AT, ORDERED, "case_changed", &[b"2"]);
        let (seconds, nanos) = id.get_timestamp().expect("a moment").to_unix();
        assert_eq!((seconds, nanos), (1_795_960_800, 123_000_000));
        assert_eq!(derived_at(AT, ORDERED, "case_changed", &[b"2"]), id);
        assert_ne!(derived_at(AT, ORDERED, "case_changed", &[b"3"]), id);
    }

    #[test]
    fn what_follows_from_any_other_id_stays_what_it_was() {
        let about = derived_id("report", &[b"subject", b"request"]);
        let parts: [&[u8]; 1] = [about.as_bytes()];
        let id = derived_id("case", &parts);
        assert_eq!(derived_after(about, "case", &parts), id);
        assert_eq!(derived_at(AT, about, "case", &parts), id);
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
