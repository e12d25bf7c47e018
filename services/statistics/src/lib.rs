//! Counts reports exactly and answers with figures that carry their denominators.
//!
//! The logs of intake and qualification become facts: what was known of each report, and from
//! when to when. Figures are facts that are grouped and counted when they are asked for, as
//! known now or at a past moment. The sealed field of a report stays sealed: the service
//! is not even given the key. A structure is told apart by an id that is derived
//! from its number or name: a pseudonym, which anybody can turn back who tries
//! all numbers, so that facts are no data to give away.

mod config;
mod consume;
mod facts;
mod figures;

use std::sync::Arc;

use platform::{Files, Listeners, Metrics, SealingKey, StartError};
use proto::statistics::v1::statistics_service_server::StatisticsServiceServer;
use service::Runtime;
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Channel};

pub use config::{Config, LogKeyConfig, ProducersConfig};

use crate::{
    consume::{FactConsumer, Progress},
    figures::Figures,
};

/// The name of the service: of its schema and its certificate.
pub const NAME: &str = "statistics";

/// The name of its consumers, under which the offsets of the facts are kept.
///
/// The release before kept counters and follows the same logs as `statistics`: during an
/// upgrade, and after a rollback, each goes on where its own tables stand.
pub const CONSUMER: &str = "statistics/facts";

/// The tables of facts.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The migrations of the service's schema, in order.
pub fn migrators() -> Vec<&'static Migrator> {
    vec![&platform::MIGRATOR, &eventlog::MIGRATOR, &MIGRATOR]
}

/// The service, connected and checked.
pub struct App {
    runtime: Runtime,
    producers: [(&'static str, Channel); 2],
}

/// Connects to everything the service needs and checks that it can be used.
pub async fn build(config: Config, metrics: Arc<Metrics>) -> Result<App, StartError> {
    config.check()?;
    let files = Files::new(&metrics);
    let log_key_file = &config.sealing.log_key_file;
    let log_key = SealingKey::of_file("SEALING_LOG_KEY_FILE", log_key_file, &files)?;
    let runtime = Runtime::open(NAME, &migrators(), config.base, log_key, files, metrics).await?;
    let producer = |name, url: &str| Ok::<_, StartError>((name, runtime.channel(name, url)?));
    let producers = [
        producer("intake", &config.producers.intake_url)?,
        producer("qualification", &config.producers.qualification_url)?,
    ];
    Ok(App { runtime, producers })
}

impl App {
    /// Counts and answers until the shutdown, then drains.
    pub async fn run(
        self,
        listeners: Listeners,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let mut running = self.runtime.start(&shutdown);
        let channels = self.producers.iter().map(|(_, channel)| channel.clone());
        let figures = Figures {
            pool: running.runtime.pool.clone(),
            progress: Progress::new(channels.collect()),
        };
        for (producer, channel) in self.producers {
            running.consume(CONSUMER, producer, channel, Arc::new(FactConsumer));
        }
        let largest = running.runtime.config.server.max_message_bytes;
        let figures = StatisticsServiceServer::new(figures).max_decoding_message_size(largest);
        running.serve(listeners, Routes::new(figures)).await
    }
}

#[cfg(test)]
mod tests;
