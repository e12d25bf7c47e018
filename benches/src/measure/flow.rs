//! R, the highest rate that all four services bear: every consumer keeps up
//! until the figures are counted and the messages are written down.
//!
//! The mail relay is silent meanwhile: what is sent has a rate of its own.

use std::time::Duration;

use anyhow::{Result, ensure};
use sqlx::Row as _;
use testkit::SmtpBehaviour;

use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target},
    generator::{Generator, Observed, count, quantile},
    pgbench::Bare,
    services::Services,
};

/// The first rate that is tried.
const FIRST: f64 = 400.0;

/// A lag that grows by less than is declared in this time is flat.
const FLAT: f64 = 0.5;

/// What was seen at a rate.
struct Held {
    seen: Observed,
    flat: bool,
    /// Milliseconds of processor time.
    spent: Vec<(&'static str, f64)>,
}

/// Looks for R, then looks closely at R and at half of it.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    environment.suite.mail.behave(SmtpBehaviour::Hang);
    let services = Services::start(environment).await?;
    let generator = environment.generator().await?;
    warm_up(&services, &generator).await?;

    let (rate, held) = highest(&services, &generator, length).await?;
    results.aim(
        "R, the highest rate that every consumer keeps up with",
        held.seen.rate(),
        "/s",
        Target::AtLeast(1000.0),
    );
    let mut whole = 0.0;
    for (name, spent) in &held.spent {
        let share = spent / held.seen.lasted.as_secs_f64() / 10.0;
        results.tell(format!("CPU of {name} at R"), share, "% of a core");
        whole += spent;
    }
    let (_, generating) = held.spent[held.spent.len() - 1];
    results.aim(
        "CPU of the whole suite for a declaration",
        (whole - generating) / count(held.seen.acknowledged),
        "ms",
        Target::AtMost(107.0),
    );
    at_half(&services, &generator, rate / 2.0, length, results).await?;
    posted(&services, length, results).await?;
    services.stop()
}

/// Declares a little and has PostgreSQL look at its tables, as it does by itself
/// within a minute or two: plans made for empty ones are of no use.
async fn warm_up(services: &Services<'_>, generator: &Generator) -> Result<()> {
    let load = generator.offer(FIRST).await?;
    load.observe(Duration::from_secs(5)).await?;
    load.stop().await?;
    services.environment.calm().await?;
    services.environment.tell_postgres("vacuum analyze").await
}

/// The highest rate that holds: found by short looks, proven by a long one.
async fn highest(
    services: &Services<'_>,
    generator: &Generator,
    length: Length,
) -> Result<(f64, Held)> {
    let look = length.pick(Duration::from_secs(10), Duration::from_secs(4));
    let (mut low, mut high) = (0.0, FIRST);
    while hold(services, generator, high, look).await?.flat {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..length.pick(4, 2) {
        let middle = f64::midpoint(low, high);
        if hold(services, generator, middle, look).await?.flat {
            low = middle;
        } else {
            high = middle;
        }
    }
    let mut rate = if low > 0.0 { low } else { high };
    loop {
        let lasts = length.pick(Duration::from_mins(1), Duration::from_secs(10));
        let held = hold(services, generator, rate, lasts).await?;
        if held.flat {
            return Ok((rate, held));
        }
        rate *= length.pick(0.92, 0.85);
        ensure!(rate > 10.0, "no rate holds");
    }
}

/// Declares at a rate, and sees whether every consumer keeps up.
async fn hold(
    services: &Services<'_>,
    generator: &Generator,
    rate: f64,
    lasts: Duration,
) -> Result<Held> {
    let load = generator.offer(rate).await?;
    load.observe(Duration::from_secs(2)).await?;
    let before = services.spent()?;
    let (seen, lags) = tokio::try_join!(load.observe(lasts), watch(services, lasts))?;
    let after = services.spent()?;
    load.stop().await?;
    let spent = after.into_iter().zip(before);
    let spent = spent.map(|((name, after), (_, before))| (name, after - before));
    let kept_up = seen.rate() > 0.98 * rate && seen.refusals.is_empty();
    let grown = growth(&lags);
    println!(
        "  {rate:.0}/s: {:.0}/s acknowledged, lags grew by {grown:.0}",
        seen.rate()
    );
    let held = Held {
        flat: kept_up && grown < FLAT * rate,
        seen,
        spent: spent.collect(),
    };
    services.environment.calm().await?;
    Ok(held)
}

/// Reads the lags again and again.
async fn watch(services: &Services<'_>, lasts: Duration) -> Result<Vec<Vec<i64>>> {
    let step = lasts / 20;
    let mut lags = Vec::new();
    for _ in 0..20 {
        tokio::time::sleep(step).await;
        lags.push(services.environment.lags().await?);
    }
    Ok(lags)
}

/// By how much the worst of the lags grew from the first quarter to the last.
fn growth(lags: &[Vec<i64>]) -> f64 {
    let quarter = lags.len() / 4;
    let sum = |quarter: &[Vec<i64>], lag: usize| -> i64 { quarter.iter().map(|l| l[lag]).sum() };
    let worst = (0..lags[0].len())
        .map(|lag| sum(&lags[lags.len() - quarter..], lag) - sum(&lags[..quarter], lag))
        .max();
    #[expect(clippy::cast_precision_loss, reason = "a lag is small")]
    let grown = worst.unwrap_or_default() as f64 / quarter as f64;
    grown
}

/// How long a declarant waits, and how soon consumers know, at half of R.
async fn at_half(
    services: &Services<'_>,
    generator: &Generator,
    rate: f64,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let environment = services.environment;
    let lasts = length.pick(Duration::from_secs(30), Duration::from_secs(8));
    let alone = Bare::like_the_last(environment)
        .await?
        .insert_alone(lasts / 2)
        .await?;
    let load = generator.offer(rate).await?;
    load.observe(Duration::from_secs(2)).await?;
    let since = platform::now();
    let seen = load.observe(lasts).await?;
    load.stop().await?;
    services.environment.calm().await?;

    results.tell("submission at R/2, p50", quantile(&seen.answers, 0.5), "ms");
    results.tell(
        "submission at R/2, p99",
        quantile(&seen.answers, 0.99),
        "ms",
    );
    results.tell("bare insert, one client, p50", quantile(&alone, 0.5), "ms");
    results.tell("bare insert, one client, p99", quantile(&alone, 0.99), "ms");
    results.ratio_within(
        "submission at R/2, p99 ÷ bare insert, one client, p99",
        quantile(&seen.answers, 0.99) / quantile(&alone, 0.99),
        Target::AtMost(4.0),
        Target::AtMost(150.0),
    );
    let delays = sqlx::query(include_str!("delays.sql")).bind(since);
    for row in delays
        .fetch_all(&mut environment.look_behind().await?)
        .await?
    {
        let name = format!("from commit to {} at R/2", row.get::<&str, _>("consumer"));
        results.aim(
            format!("{name}, p50"),
            row.get("p50"),
            "ms",
            Target::AtMost(5.0),
        );
        results.aim(
            format!("{name}, p99"),
            row.get("p99"),
            "ms",
            Target::AtMost(50.0),
        );
    }
    Ok(())
}

/// How fast messages leave once the relay takes them, with nothing else to do.
async fn posted(services: &Services<'_>, length: Length, results: &mut Results) -> Result<()> {
    let lasts = length.pick(Duration::from_secs(10), Duration::from_secs(4));
    let mut behind = services.environment.look_behind().await?;
    let sent = "select count(*) from notification.job_done";
    services
        .environment
        .suite
        .mail
        .behave(SmtpBehaviour::Accept);
    let mut count: i64 = 0;
    while count == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        count = sqlx::query_scalar(sent).fetch_one(&mut behind).await?;
    }
    tokio::time::sleep(lasts).await;
    let more: i64 = sqlx::query_scalar(sent).fetch_one(&mut behind).await?;
    let more = crate::generator::count((more - count).cast_unsigned());
    results.tell(
        "messages sent, nothing else to do",
        more / lasts.as_secs_f64(),
        "/s",
    );
    Ok(())
}
