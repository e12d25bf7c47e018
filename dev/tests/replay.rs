//! `vigie replay` on a suite that runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::process::Command;

use dev::{Layout, SERVICES, Suite};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

fn replay(suite: &Suite) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vigie-dev"));
    for service in SERVICES {
        let url = format!("http://{}", suite.addresses(service).public);
        command.env(format!("VIGIE_{}_URL", service.to_uppercase()), url);
    }
    command.env("VIGIE_ISSUER_URL", suite.issuer.url());
    command.args(["--as", "importer", "--json", "replay"]);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_sends_every_example_and_a_second_one_gets_the_same_receipts() {
    let suite = Suite::prepare(Layout::throw_away()).await.unwrap();
    let shutdown = CancellationToken::new();
    let _services = suite.start(&shutdown).await.unwrap();
    let replayed = tokio::task::block_in_place(|| replay(&suite));
    assert!(replayed["receipts"].as_array().unwrap().len() >= 12);
    assert_eq!(tokio::task::block_in_place(|| replay(&suite)), replayed);
    shutdown.cancel();
}
