//! The file of the on-call chain, read at the start and again when it changes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use platform::StartError;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use vocabulary::EmailAddress;

use crate::domain::address_book::{Duty, OnCallChain};

/// The name of the variable, for errors.
const VARIABLE: &str = "NOTIFICATION_ON_CALL_FILE";

/// The on-call chain of a file; empty when there is none.
#[derive(Debug)]
pub(crate) struct OnCallFile {
    path: Option<PathBuf>,
    last: Mutex<Last>,
}

#[derive(Clone, Debug, Default)]
struct Last {
    chain: Arc<OnCallChain>,
    changed_at: Option<SystemTime>,
}

/// A turn of duty as the file has it: moments in RFC 3339, addresses as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDuty {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    addresses: Vec<String>,
}

impl OnCallFile {
    /// Reads the file, which must be right when the service starts.
    pub(crate) async fn open(path: Option<PathBuf>) -> Result<Self, StartError> {
        let mut last = Last::default();
        if let Some(path) = &path {
            last.changed_at = changed_at(path).await;
            let chain = read(path)
                .await
                .map_err(|why| StartError::unusable(VARIABLE, why))?;
            last.chain = Arc::new(chain);
        }
        Ok(Self {
            path,
            last: Mutex::new(last),
        })
    }

    /// The chain as the file has it now; the last good one while it is wrong.
    pub(crate) async fn current(&self) -> Arc<OnCallChain> {
        let last = self
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(path) = &self.path else {
            return last.chain;
        };
        let changed_at = changed_at(path).await;
        if changed_at == last.changed_at {
            return last.chain;
        }
        let chain = match read(path).await {
            Ok(chain) => {
                tracing::info!("the on-call chain was read again");
                Arc::new(chain)
            }
            Err(why) => {
                tracing::error!(
                    error.message = why,
                    "the file of the on-call chain is wrong; the last good one is used",
                );
                last.chain
            }
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Last {
            chain: Arc::clone(&chain),
            changed_at,
        };
        chain
    }
}

/// How often the file is looked at for what is told of it, and how far ahead.
const LOOK: Duration = Duration::from_mins(1);
const AHEAD: time::Duration = time::Duration::days(14);

impl OnCallFile {
    /// Tells until the shutdown for how long duty is covered; never fails.
    pub(crate) async fn tell_cover(
        self: Arc<Self>,
        covered: Gauge<f64, AtomicU64>,
        shutdown: CancellationToken,
    ) {
        if self.path.is_none() {
            // Nobody meant anybody to be on call.
            covered.set(f64::NAN);
            return;
        }
        let work = async {
            loop {
                let cover = self.current().await.covers(platform::now(), AHEAD);
                covered.set(cover.as_seconds_f64());
                tokio::time::sleep(LOOK).await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }
}

async fn changed_at(path: &Path) -> Option<SystemTime> {
    tokio::fs::metadata(path).await.ok()?.modified().ok()
}

/// Reads a file; what is wrong is said without an address.
async fn read(path: &Path) -> Result<OnCallChain, String> {
    let text = tokio::fs::read(path)
        .await
        .map_err(|error| format!("cannot be read: {error}"))?;
    let duties: Vec<FileDuty> = serde_json::from_slice(&text).map_err(|error| {
        format!(
            "is not a list of turns of duty (line {}, column {})",
            error.line(),
            error.column()
        )
    })?;
    let mut chain = Vec::with_capacity(duties.len());
    for (index, duty) in duties.into_iter().enumerate() {
        let number = index + 1;
        let addresses: Result<Vec<EmailAddress>, _> = duty
            .addresses
            .iter()
            .map(|address| address.parse())
            .collect();
        let addresses = addresses.map_err(|error| format!("turn {number}: {error}"))?;
        if duty.to <= duty.from || addresses.is_empty() {
            return Err(format!(
                "turn {number} ends before it begins, or has no address"
            ));
        }
        chain.push(Duty {
            from: duty.from,
            to: duty.to,
            addresses,
        });
    }
    Ok(OnCallChain::new(chain))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::{Duration, OnCallFile};

    fn turn(address: &str) -> String {
        format!(
            r#"[{{"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z", "addresses": ["{address}"]}}]"#
        )
    }

    async fn on_duty(file: &OnCallFile) -> Vec<String> {
        let chain = file.current().await;
        let duty = chain.on_duty(datetime!(2026-11-23 08:00 UTC));
        duty.iter()
            .map(|address| address.expose().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_wrong_one_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("on-call.json");
        let mut moment = std::time::UNIX_EPOCH;
        let mut write = |text: &str| {
            std::fs::write(&path, text).unwrap();
            moment += Duration::from_mins(1);
            std::fs::File::open(&path)
                .unwrap()
                .set_modified(moment)
                .unwrap();
        };
        write(&turn("first@example.org"));
        let file = OnCallFile::open(Some(path.clone())).await.unwrap();
        assert_eq!(on_duty(&file).await, ["first@example.org"]);
        write(&turn("second@example.org"));
        assert_eq!(on_duty(&file).await, ["second@example.org"]);
        write("[");
        assert_eq!(on_duty(&file).await, ["second@example.org"]);
    }

    #[tokio::test]
    async fn a_wrong_file_stops_the_start_and_its_addresses_are_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("on-call.json");
        std::fs::write(&path, turn("somebody at home")).unwrap();
        let error = OnCallFile::open(Some(path)).await.unwrap_err().to_string();
        assert!(error.contains("NOTIFICATION_ON_CALL_FILE"), "{error}");
        assert!(!error.contains("somebody"), "{error}");
    }
}
