//! One and two replicas of every service, on the same cores: a second one must take its
//! share of the work, and cost next to nothing.

use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::SmtpBehaviour;

use crate::{
    Length,
    environment::{Environment, Service},
    figures::{Results, Target, median},
    generator::count,
    usage,
};

/// As many declarations wait for an answer.
const IN_FLIGHT: usize = 256;

/// What consumes the log of reports.
const CONSUMERS: [&str; 3] = ["qualification", "notification", "statistics"];

/// What so many replicas of each service did.
struct Turn {
    /// Reports acknowledged a second while nobody consumed them.
    acknowledged: f64,
    /// Reports consumed a second once nobody declared any more.
    consumed: f64,
    /// Of the processor time of each consumer, that of its busiest replica, at worst.
    busiest: f64,
}

/// Lets one replica of each service work, and two, by turns.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    environment.suite.mail.behave(SmtpBehaviour::Hang);
    let lasts = length.pick(Duration::from_secs(8), Duration::from_secs(2));
    // What plans are made of: tables that hold something.
    turn(environment, 1, lasts).await?;
    environment.tell_postgres("vacuum analyze").await?;
    let mut rounds = Vec::new();
    for _ in 0..length.rounds() {
        rounds.push((
            turn(environment, 1, lasts).await?,
            turn(environment, 2, lasts).await?,
        ));
    }
    let all = |what: fn(&(Turn, Turn)) -> f64| median(rounds.iter().map(what));
    results.tell(
        "reports consumed a second, one replica of each service",
        all(|(one, _)| one.consumed),
        "/s",
    );
    results.ratio(
        "submissions acknowledged, two replicas ÷ one",
        all(|(one, two)| two.acknowledged / one.acknowledged),
        Target::AtLeast(0.8),
    );
    results.ratio(
        "reports consumed, two replicas ÷ one",
        all(|(one, two)| two.consumed / one.consumed),
        Target::AtLeast(0.7),
    );
    results.ratio(
        "share of the busier of two replicas",
        all(|(_, two)| two.busiest),
        Target::AtMost(0.75),
    );
    Ok(())
}

async fn turn(environment: &Environment, replicas: usize, lasts: Duration) -> Result<Turn> {
    let intakes = environment.start_replicas("intake", replicas).await?;
    let addresses = intakes.iter().map(|intake| intake.public).collect();
    let generator = environment.generator_for(addresses).await?;
    environment.tell_postgres("checkpoint").await?;
    let load = generator.saturate(IN_FLIGHT).await?;
    load.observe(Duration::from_secs(1)).await?;
    let acknowledged = load.observe(lasts).await?.rate();
    load.stop().await?;

    let mut consumers = Vec::new();
    for name in CONSUMERS {
        consumers.push(environment.start_replicas(name, replicas).await?);
    }
    let (ahead, started) = (environment.lags().await?, Instant::now());
    environment.calm().await?;
    let reports = ahead.into_iter().max().unwrap_or_default();
    let consumed = count(reports.unsigned_abs()) / started.elapsed().as_secs_f64();
    let busiest = consumers.iter().map(|replicas| busiest(replicas));
    let busiest = busiest.collect::<Result<Vec<f64>>>()?;
    println!("  {replicas}: {acknowledged:.0}/s acknowledged, {consumed:.0}/s consumed");
    for service in consumers.into_iter().flatten().chain(intakes) {
        service.stop()?;
    }
    Ok(Turn {
        acknowledged,
        consumed,
        busiest: busiest.into_iter().fold(0.0, f64::max),
    })
}

/// The busiest replica's share of what all of a service spent.
fn busiest(replicas: &[Service]) -> Result<f64> {
    let spent = replicas.iter().map(|replica| usage::cpu(replica.process()));
    let spent = spent.collect::<Result<Vec<f64>>>()?;
    Ok(spent.iter().copied().fold(0.0, f64::max) / spent.iter().sum::<f64>())
}
