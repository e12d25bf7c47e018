//! The whole path of a submission beside PostgreSQL's bare inserts.

use std::time::Duration;

use anyhow::Result;

use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target, median},
    generator::{Generator, Observed, count},
    pgbench::Bare,
    usage,
};

/// As many declarations wait for an answer: two batches, and less than a queue.
const IN_FLIGHT: usize = 256;

/// As many clients insert without any service.
const CLIENTS: u32 = 64;

/// One turn of the three that are compared.
struct Round {
    whole: Cost,
    bare: Cost,
    single: f64,
    intake: f64,
    generator: f64,
}

/// How much was done, and what PostgreSQL spent on each.
struct Cost {
    rate: f64,
    milliseconds: f64,
}

/// Measures intake alone: its consumers do not run.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let lasts = length.pick(Duration::from_secs(10), Duration::from_secs(5));
    let mut rounds = Vec::new();
    for _ in 0..length.rounds() {
        rounds.push(round(environment, lasts).await?);
    }
    let all = |what: fn(&Round) -> f64| median(rounds.iter().map(what));
    results.tell("submissions acknowledged", all(|r| r.whole.rate), "/s");
    results.tell("bare inserts, 64 clients", all(|r| r.bare.rate), "/s");
    results.tell("submissions with batches of one", all(|r| r.single), "/s");
    results.ratio_within(
        "submissions ÷ bare inserts",
        all(|r| r.whole.rate / r.bare.rate),
        Target::AtLeast(1.0),
        Target::AtLeast(0.55),
    );
    results.ratio(
        "submissions ÷ those with batches of one",
        all(|r| r.whole.rate / r.single),
        Target::AtLeast(3.0),
    );
    let spent = "CPU of PostgreSQL for a ";
    results.tell(
        format!("{spent}submission"),
        all(|r| r.whole.milliseconds),
        "ms",
    );
    results.tell(
        format!("{spent}bare insert"),
        all(|r| r.bare.milliseconds),
        "ms",
    );
    results.ratio_within(
        format!("{spent}submission ÷ for a bare insert"),
        all(|r| r.whole.milliseconds / r.bare.milliseconds),
        Target::AtMost(0.6),
        Target::AtMost(0.85),
    );
    results.tell("CPU of intake for a submission", all(|r| r.intake), "ms");
    results.tell(
        "CPU of the generator for a submission",
        all(|r| r.generator),
        "ms",
    );
    Ok(())
}

async fn round(environment: &Environment, lasts: Duration) -> Result<Round> {
    let postgres = environment.postmaster()?;

    let intake = environment.start("intake", &[]).await?;
    let generator = environment.generator().await?;
    generator.declare_one().await?;
    let like = Bare::like_the_last(environment).await?;
    let cpu = || {
        Ok([
            usage::cpu(postgres)?,
            usage::cpu(intake.process())?,
            usage::own_cpu()?,
        ])
    };
    let (seen, spent) = observe(environment, &generator, lasts, cpu).await?;
    intake.stop()?;
    let each = |spent: f64| spent / count(seen.acknowledged);
    let whole = Cost {
        rate: seen.rate(),
        milliseconds: each(spent[0]),
    };

    environment.tell_postgres("checkpoint").await?;
    let before = usage::cpu(postgres)?;
    let rate = like.insert(CLIENTS, lasts).await?;
    let bare_spent = usage::cpu(postgres)? - before;
    let bare = Cost {
        rate,
        milliseconds: bare_spent / (rate * lasts.as_secs_f64()),
    };

    let intake = environment
        .start("intake", &[("INTAKE_BATCH", "1")])
        .await?;
    let generator = environment.generator().await?;
    let (single, _) = observe(environment, &generator, lasts, || Ok([])).await?;
    intake.stop()?;

    println!(
        "  whole {:.0}/s, bare {:.0}/s, single {:.0}/s",
        whole.rate,
        bare.rate,
        single.rate()
    );
    Ok(Round {
        whole,
        bare,
        single: single.rate(),
        intake: each(spent[1]),
        generator: each(spent[2]),
    })
}

/// Declares as fast as intake answers; also what was spent meanwhile.
async fn observe<const N: usize>(
    environment: &Environment,
    generator: &Generator,
    lasts: Duration,
    cpu: impl Fn() -> Result<[f64; N]>,
) -> Result<(Observed, [f64; N])> {
    environment.tell_postgres("checkpoint").await?;
    let load = generator.saturate(IN_FLIGHT).await?;
    // Statements are prepared and connections open.
    load.observe(Duration::from_secs(1)).await?;
    let before = cpu()?;
    let seen = load.observe(lasts).await?;
    let mut spent = cpu()?;
    for (spent, before) in spent.iter_mut().zip(before) {
        *spent -= before;
    }
    load.stop().await?;
    Ok((seen, spent))
}
