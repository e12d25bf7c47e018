//! `make chaos`: the suite under faults at length, and the mutants that prove that
//! a fault would be told.
//!
//! Writes `result.json` and a readable page, and fails unless nothing was lost or
//! duplicated and every mutant was caught.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::Parser;
use serde::Serialize;
use tests::faults::{self, Ground, Hunt, MUTANTS, NO_MUTANTS, Outcome, Plan};

/// Runs the suite under faults.
#[derive(Debug, Parser)]
struct Arguments {
    /// The runs of some minutes that are not among the tests, and no mutants: ten minutes in
    /// all instead of an hour.
    #[arg(long)]
    short: bool,
    /// Only the mutants.
    #[arg(long)]
    mutants: bool,
    /// Only the run (single, replicated, restored) or the mutant of this name.
    #[arg(long)]
    only: Option<String>,
    /// What the dice start from.
    #[arg(long)]
    seed: Option<u64>,
    /// An empty folder in which logs and data of one run are kept.
    #[arg(long, requires = "only")]
    folder: Option<PathBuf>,
    /// Where the result is written.
    #[arg(long, default_value = "target/chaos")]
    out: PathBuf,
}

/// The runs of the short form.
const SHORT: [&str; 2] = ["replicated", "restored"];

/// How often a mutant is hunted until it is caught.
const ROUNDS: usize = 3;

/// What all runs came to.
#[derive(Debug, Default, Serialize)]
struct Results {
    kills: i64,
    wipes: i64,
    acknowledged: usize,
    lost: usize,
    duplicated: usize,
    mutants: usize,
    mutants_caught: usize,
    seconds: u64,
    complaints: Vec<String>,
    runs: Vec<Run>,
    hunts: Vec<Hunt>,
}

#[derive(Debug, Serialize)]
struct Run {
    name: &'static str,
    outcome: Outcome,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let started = Instant::now();
    let mut results = Results::default();
    let asked = |name: &str| match arguments.only.as_deref() {
        Some(only) => only == name,
        None => !arguments.short || arguments.mutants || SHORT.contains(&name),
    };
    let first = if arguments.short {
        Plan::short()
    } else {
        Plan::long()
    };
    for (name, plan) in [
        ("single", first),
        ("replicated", Plan::on(Ground::Replicated)),
        ("restored", Plan::on(Ground::Restored)),
    ] {
        if arguments.mutants || !asked(name) {
            continue;
        }
        let plan = Plan {
            seed: arguments.seed.unwrap_or(plan.seed),
            folder: arguments.folder.clone(),
            ..plan
        };
        println!("{name}, seed {}", plan.seed);
        let outcome = Box::pin(faults::run(&plan)).await;
        results.take(name, outcome);
    }
    // The suite itself is provoked like them.
    let hunted = NO_MUTANTS.iter().chain(&MUTANTS);
    for mutant in hunted.filter(|mutant| asked(mutant.name)) {
        // A crash may miss the weakest point for half a minute.
        for round in 1..=ROUNDS {
            let hunt = Box::pin(faults::hunt(*mutant)).await;
            if hunt.caught || hunt.must_break.is_empty() || round == ROUNDS {
                results.hunted(hunt);
                break;
            }
        }
    }
    results.seconds = started.elapsed().as_secs();
    write(&results, &arguments.out).expect("the result can be written");
    for complaint in &results.complaints {
        eprintln!("{complaint}");
    }
    println!(
        "{} kills, {} wipes, {} acknowledged, {} lost, {} duplicated, {} of {} mutants caught: {}",
        results.kills,
        results.wipes,
        results.acknowledged,
        results.lost,
        results.duplicated,
        results.mutants_caught,
        results.mutants,
        arguments.out.join("result.json").display(),
    );
    if results.complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Results {
    fn take(&mut self, name: &'static str, outcome: Outcome) {
        self.kills += outcome.kills;
        self.wipes += outcome.faults.emptied;
        self.acknowledged += outcome.acknowledged;
        self.lost += outcome.lost();
        self.duplicated += outcome.duplicated();
        let complaints = outcome.complaints().into_iter();
        self.complaints
            .extend(complaints.map(|complaint| format!("{name}: {complaint}")));
        self.runs.push(Run { name, outcome });
    }

    fn hunted(&mut self, hunt: Hunt) {
        let broken: Vec<_> = hunt.broken.iter().map(|broken| broken.invariant).collect();
        println!(
            "{}: {}, broke {broken:?} with {} acknowledged, {} s",
            hunt.mutant,
            if hunt.caught { "caught" } else { "not caught" },
            hunt.acknowledged,
            hunt.seconds,
        );
        if hunt.must_break.is_empty() {
            let complaints = hunt.broken.iter().map(|broken| {
                format!(
                    "without a mutant: {}, such as {}",
                    broken.claim, broken.such_as
                )
            });
            self.complaints.extend(complaints);
        } else {
            self.mutants += 1;
            self.mutants_caught += usize::from(hunt.caught);
            if !hunt.caught {
                self.complaints
                    .push(format!("the mutant {} was not caught", hunt.mutant));
            }
        }
        self.hunts.push(hunt);
    }
}

fn write(results: &Results, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(results)?;
    fs::write(folder.join("result.json"), json)?;
    fs::write(folder.join("result.md"), page(results)?)?;
    Ok(())
}

/// The result for people.
fn page(results: &Results) -> Result<String, std::fmt::Error> {
    let mut page = String::from("# The suite under faults\n\n");
    writeln!(
        page,
        "{} reports acknowledged, {} lost, {} duplicated; {} kills and {} wipes of Redis; \
         {} of {} mutants caught; {} s in all.\n",
        results.acknowledged,
        results.lost,
        results.duplicated,
        results.kills,
        results.wipes,
        results.mutants_caught,
        results.mutants,
        results.seconds,
    )?;
    for Run { name, outcome } in &results.runs {
        let (faults, clients, post) = (&outcome.faults, &outcome.clients, &outcome.post);
        writeln!(
            page,
            "## {name}\n\nSeed {}, {} s.\n",
            outcome.seed, outcome.seconds
        )?;
        writeln!(page, "| | |\n|---|---|")?;
        let mut row = |what: &str, value: String| writeln!(page, "| {what} | {value} |");
        row("acknowledged", outcome.acknowledged.to_string())?;
        let said: usize = outcome.said.values().sum();
        row("said of reports and acknowledged", said.to_string())?;
        row("refused as it must be", clients.refused.to_string())?;
        row("undone by a restore", outcome.undone.to_string())?;
        row("lost", outcome.lost().to_string())?;
        row("duplicated", outcome.duplicated().to_string())?;
        row("processes killed", format!("{:?}", faults.killed))?;
        row("processes frozen", format!("{:?}", faults.frozen))?;
        row("PostgreSQL killed", faults.postgres.to_string())?;
        row("Redis killed", faults.redis.to_string())?;
        row("Redis emptied", faults.emptied.to_string())?;
        row("PostgreSQL replaced", faults.replaced.to_string())?;
        for (service, weathered) in &outcome.network {
            row(
                &format!("connections of {service}"),
                format!("{weathered:?}"),
            )?;
        }
        row("requests answered", clients.answered.to_string())?;
        row("requests sent twice at once", clients.twins.to_string())?;
        row("tries made again", clients.retries.to_string())?;
        row(
            "longest time without an acknowledgement",
            format!("{} ms", clients.silent_ms),
        )?;
        row("messages", post.messages.to_string())?;
        row("messages received again", post.duplicates.to_string())?;
        let calm = outcome
            .calm_after_ms
            .map_or("never".to_owned(), |ms| format!("{ms} ms"));
        row("calm after the last answer", calm)?;
        writeln!(page)?;
    }
    writeln!(
        page,
        "## Mutants\n\n| mutant | caught | invariants broken |\n|---|---|---|"
    )?;
    for hunt in &results.hunts {
        let broken: Vec<_> = hunt.broken.iter().map(|broken| broken.invariant).collect();
        let caught = match (hunt.must_break.is_empty(), hunt.caught) {
            (true, _) => "–",
            (false, true) => "yes",
            (false, false) => "**no**",
        };
        writeln!(
            page,
            "| {} | {caught} | {} |",
            hunt.mutant,
            broken.join(", ")
        )?;
    }
    for complaint in &results.complaints {
        writeln!(page, "\n**{complaint}**")?;
    }
    Ok(page)
}
