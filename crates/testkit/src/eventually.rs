//! Waiting for a condition: the only place where a test waits.

use std::{
    panic::Location,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::time::error::Elapsed;

const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Waits until the condition holds, for twenty seconds at most.
///
/// # Panics
///
/// When the time is over, naming the caller's line.
#[track_caller]
pub fn eventually(condition: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    eventually_within(PATIENCE, condition)
}

/// Waits until the condition holds, for the given time at most.
///
/// # Panics
///
/// When the time is over, naming the caller's line.
#[track_caller]
pub fn eventually_within(
    patience: Duration,
    mut condition: impl AsyncFnMut() -> bool,
) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move { poll(patience, caller, async || condition().await.then_some(())).await }
}

/// Waits until there is a value, for twenty seconds at most, and returns it.
///
/// # Panics
///
/// When the time is over, naming the caller's line.
#[track_caller]
pub fn eventually_some<T>(look: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move { poll(PATIENCE, caller, look).await }
}

/// Waits until there is a value, for the given time at most; `None` when it is over.
pub async fn some_within<T>(patience: Duration, look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    look_within(patience, look).await.ok()
}

/// Waits until the condition holds, for twenty seconds at most; the error says what
/// was waited for.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) -> Result<()> {
    let looked = look_within(PATIENCE, async || condition().await.then_some(())).await;
    looked.with_context(|| format!("waiting for {what}"))
}

async fn poll<T>(
    patience: Duration,
    caller: &Location<'_>,
    look: impl AsyncFnMut() -> Option<T>,
) -> T {
    match look_within(patience, look).await {
        Ok(value) => value,
        Err(late) => panic!("the condition at {caller} did not hold within {patience:?}: {late}"),
    }
}

async fn look_within<T>(
    patience: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> Result<T, Elapsed> {
    let looking = async {
        loop {
            let began = Instant::now();
            if let Some(value) = look().await {
                return value;
            }
            // A look that takes long must not keep busy what it waits for.
            tokio::time::sleep((began.elapsed() * 10).clamp(PAUSE, LONGEST_PAUSE)).await;
        }
    };
    // A look that never ends is cut off too.
    tokio::time::timeout(patience, looking).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_returns_as_soon_as_the_condition_holds() {
        let mut looks = 0;
        eventually(async || {
            looks += 1;
            looks == 3
        })
        .await;
        assert_eq!(looks, 3);
    }

    #[tokio::test]
    async fn it_hands_over_the_value_it_waited_for() {
        let mut values = [None, Some("here")].into_iter();
        assert_eq!(
            eventually_some(async || values.next().flatten()).await,
            "here"
        );
    }

    #[tokio::test]
    #[should_panic(expected = "did not hold")]
    async fn it_does_not_wait_for_a_look_that_never_ends() {
        let looked = eventually_within(Duration::from_millis(50), async || {
            std::future::pending().await
        });
        tokio::time::timeout(Duration::from_secs(5), looked)
            .await
            .expect("it hangs");
    }

    #[tokio::test]
    #[should_panic(expected = "eventually.rs")]
    async fn it_names_the_line_that_waited_in_vain() {
        eventually_within(Duration::from_millis(50), async || false).await;
    }
}
