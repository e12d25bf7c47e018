//! The digest that an addressee gets once a day of what was entered afterwards.

use jiff::{Timestamp, civil, tz::TimeZone};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocabulary::derived_id;

use crate::notices::Recipient;

/// The hour at which a digest is due, in Paris, on the day after the one it tells of.
const HOUR: i8 = 7;

/// For how long before it is due a digest takes no more entries: whoever adds one has
/// committed when it is sent.
const CLOSED_BEFORE: Duration = Duration::HOUR;

/// A day of Paris of which a digest tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DigestDay(civil::Date);

impl DigestDay {
    /// The day whose digest tells of a report: that of its entry, so that a replay
    /// meets the digest it was in; the present one when that digest is closed.
    pub(super) fn of(entered_at: OffsetDateTime, now: OffsetDateTime) -> Self {
        let day = Self(date_in_paris(entered_at));
        if now < day.due_at() - CLOSED_BEFORE {
            day
        } else {
            Self(date_in_paris(now))
        }
    }

    /// When the digest of the day is due.
    pub(super) fn due_at(self) -> OffsetDateTime {
        let due = self
            .0
            .tomorrow()
            .and_then(|day| day.at(HOUR, 0, 0, 0).to_zoned(paris()))
            .expect("the calendar does not end tomorrow");
        OffsetDateTime::from_unix_timestamp(due.timestamp().as_second())
            .expect("the calendar of time holds that of jiff")
    }

    /// The id of the digest of the day for a recipient.
    pub(super) fn digest_id(self, recipient: Recipient) -> Uuid {
        let (recipient, day) = (recipient.to_string(), self.0.to_string());
        derived_id("digest", &[recipient.as_bytes(), day.as_bytes()])
    }
}

fn date_in_paris(at: OffsetDateTime) -> civil::Date {
    let at = Timestamp::from_second(at.unix_timestamp())
        .expect("the calendar of jiff holds that of time");
    at.to_zoned(paris()).date()
}

fn paris() -> TimeZone {
    TimeZone::get("Europe/Paris").expect("jiff brings its time zones")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::DigestDay;

    #[test]
    fn a_digest_is_due_in_the_morning_after_the_day_of_the_entry_in_paris() {
        for (entered_at, due_at) in [
            (
                datetime!(2026-11-23 10:00 UTC),
                datetime!(2026-11-24 06:00 UTC),
            ),
            // After midnight in Paris.
            (
                datetime!(2026-11-23 23:30 UTC),
                datetime!(2026-11-25 06:00 UTC),
            ),
            // The clock goes forward in the night.
            (
                datetime!(2026-03-28 10:00 UTC),
                datetime!(2026-03-29 05:00 UTC),
            ),
        ] {
            assert_eq!(DigestDay::of(entered_at, entered_at).due_at(), due_at);
        }
    }

    #[test]
    fn a_replay_meets_the_same_digest_until_it_is_closed_and_then_another() {
        let entered_at = datetime!(2026-11-23 10:00 UTC);
        let day = DigestDay::of(entered_at, entered_at);
        let open = datetime!(2026-11-24 04:59 UTC);
        assert_eq!(DigestDay::of(entered_at, open), day);
        let closed = datetime!(2026-11-24 05:00 UTC);
        let next = DigestDay::of(entered_at, closed);
        assert_eq!(next.due_at(), datetime!(2026-11-25 06:00 UTC));
    }
}
