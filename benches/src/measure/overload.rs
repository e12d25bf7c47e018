//! Five times more than a slow store takes.

use std::time::Duration;

use anyhow::Result;

use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target},
    generator::quantile,
    usage,
};

/// Each commit of intake waits for a tenth of a second: with batches of fifty
/// the store takes about five hundred a second.
const SLOW: &str = "alter role intake set commit_delay = 100000;
     alter role intake set commit_siblings = 0";
const AS_BEFORE: &str = "alter role intake reset commit_delay;
     alter role intake reset commit_siblings";
const BATCH: (&str, &str) = ("INTAKE_BATCH", "50");

/// What is offered to the slow store, a second.
const OFFERED: f64 = 2500.0;

/// As many wait for an answer while the capacity is measured.
const IN_FLIGHT: usize = 200;

/// Measures what a slow store takes, then what is left of it in a crowd.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let lasts = length.pick(Duration::from_secs(20), Duration::from_secs(6));
    environment.tell_postgres(SLOW).await?;
    let intake = environment.start("intake", &[BATCH]).await?;
    let generator = environment.generator().await?;

    let load = generator.saturate(IN_FLIGHT).await?;
    load.observe(Duration::from_secs(1)).await?;
    let capacity = load.observe(lasts).await?.rate();
    let usual = usage::memory(intake.process())?;
    load.stop().await?;

    let load = generator.offer(OFFERED).await?;
    load.observe(Duration::from_secs(2)).await?;
    let (seen, greatest) =
        tokio::try_join!(load.observe(lasts), most_memory(intake.process(), lasts))?;
    load.stop().await?;
    intake.stop()?;
    environment.tell_postgres(AS_BEFORE).await?;

    results.tell("capacity of a slow store", capacity, "/s");
    results.ratio(
        "goodput in overload ÷ capacity",
        seen.rate() / capacity,
        Target::AtLeast(0.9),
    );
    results.tell(
        "refusal in overload, p50",
        quantile(&seen.refusals, 0.5),
        "ms",
    );
    results.aim(
        "refusal in overload, p99",
        quantile(&seen.refusals, 0.99),
        "ms",
        Target::AtMost(5.0),
    );
    results.ratio(
        "memory of intake in overload ÷ at capacity",
        greatest / usual,
        Target::AtMost(1.5),
    );
    Ok(())
}

async fn most_memory(process: u32, lasts: Duration) -> Result<f64> {
    let mut most: f64 = 0.0;
    for _ in 0..50 {
        tokio::time::sleep(lasts / 50).await;
        most = most.max(usage::memory(process)?);
    }
    Ok(most)
}
