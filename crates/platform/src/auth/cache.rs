//! Tokens that were verified a moment ago.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::digest;
use time::OffsetDateTime;

use crate::Caller;

use super::holds;

/// How many tokens are remembered.
const CAPACITY: usize = 10_000;

/// The SHA-256 of a token: the token itself is never kept.
pub(super) type Fingerprint = [u8; 32];

/// Tokens that were verified with the present keys and have not expired.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    generation: u64,
    callers: HashMap<Fingerprint, Caller>,
}

impl Cache {
    pub(super) fn fingerprint(token: &str) -> Fingerprint {
        digest::digest(&digest::SHA256, token.as_bytes())
            .as_ref()
            .try_into()
            .expect("a SHA-256 digest has 32 bytes")
    }

    /// The caller of a token that was verified with the keys of this generation.
    pub(super) fn get(
        &self,
        fingerprint: &Fingerprint,
        generation: u64,
        now: OffsetDateTime,
    ) -> Option<Caller> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.generation != generation {
            return None;
        }
        let caller = entries.callers.get(fingerprint)?;
        holds(caller.expires_at, now).then(|| caller.clone())
    }

    pub(super) fn put(
        &self,
        fingerprint: Fingerprint,
        generation: u64,
        caller: Caller,
        now: OffsetDateTime,
    ) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A key that was withdrawn takes the tokens that it signed with it.
        if entries.generation != generation {
            entries.generation = generation;
            entries.callers.clear();
        }
        if entries.callers.len() >= CAPACITY {
            entries
                .callers
                .retain(|_, caller| holds(caller.expires_at, now));
        }
        // Still full of living tokens: verifying again is cheaper than a finer choice.
        if entries.callers.len() >= CAPACITY {
            entries.callers.clear();
        }
        entries.callers.insert(fingerprint, caller);
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-02 12:00 UTC);

    fn caller(expires_at: OffsetDateTime) -> Caller {
        Caller {
            expires_at: Some(expires_at),
            ..Caller::anonymous()
        }
    }

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let cache = Cache::default();
        cache.put([1; 32], 1, caller(NOW + Duration::minutes(5)), NOW);
        assert!(cache.get(&[1; 32], 1, NOW).is_some());
        assert!(cache.get(&[2; 32], 1, NOW).is_none());
        assert!(cache.get(&[1; 32], 1, NOW + Duration::minutes(6)).is_none());
    }

    #[test]
    fn a_token_may_last_to_the_end_of_time() {
        let cache = Cache::default();
        let end = time::PrimitiveDateTime::MAX.assume_utc();
        cache.put([1; 32], 1, caller(end), NOW);
        assert!(cache.get(&[1; 32], 1, NOW).is_some());
    }

    #[test]
    fn new_keys_forget_all_tokens() {
        let cache = Cache::default();
        cache.put([1; 32], 1, caller(NOW + Duration::minutes(5)), NOW);
        assert!(cache.get(&[1; 32], 2, NOW).is_none());
    }

    #[test]
    fn the_memory_is_bounded() {
        let cache = Cache::default();
        for number in 0..=CAPACITY {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&number.to_be_bytes());
            cache.put(fingerprint, 1, caller(NOW + Duration::minutes(5)), NOW);
        }
        assert!(cache.0.lock().unwrap().callers.len() <= CAPACITY);
    }
}
