//! Which event goes to which feature.

use std::sync::Arc;

use eventlog::Log;
use proto::events::v1::CaseChanged;
use service::Registry;

use crate::cases::CaseEvents;

/// What the service applies of the log of qualification.
pub(crate) fn registry(log: Log) -> Registry {
    Registry::announcing(log).on::<CaseChanged>(&Arc::new(CaseEvents))
}

#[cfg(test)]
mod tests {
    use eventlog::Apply as _;

    use super::*;

    #[tokio::test]
    async fn every_event_that_names_this_service_is_applied() {
        let database = testkit::postgres().await.database("intake").await;
        let config = platform::DatabaseConfig::new(database.url("intake"), "intake");
        platform::migrate(&config, &crate::migrators())
            .await
            .unwrap();
        let pool = platform::connect(&config, "test", &platform::Files::default()).await;
        let log = Log::open(pool.unwrap(), "intake", 1).await.unwrap();
        let registry = registry(log);
        for event_type in proto::types_for("intake") {
            assert!(registry.accepts(event_type), "{event_type}");
        }
    }
}
