//! What the services cost while nothing happens, and how soon they serve.

use std::time::Duration;

use anyhow::Result;

use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target, median},
    services::Services,
    usage,
};

/// After the start and before the services are taken to be idle.
const SETTLING: Duration = Duration::from_secs(3);

/// Starts the services again and again, then leaves them alone.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let mut starts: Vec<Vec<(&str, f64)>> = Vec::new();
    for _ in 1..length.rounds() {
        let services = Services::start(environment).await?;
        starts.push(started(&services));
        services.stop()?;
    }
    let services = Services::start(environment).await?;
    starts.push(started(&services));

    tokio::time::sleep(SETTLING).await;
    let lasts = length.pick(Duration::from_secs(30), Duration::from_secs(8));
    let before = services.spent()?;
    tokio::time::sleep(lasts).await;
    let after = services.spent()?;
    for (number, (name, service)) in services.iter().enumerate() {
        let start = median(starts.iter().map(|start| start[number].1));
        let spent = after[number].1 - before[number].1;
        results.aim(
            format!("start of {name} until it serves"),
            start,
            "ms",
            Target::AtMost(150.0),
        );
        results.aim(
            format!("memory of {name}, idle"),
            usage::memory(service.process())?,
            "MiB",
            Target::AtMost(25.0),
        );
        results.aim(
            format!("CPU of {name}, idle"),
            spent / lasts.as_secs_f64() / 10.0,
            "% of a core",
            Target::AtMost(0.3),
        );
    }
    services.stop()
}

fn started(services: &Services<'_>) -> Vec<(&'static str, f64)> {
    services
        .iter()
        .map(|(name, service)| (name, service.started_in.as_secs_f64() * 1000.0))
        .collect()
}
