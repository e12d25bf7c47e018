//! `make bench`: what the suite bears on one machine, beside what PostgreSQL
//! alone bears.
//!
//! Prints a table, writes `results.json`, and fails where a ratio is beyond its
//! limit; absolute figures say as much of the machine and are only reported.

mod environment;
mod figures;
mod generator;
mod http2_client;
mod machine;
mod measure;
mod pgbench;
mod services;
mod usage;
mod wal;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::{environment::Environment, figures::Results, machine::Machine};

/// Measures the suite.
#[derive(Debug, Parser)]
struct Arguments {
    /// Some minutes to see that everything can be measured; a missed target fails nothing.
    #[arg(long)]
    short: bool,
    /// With the settings of the chart for PostgreSQL, instead of those it is installed with.
    #[arg(long)]
    tuned: bool,
    /// Only this part; all of them by default.
    #[arg(long)]
    only: Vec<Part>,
    /// Where the results are written.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// A part that can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What services cost that have nothing to do.
    Idle,
    /// The rate that all four services bear.
    Flow,
    /// The same after two million declarations; only when it is asked for, or in the short form.
    Ageing,
    /// Two replicas of every service beside one.
    Replicas,
    /// A page of a long list.
    Pages,
    /// The queue of the cell over a million cases.
    Cases,
    /// Submissions beside bare inserts.
    WholePath,
    /// More than a slow store takes.
    Overload,
    /// The statements that PostgreSQL spends its time on; only when it is asked for.
    Profile,
}

/// How long a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// For figures that count.
    Full,
    /// To see that everything still works.
    Short,
}

impl Length {
    /// The value for this length.
    fn pick<T>(self, full: T, short: T) -> T {
        match self {
            Self::Full => full,
            Self::Short => short,
        }
    }

    /// How often things that are compared take turns.
    fn rounds(self) -> usize {
        self.pick(5, 3)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let length = if arguments.short {
        Length::Short
    } else {
        Length::Full
    };
    let results = match run(&arguments, length).await {
        Ok(results) => results,
        Err(error) => {
            eprintln!("bench: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    println!("\n{}", results.table());
    let failed = results.failed();
    for name in &failed {
        eprintln!("failed: {name}");
    }
    match length {
        Length::Full if !failed.is_empty() => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

async fn run(arguments: &Arguments, length: Length) -> Result<Results> {
    let asked = |part| arguments.only.is_empty() || arguments.only.contains(&part);
    let environment = Environment::prepare(arguments.tuned).await?;
    let folder = environment.suite.folder();
    let machine = Machine::look(&mut environment.look_behind().await?, folder).await?;
    let mut results = Results::on(machine);
    if asked(Part::Idle) {
        measure::idle::measure(&environment, length, &mut results).await?;
    }
    if asked(Part::Flow) {
        measure::flow::measure(&environment, length, &mut results).await?;
    }
    drop(environment);
    // It takes longer than all the others together.
    let asked_for = arguments.only.contains(&Part::Ageing);
    if asked_for || length == Length::Short && asked(Part::Ageing) {
        let environment = Environment::prepare(arguments.tuned).await?;
        measure::ageing::measure(&environment, length, &mut results).await?;
    }
    if asked(Part::Replicas) {
        let environment = Environment::prepare(arguments.tuned).await?;
        measure::replicas::measure(&environment, length, &mut results).await?;
    }

    // What follows is of intake alone: no log of its reports is left to consume.
    let environment = Environment::prepare(arguments.tuned).await?;
    if asked(Part::Pages) {
        measure::pages::measure(&environment, length, &mut results).await?;
    }
    if asked(Part::WholePath) {
        measure::whole_path::measure(&environment, length, &mut results).await?;
    }
    if asked(Part::Overload) {
        measure::overload::measure(&environment, length, &mut results).await?;
    }
    if asked(Part::Cases) {
        let environment = Environment::prepare(arguments.tuned).await?;
        measure::cases::measure(&environment, length, &mut results).await?;
    }
    if arguments.only.contains(&Part::Profile) {
        let environment = Environment::prepare(arguments.tuned).await?;
        measure::profile::show(&environment, length).await?;
    }
    results.write(&arguments.out)?;
    Ok(results)
}
