//! Nothing that was acknowledged is lost and nothing is done twice, whichever
//! process is killed or frozen, and whenever.
//!
//! `VIGIE_FAULTS_SEED` repeats the faults of a run, and `VIGIE_FAULTS_FOLDER` keeps
//! logs and data. `make chaos` does the same at length.

use std::path::PathBuf;

use platform::Environment;
use serde::Deserialize;
use tests::faults::{self, Plan};

#[derive(Deserialize)]
struct Wishes {
    seed: Option<u64>,
    folder: Option<PathBuf>,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_every_fault_and_is_done_once() {
    let wishes: Wishes = Environment::of_process().read("VIGIE_FAULTS_").unwrap();
    let plan = Plan::short();
    let plan = Plan {
        seed: wishes.seed.unwrap_or(plan.seed),
        folder: wishes.folder,
        ..plan
    };
    println!("VIGIE_FAULTS_SEED={} repeats these faults", plan.seed);
    let outcome = Box::pin(faults::run(&plan)).await;
    println!("{}", serde_json::to_string_pretty(&outcome).unwrap());
    assert_eq!(outcome.complaints(), [""; 0]);
    assert!(outcome.acknowledged >= plan.declarations && outcome.clients.twins > 10);
}
