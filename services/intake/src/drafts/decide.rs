//! Which draft may be saved.

use time::{Duration, OffsetDateTime};

use super::{MAX_DRAFTS, Times};

/// Why a draft is not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The draft that was seen is not there any more.
    NotFound,
    /// The draft changed since it was seen.
    EtagMismatch,
    /// The author keeps as many drafts as may be.
    TooMany,
}

/// Decides when a draft is saved: in the place of the one that was `kept` under its id, or
/// beside the `others` of its author. An empty `etag` stands for any.
pub(super) fn save(
    kept: Option<Times>,
    etag: &str,
    others: usize,
    now: OffsetDateTime,
) -> Result<Times, Refusal> {
    match kept {
        None if !etag.is_empty() => Err(Refusal::NotFound),
        None if others >= MAX_DRAFTS => Err(Refusal::TooMany),
        None => Ok(Times {
            created_at: now,
            saved_at: now,
        }),
        Some(kept) if !etag.is_empty() && etag != kept.etag() => Err(Refusal::EtagMismatch),
        // Two replicas may read their clocks at the same moment, or one of them late.
        Some(kept) => Ok(Times {
            saved_at: now.max(kept.saved_at + Duration::MICROSECOND),
            ..kept
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-23 09:00 UTC);

    fn kept() -> Times {
        let created_at = NOW - Duration::hours(2);
        Times {
            created_at,
            saved_at: created_at + Duration::HOUR,
        }
    }

    #[test]
    fn a_draft_is_replaced_by_who_saw_it_or_does_not_ask_to_have_seen_it() {
        let saved = Ok(Times {
            saved_at: NOW,
            ..kept()
        });
        assert_eq!(save(Some(kept()), "", 0, NOW), saved);
        assert_eq!(save(Some(kept()), &kept().etag(), 0, NOW), saved);
        let stale = save(Some(kept()), "1", 0, NOW);
        assert_eq!(stale, Err(Refusal::EtagMismatch));
        assert_eq!(save(None, &kept().etag(), 0, NOW), Err(Refusal::NotFound));
    }

    #[test]
    fn an_author_with_all_the_drafts_that_may_be_begins_no_other_and_goes_on_with_his_own() {
        assert!(save(None, "", MAX_DRAFTS - 1, NOW).is_ok());
        assert_eq!(save(None, "", MAX_DRAFTS, NOW), Err(Refusal::TooMany));
        assert!(save(Some(kept()), "", MAX_DRAFTS - 1, NOW).is_ok());
    }

    proptest! {
        #[test]
        fn every_save_has_an_etag_of_its_own_whatever_the_clocks_say(
            clocks in prop::collection::vec(-5_i64..5, 1..20),
        ) {
            let mut times: Option<Times> = None;
            for clock in clocks {
                let etag = times.map(Times::etag).unwrap_or_default();
                let now = NOW + Duration::microseconds(clock);
                let saved = save(times, &etag, 0, now).unwrap();
                prop_assert!(times.is_none_or(|before| saved.saved_at > before.saved_at));
                prop_assert_ne!(saved.etag(), etag);
                prop_assert!(saved.created_at <= saved.saved_at);
                times = Some(saved);
            }
        }
    }
}
