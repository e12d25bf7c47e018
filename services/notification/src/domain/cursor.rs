//! A place in the feed, and whether a reader may go on from it.

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

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};
    use uuid::Uuid;

    use super::{Bounds, CURSOR_LIFE, Cursor, CursorRefusal};

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
}
