//! `make drill-…`: what an operator has to live through, on one machine, with times.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tests::faults::{self, Drill, Drilled};

/// Drills the suite.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the results are written.
    #[arg(long, default_value = "target/drills")]
    out: PathBuf,
    #[command(subcommand)]
    drill: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// PostgreSQL is destroyed, and restored from a backup.
    Restore,
    /// PostgreSQL is destroyed, and its standby promoted.
    Failover,
    /// The programs of the last release give way to these, these to them, and they to these.
    Upgrade {
        /// The folder with the programs of the last release.
        #[arg(long)]
        previous: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (name, drill) = match arguments.drill {
        Which::Restore => ("restore", Drill::Restore),
        Which::Failover => ("failover", Drill::Failover),
        Which::Upgrade { previous } => ("upgrade", Drill::Upgrade(previous)),
    };
    let drilled = Box::pin(faults::drill(&drill)).await;
    write(name, &drilled, &arguments.out).expect("the result can be written");
    for step in &drilled.steps {
        println!("{:>8} ms  {}", step.ms, step.what);
    }
    let outcome = &drilled.outcome;
    println!(
        "{:>8} ms  without an acknowledgement, at most",
        outcome.clients.silent_ms
    );
    if let Some(calm) = outcome.calm_after_ms {
        println!("{calm:>8} ms  from the last request until all was applied and sent");
    }
    println!(
        "{name}: {} acknowledged, {} undone by the restore, {} lost, {} duplicated, \
         {} requests that two tries did not settle",
        outcome.acknowledged,
        outcome.undone,
        outcome.lost(),
        outcome.duplicated(),
        outcome.clients.insisted,
    );
    for complaint in &drilled.complaints {
        eprintln!("{complaint}");
    }
    if drilled.complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn write(name: &str, drilled: &Drilled, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(drilled)?;
    fs::write(folder.join(format!("{name}.json")), json)?;
    Ok(())
}
