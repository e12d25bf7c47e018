//! A place among the changes of cases, and whether a stream may go on from it.

use platform::{Error, PageToken, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A place in the log: a position in each shard of one history of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The history that the positions belong to.
    pub(super) incarnation: Uuid,
    /// The last position seen, shard by shard.
    pub(super) positions: Vec<u64>,
}

/// Tells these tokens from those of lists. A cursor names positions only, and what follows it
/// is filtered by what the caller may see: it needs no signature.
const NAME: &[u8] = b"changes of cases";

impl Cursor {
    /// Its text, opaque to clients.
    pub(super) fn encode(&self) -> String {
        PageToken::encode(self, NAME)
    }

    /// Reads a text that [`Self::encode`] wrote; `None` of an empty one.
    pub(super) fn decode(text: &str) -> Result<Option<Self>> {
        PageToken::decode(text, NAME).map_err(|_| {
            let why = "n'est pas un curseur de ce service";
            Error::invalid("cursor", "BAD_CURSOR", why)
        })
    }

    /// Whether all that follows it is still known, in a log that was dropped up to `floors` and
    /// reaches to the positions of `log`.
    pub(super) fn is_kept(&self, floors: &[u64], log: &Self) -> bool {
        let mut bounds = self.positions.iter().zip(floors.iter().zip(&log.positions));
        self.incarnation == log.incarnation
            && self.positions.len() == log.positions.len()
            && bounds.all(|(at, (floor, head))| floor <= at && at <= head)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor(positions: &[u64]) -> Cursor {
        Cursor {
            incarnation: Uuid::from_u128(7),
            positions: positions.to_vec(),
        }
    }

    #[test]
    fn what_follows_a_cursor_is_known_between_floor_and_head_of_the_same_history() {
        let log = cursor(&[20, 5]);
        for good in [[10, 0], [20, 5], [15, 3]] {
            assert!(cursor(&good).is_kept(&[10, 0], &log), "{good:?}");
        }
        for outside in [[9, 0], [21, 5], [20, 6]] {
            assert!(!cursor(&outside).is_kept(&[10, 0], &log), "{outside:?}");
        }
        assert!(!cursor(&[15]).is_kept(&[10, 0], &log));
        let other = Cursor {
            incarnation: Uuid::from_u128(8),
            ..cursor(&[15, 3])
        };
        assert!(!other.is_kept(&[10, 0], &log));
    }

    proptest! {
        #[test]
        fn a_cursor_survives_the_wire_and_no_other_text_is_taken_for_one(
            positions in proptest::collection::vec(any::<u64>(), 0..16),
            text in "[A-Za-z0-9_-]{1,80}",
        ) {
            let cursor = cursor(&positions);
            prop_assert_eq!(Cursor::decode(&cursor.encode()).unwrap(), Some(cursor));
            prop_assert!(Cursor::decode(&text).is_err());
        }
    }
}
