//! A place in the feed, and whether a reader may go on from it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::{
    bytes::Buf,
    encoding::{decode_varint, encode_varint},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long a cursor is good for: as long as notifications are kept.
pub(crate) const CURSOR_LIFE: Duration = Duration::days(30);

/// A place in the feed: a position in each shard of one history of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The history the positions belong to.
    pub(crate) incarnation: Uuid,
    /// When the cursor was given.
    pub(crate) issued_at: OffsetDateTime,
    /// The last position seen, shard by shard.
    pub(crate) positions: Vec<u64>,
}

/// The log as it stands, to judge a cursor by.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// Its present history.
    pub(crate) incarnation: Uuid,
    /// What was dropped, shard by shard: positions up to these.
    pub(crate) floors: Vec<u64>,
    /// The last position of each shard.
    pub(crate) heads: Vec<u64>,
}

/// Why a reader cannot go on from a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorRefusal {
    /// It is not one of this suite's.
    NotOurs,
    /// What follows it is not kept any more, or the history changed.
    Expired,
}

impl Cursor {
    /// Refuses a cursor that is older than what is kept or of another history.
    pub(crate) fn check(&self, bounds: &Bounds, now: OffsetDateTime) -> Result<(), CursorRefusal> {
        if self.incarnation != bounds.incarnation {
            return Err(CursorRefusal::Expired);
        }
        if self.positions.len() != bounds.heads.len() {
            return Err(CursorRefusal::NotOurs);
        }
        let outside =
            |(position, (floor, head)): (&u64, (&u64, &u64))| position < floor || position > head;
        let kept = bounds.floors.iter().zip(&bounds.heads);
        if now - self.issued_at > CURSOR_LIFE || self.positions.iter().zip(kept).any(outside) {
            return Err(CursorRefusal::Expired);
        }
        Ok(())
    }
}

const VERSION: u8 = 1;
const CHECKSUM_LEN: usize = 4;

/// Writes a cursor in its text form: opaque to clients.
///
/// A cursor names positions only, and what is read from it is filtered by what the caller
/// may see, so that a checksum against accidents is enough.
pub(super) fn encode(cursor: &Cursor) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(cursor.incarnation.as_bytes());
    encode_varint(
        cursor.issued_at.unix_timestamp().cast_unsigned(),
        &mut bytes,
    );
    encode_varint(cursor.positions.len() as u64, &mut bytes);
    for &position in &cursor.positions {
        encode_varint(position, &mut bytes);
    }
    let checksum = checksum(&bytes);
    bytes.extend_from_slice(&checksum);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor that [`encode`] wrote; anything else is not ours.
pub(super) fn decode(text: &str) -> Result<Cursor, CursorRefusal> {
    read(text).ok_or(CursorRefusal::NotOurs)
}

fn read(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM_LEN>()?;
    let (version, mut rest) = body.split_first()?;
    if *version != VERSION || checksum(body) != *sum {
        return None;
    }
    let incarnation = Uuid::from_slice(rest.get(..16)?).ok()?;
    rest.advance(16);
    let issued_at = decode_varint(&mut rest).ok()?.cast_signed();
    let issued_at = OffsetDateTime::from_unix_timestamp(issued_at).ok()?;
    let shards = decode_varint(&mut rest).ok()?;
    let positions = (0..shards)
        .map_while(|_| decode_varint(&mut rest).ok())
        .collect::<Vec<_>>();
    let whole = positions.len() as u64 == shards && rest.is_empty();
    whole.then_some(Cursor {
        incarnation,
        issued_at,
        positions,
    })
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let digest = digest(&SHA256, bytes);
    *digest
        .as_ref()
        .first_chunk()
        .expect("a SHA-256 digest is longer than a checksum")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    fn bounds() -> Bounds {
        Bounds {
            incarnation: Uuid::from_u128(7),
            floors: vec![10, 0],
            heads: vec![20, 5],
        }
    }

    fn cursor(positions: &[u64]) -> Cursor {
        Cursor {
            incarnation: Uuid::from_u128(7),
            issued_at: datetime!(2026-11-23 08:00 UTC),
            positions: positions.to_vec(),
        }
    }

    #[test]
    fn a_cursor_is_good_between_floor_and_head_for_thirty_days() {
        let now = datetime!(2026-11-23 08:00 UTC);
        for good in [[10, 0], [20, 5], [15, 3]] {
            assert_eq!(cursor(&good).check(&bounds(), now + CURSOR_LIFE), Ok(()));
        }
        for outside in [[9, 0], [21, 5], [20, 6]] {
            assert_eq!(
                cursor(&outside).check(&bounds(), now),
                Err(CursorRefusal::Expired)
            );
        }
        let late = now + CURSOR_LIFE + Duration::SECOND;
        assert_eq!(
            cursor(&[15, 3]).check(&bounds(), late),
            Err(CursorRefusal::Expired)
        );
    }

    #[test]
    fn a_cursor_of_another_history_is_expired_and_one_of_another_shape_is_not_ours() {
        let now = datetime!(2026-11-23 08:00 UTC);
        let other = Cursor {
            incarnation: Uuid::from_u128(8),
            ..cursor(&[15, 3])
        };
        assert_eq!(other.check(&bounds(), now), Err(CursorRefusal::Expired));
        assert_eq!(
            cursor(&[15]).check(&bounds(), now),
            Err(CursorRefusal::NotOurs)
        );
    }

    fn cursors() -> impl Strategy<Value = Cursor> {
        let positions = proptest::collection::vec(any::<u64>(), 0..16);
        (any::<u128>(), 0_i64..4_000_000_000, positions).prop_map(|(incarnation, at, positions)| {
            Cursor {
                incarnation: Uuid::from_u128(incarnation),
                issued_at: OffsetDateTime::from_unix_timestamp(at).unwrap(),
                positions,
            }
        })
    }

    proptest! {
        #[test]
        fn a_cursor_survives_the_wire(cursor in cursors()) {
            prop_assert_eq!(decode(&encode(&cursor)), Ok(cursor));
        }

        #[test]
        fn no_other_text_is_taken_for_a_cursor(text in "[A-Za-z0-9_-]{0,80}") {
            prop_assert!(decode(&text).is_err());
        }

        #[test]
        fn a_changed_character_is_found(cursor in cursors(), place in any::<prop::sample::Index>()) {
            let mut text = encode(&cursor).into_bytes();
            let place = place.index(text.len());
            text[place] = if text[place] == b'A' { b'B' } else { b'A' };
            prop_assert!(decode(std::str::from_utf8(&text).unwrap()).is_err());
        }
    }
}
