//! Which event goes to which feature.

use std::sync::Arc;

use eventlog::Log;
use proto::events::v1::{
    ReportAmended, ReportAttached, ReportContactsErased, ReportLinkDecided, ReportResolved,
    ReportSubmitted, ReportWithdrawn,
};
use service::{Deadlines, Registry};

use crate::{cases::ReportEvents, escalation::Escalations};

/// What the service applies of the log of intake.
pub(crate) fn registry(log: Log, escalations: Escalations, deadlines: Deadlines) -> Registry {
    let reports = Arc::new(ReportEvents {
        log: log.clone(),
        escalations,
        deadlines,
    });
    Registry::announcing(log)
        .on::<ReportSubmitted>(&reports)
        .on::<ReportAmended>(&reports)
        .on::<ReportLinkDecided>(&reports)
        .on::<ReportAttached>(&reports)
        .on::<ReportWithdrawn>(&reports)
        .on::<ReportResolved>(&reports)
        .on::<ReportContactsErased>(&reports)
}

#[cfg(test)]
mod tests {
    use eventlog::Apply as _;

    use super::*;

    #[tokio::test]
    async fn every_event_that_names_this_service_is_applied() {
        let database = testkit::postgres().await.database("qualification").await;
        let config = platform::DatabaseConfig::new(database.url("qualification"), "qualification");
        platform::migrate(&config, &crate::migrators())
            .await
            .unwrap();
        let pool = platform::connect(&config, "test", &platform::Files::default()).await;
        let log = Log::open(pool.unwrap(), "qualification", 1).await.unwrap();
        let master_key = platform::SealingKey::from_bytes([7; 32]);
        let escalations = crate::QualificationConfig::default().escalations(master_key);
        let registry = registry(log, escalations.unwrap(), None.into());
        for event_type in proto::types_for("qualification") {
            assert!(registry.accepts(event_type), "{event_type}");
        }
    }
}
