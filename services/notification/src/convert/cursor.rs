//! The text form of a cursor: opaque to clients.
//!
//! A cursor names positions only, and what is read from it is filtered by what
//! the caller may see, so that a checksum against accidents is enough.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::{
    bytes::Buf,
    encoding::{decode_varint, encode_varint},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::cursor::{Cursor, CursorRefusal};

const VERSION: u8 = 1;
const CHECKSUM_LEN: usize = 4;

/// Writes a cursor.
pub(crate) fn encode(cursor: &Cursor) -> String {
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
pub(crate) fn decode(text: &str) -> Result<Cursor, CursorRefusal> {
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
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::{decode, encode};
    use crate::domain::cursor::Cursor;

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
