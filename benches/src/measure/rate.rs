//! The highest rate of declarations that all four services bear: every consumer keeps up
//! until the figures are counted and the messages are written down.
//!
//! The mail relay is silent meanwhile: what is sent has a rate of its own.

use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::SmtpBehaviour;

use crate::{
    Length,
    environment::Environment,
    generator::{Generator, Observed, count},
    services::Services,
};

/// The first rate that is tried.
pub(super) const FIRST: f64 = 400.0;

/// A lag that grows by less than is declared in this time is flat.
const FLAT: f64 = 0.5;

/// What was seen at a rate.
pub(super) struct Held {
    pub(super) seen: Observed,
    /// Whether every consumer kept up.
    flat: bool,
    /// Milliseconds of processor time: of the services, the servers and, last, the generator.
    pub(super) spent: Vec<(&'static str, f64)>,
}

impl Held {
    /// Milliseconds of processor time of the whole suite for a declaration, without the
    /// generator.
    pub(super) fn each(&self) -> f64 {
        let suite = &self.spent[..self.spent.len() - 1];
        let spent: f64 = suite.iter().map(|(_, spent)| spent).sum();
        spent / count(self.seen.acknowledged)
    }
}

/// Starts the services before a silent mail relay, declares a little and has PostgreSQL look at
/// its tables, as it does by itself within a minute or two: plans made for empty ones are of no
/// use.
pub(super) async fn ready(environment: &Environment) -> Result<(Services<'_>, Generator)> {
    environment.suite.mail.behave(SmtpBehaviour::Hang);
    let services = Services::start(environment).await?;
    let generator = environment.generator().await?;
    let load = generator.offer(FIRST).await?;
    load.observe(Duration::from_secs(5)).await?;
    load.stop().await?;
    environment.calm().await?;
    environment.tell_postgres("vacuum analyze").await?;
    Ok((services, generator))
}

/// The highest rate that holds: found by short looks from `first` on, proven by a long one.
pub(super) async fn highest(
    services: &Services<'_>,
    generator: &Generator,
    first: f64,
    length: Length,
) -> Result<(f64, Held)> {
    let look = length.pick(Duration::from_secs(10), Duration::from_secs(4));
    let (mut low, mut high) = (0.0, first);
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
pub(super) async fn hold(
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
