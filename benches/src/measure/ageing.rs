//! Whether a declaration costs as much after two million others as at the beginning.
//!
//! Nothing is looked after meanwhile but what PostgreSQL does by itself; the mail relay is
//! silent, so that the messages of all declarations wait.

use std::time::Duration;

use anyhow::Result;

use super::rate::{self, FIRST};
use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target},
    generator::{Generator, count, quantile},
    services::Services,
};

/// How many declarations there have been when it is looked closely.
const AGES: [u64; 4] = [0, 500_000, 1_000_000, 2_000_000];

/// The share of R at which they are declared.
const SHARE: f64 = 0.6;

/// What may be lost with age, as a ratio.
const AGEING: Target = Target::AtMost(1.15);

/// What was seen at an age.
struct Look {
    /// Processor time of the whole suite for a declaration, in milliseconds.
    each: f64,
    /// The time of a submission that one in a hundred exceeds, in milliseconds.
    slowest: f64,
    /// The highest rate that every consumer keeps up with.
    highest: f64,
}

/// Declares on and on, and looks at the same things again and again.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let (services, generator) = rate::ready(environment).await?;

    // Whoever looks for R overloads the services again and again, so R comes last of an age;
    // but for the first, at which a rate must be known.
    let (mut highest, _) = rate::highest(&services, &generator, FIRST, length).await?;
    let pace = SHARE * highest;
    let mut looks: Vec<Look> = Vec::new();
    for age in AGES.map(|age| length.pick(age, age / 1_000)) {
        declare_until(&services, &generator, age, pace).await?;
        let age = declared(environment).await?;
        let lasts = length.pick(Duration::from_mins(2), Duration::from_secs(4));
        let held = rate::hold(&services, &generator, pace, lasts).await?;
        if !looks.is_empty() {
            (highest, _) = rate::highest(&services, &generator, highest, length).await?;
        }
        let look = Look {
            each: held.each(),
            slowest: quantile(&held.seen.answers, 0.99),
            highest,
        };
        let after = format!("after {age} declarations");
        results.tell(format!("CPU for a declaration {after}"), look.each, "ms");
        results.tell(format!("submission, p99, {after}"), look.slowest, "ms");
        results.tell(format!("R {after}"), look.highest, "/s");
        looks.push(look);
    }
    let [first, .., last] = &looks[..] else {
        unreachable!("there are several ages")
    };
    results.ratio(
        "CPU for a declaration, last ÷ first",
        last.each / first.each,
        AGEING,
    );
    results.ratio(
        "submission, p99, last ÷ first",
        last.slowest / first.slowest,
        AGEING,
    );
    results.ratio("R, first ÷ last", first.highest / last.highest, AGEING);
    services.stop()
}

/// Declares at a rate until so many declarations were made in all.
async fn declare_until(
    services: &Services<'_>,
    generator: &Generator,
    age: u64,
    rate: f64,
) -> Result<()> {
    let declared = declared(services.environment).await?;
    let load = generator.offer(rate).await?;
    while declared + load.acknowledged() < age {
        let left = count(age - declared - load.acknowledged()) / rate;
        let seen = load
            .observe(Duration::from_secs_f64(left.clamp(0.1, 60.0)))
            .await?;
        println!(
            "  {} declared, {:.0}/s acknowledged",
            declared + load.acknowledged(),
            seen.rate()
        );
    }
    load.stop().await?;
    services.environment.calm().await
}

/// How many declarations were made: each is one event of intake.
async fn declared(environment: &Environment) -> Result<u64> {
    let announced = sqlx::query_scalar("select sum(position)::bigint from intake.eventlog_head");
    let announced: i64 = announced
        .fetch_one(&mut environment.look_behind().await?)
        .await?;
    Ok(announced.cast_unsigned())
}
