//! The file of the on-call chain, read at the start and again when it changes.

use std::{fs, path::Path, sync::atomic::AtomicU64};

use platform::{Files, Metrics, StartError, Watched};
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use time::OffsetDateTime;
use vocabulary::EmailAddress;

use super::{Duty, OnCallChain};

/// The name of the variable, for errors.
const VARIABLE: &str = "NOTIFICATION_ON_CALL_FILE";

/// How far ahead is looked for what is told of the chain.
const AHEAD: time::Duration = time::Duration::days(14);

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

/// The on-call chain of a file; empty when there is none.
pub(crate) fn open(path: Option<&Path>, files: &Files) -> Result<Watched<OnCallChain>, StartError> {
    let file = path.map(Path::to_owned);
    files.watch([(VARIABLE, path)], move || match &file {
        Some(file) => read(file).map_err(|why| StartError::unusable(VARIABLE, why)),
        None => Ok(OnCallChain::default()),
    })
}

/// Has the metrics tell for how long duty is covered; of no chain, that nobody meant
/// anybody to be on call.
pub(crate) fn export_coverage(
    path: Option<&Path>,
    chain: Watched<OnCallChain>,
    covered: Gauge<f64, AtomicU64>,
    metrics: &Metrics,
) {
    if path.is_none() {
        covered.set(f64::NAN);
        return;
    }
    metrics.on_reading(move || {
        let cover = chain.current().covers(platform::now(), AHEAD);
        covered.set(cover.as_seconds_f64());
    });
}

/// Reads a file; what is wrong is said without an address.
fn read(path: &Path) -> Result<OnCallChain, String> {
    let text = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
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

    use super::*;

    fn turn(address: &str) -> String {
        format!(
            r#"[{{"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z", "addresses": ["{address}"]}}]"#
        )
    }

    fn on_duty(chain: &Watched<OnCallChain>) -> Vec<String> {
        let chain = chain.current();
        let duty = chain.on_duty(datetime!(2026-11-23 08:00 UTC));
        duty.iter()
            .map(|address| address.expose().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_wrong_one_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("on-call.json");
        let write = |text: &str| fs::write(&path, text).unwrap();
        write(&turn("first@example.org"));
        let files = Files::default();
        let chain = open(Some(&path), &files).unwrap();
        assert_eq!(on_duty(&chain), ["first@example.org"]);
        write(&turn("second@example.org"));
        files.poll().await;
        assert_eq!(on_duty(&chain), ["second@example.org"]);
        write("[");
        files.poll().await;
        assert_eq!(on_duty(&chain), ["second@example.org"]);
    }

    #[test]
    fn a_wrong_file_stops_the_start_and_its_addresses_are_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("on-call.json");
        fs::write(&path, turn("somebody at home")).unwrap();
        let opened = open(Some(&path), &Files::default());
        let error = opened.err().unwrap().to_string();
        assert!(error.contains("NOTIFICATION_ON_CALL_FILE"), "{error}");
        assert!(!error.contains("somebody"), "{error}");
    }
}
