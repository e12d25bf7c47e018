//! R, the highest rate that all four services bear, what a declaration costs there, and
//! how long people wait at half of it.

use std::time::Duration;

use anyhow::Result;
use sqlx::Row as _;
use testkit::SmtpBehaviour;

use super::rate::{FIRST, highest, ready};
use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target},
    generator::{Generator, Observed, count, quantile},
    pgbench::Bare,
    services::Services,
    wal::WalStart,
};

/// Looks for R, then looks closely at R and at half of it.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let (services, generator) = ready(environment).await?;

    let (rate, held) = highest(&services, &generator, FIRST, length).await?;
    results.aim(
        "R, the highest rate that every consumer keeps up with",
        held.seen.rate(),
        "/s",
        Target::AtLeast(1500.0),
    );
    for (name, spent) in &held.spent {
        let share = spent / held.seen.lasted.as_secs_f64() / 10.0;
        results.tell(format!("CPU of {name} at R"), share, "% of a core");
    }
    results.aim(
        "CPU of the whole suite for a declaration",
        held.each(),
        "ms",
        Target::AtMost(107.0),
    );
    written(&services, &generator, rate / 2.0, length, results).await?;
    let lasts = length.pick(Duration::from_secs(30), Duration::from_secs(8));
    delays(
        &services,
        &generator,
        rate / 20.0,
        lasts,
        "R/20",
        5.0,
        results,
    )
    .await?;
    answers(&services, &generator, rate / 2.0, length, results).await?;
    posted(&services, length, results).await?;
    services.stop()
}

/// What a declaration writes into the log of PostgreSQL at half of R, with everything that
/// follows from it but the sending of its messages.
async fn written(
    services: &Services<'_>,
    generator: &Generator,
    rate: f64,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let environment = services.environment;
    // Images of whole pages come once for each page and checkpoint: they are told by their
    // bytes, not by records.
    environment.tell_postgres("checkpoint").await?;
    let messages = messages(environment).await?;
    let start = WalStart::now(environment).await?;
    let load = generator.offer(rate).await?;
    load.observe(length.pick(Duration::from_secs(10), Duration::from_secs(4)))
        .await?;
    let declared = load.end().await?;
    environment.calm().await?;
    let wal = start.written().await?;
    let each = |total: u64| count(total) / count(declared);
    let messages = self::messages(environment).await? - messages;
    results.tell("messages of a declaration", each(messages), "");
    results.aim(
        "records of the log of PostgreSQL for a declaration",
        each(wal.records),
        "",
        Target::AtMost(60.0),
    );
    results.aim(
        "entries of indexes for a declaration",
        each(wal.index_entries),
        "",
        Target::AtMost(25.0),
    );
    results.tell(
        "bytes of the log of PostgreSQL for a declaration",
        each(wal.bytes) / 1024.0,
        "KiB",
    );
    Ok(())
}

/// How many messages wait.
async fn messages(environment: &Environment) -> Result<u64> {
    let waiting = sqlx::query_scalar("select count(*) from notification.job");
    let waiting: i64 = waiting
        .fetch_one(&mut environment.look_behind().await?)
        .await?;
    Ok(waiting.cast_unsigned())
}

/// How long a declarant waits at half of R.
async fn answers(
    services: &Services<'_>,
    generator: &Generator,
    rate: f64,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let lasts = length.pick(Duration::from_secs(30), Duration::from_secs(8));
    let alone = Bare::like_the_last(services.environment)
        .await?
        .insert_alone(lasts / 2)
        .await?;
    let seen = delays(services, generator, rate, lasts, "R/2", 25.0, results).await?;
    for (name, times) in [
        ("submission at R/2", &seen.answers),
        ("bare insert, one client", &alone),
    ] {
        results.tell(format!("{name}, p50"), quantile(times, 0.5), "ms");
        results.tell(format!("{name}, p99"), quantile(times, 0.99), "ms");
    }
    results.ratio_within(
        "submission at R/2, p99 ÷ bare insert, one client, p99",
        quantile(&seen.answers, 0.99) / quantile(&alone, 0.99),
        Target::AtMost(4.0),
        Target::AtMost(150.0),
    );
    Ok(())
}

/// Declares at a rate and tells how soon consumers know; half of them within `soon`
/// milliseconds.
async fn delays(
    services: &Services<'_>,
    generator: &Generator,
    rate: f64,
    lasts: Duration,
    share: &str,
    soon: f64,
    results: &mut Results,
) -> Result<Observed> {
    let environment = services.environment;
    let load = generator.offer(rate).await?;
    load.observe(Duration::from_secs(2)).await?;
    let since = platform::now();
    let seen = load.observe(lasts).await?;
    load.stop().await?;
    environment.calm().await?;
    let delays = sqlx::query(include_str!("delays.sql")).bind(since);
    for row in delays
        .fetch_all(&mut environment.look_behind().await?)
        .await?
    {
        let name = format!(
            "from commit to {} at {share}",
            row.get::<&str, _>("consumer")
        );
        results.aim(
            format!("{name}, p50"),
            row.get("p50"),
            "ms",
            Target::AtMost(soon),
        );
        results.aim(
            format!("{name}, p99"),
            row.get("p99"),
            "ms",
            Target::AtMost(50.0),
        );
    }
    Ok(seen)
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
