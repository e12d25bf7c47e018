//! Which event goes to which feature.

use std::sync::Arc;

use eventlog::Log;
use proto::events::v1::{
    CaseActivityRecorded, CaseChanged, CaseMessagePosted, EscalationCalled, ReportAmended,
    ReportAttached, ReportContactsErased, ReportSubmitted, ReportWithdrawn,
};
use service::Registry;

use crate::{deliveries::CallEvents, notices::NoticeEvents};

/// What the service applies of the logs of intake and qualification.
pub(crate) fn registry(log: Log, notices: NoticeEvents) -> Registry {
    let notices = Arc::new(notices);
    Registry::announcing(log)
        .on::<ReportSubmitted>(&notices)
        .on::<ReportAmended>(&notices)
        .on::<ReportAttached>(&notices)
        .on::<ReportWithdrawn>(&notices)
        .on::<ReportContactsErased>(&notices)
        .on::<CaseChanged>(&notices)
        .on::<CaseMessagePosted>(&notices)
        .on::<CaseActivityRecorded>(&notices)
        .on::<EscalationCalled>(&Arc::new(CallEvents))
}

#[cfg(test)]
mod tests {
    use eventlog::Apply as _;
    use platform::{DatabaseConfig, Files, SealingKey, Watched};

    use super::*;
    use crate::{
        deliveries::{AddressBook, Addressing},
        metrics::ServiceMetrics,
        on_call::OnCallChain,
    };

    #[tokio::test]
    async fn every_event_that_names_this_service_is_applied() {
        let database = testkit::postgres().await.database("notification").await;
        let config = DatabaseConfig::new(database.url(crate::NAME), crate::NAME);
        let migrators = crate::migrators();
        platform::migrate(&config, &migrators).await.unwrap();
        let pool = platform::connect(&config, "test", &Files::default()).await;
        let log = Log::open(pool.unwrap(), crate::NAME, 1).await.unwrap();
        let notices = NoticeEvents {
            addressing: Addressing {
                address_book: AddressBook {
                    security_officer: Vec::new(),
                    cell: Vec::new(),
                    health_authority: Vec::new(),
                    agency_domain: String::new(),
                },
                on_call: Watched::from(OnCallChain::default()),
                master_key: SealingKey::from_bytes([7; 32]),
                metrics: ServiceMetrics::default(),
            },
            metrics: ServiceMetrics::default(),
        };
        let registry = registry(log, notices);
        for event_type in proto::types_for("notification") {
            assert!(registry.accepts(event_type), "{event_type}");
        }
    }
}
