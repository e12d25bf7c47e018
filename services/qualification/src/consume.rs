//! Which event goes to which feature.

use std::sync::Arc;

use eventlog::Log;
use proto::events::v1::{ReportContactsErased, ReportSubmitted, ReportWithdrawn};
use service::Registry;

use crate::cases::ReportEvents;

/// What the service applies of the log of intake.
pub(crate) fn registry(log: Log) -> Registry {
    let reports = Arc::new(ReportEvents { log: log.clone() });
    Registry::announcing(log)
        .on::<ReportSubmitted>(&reports)
        .on::<ReportWithdrawn>(&reports)
        .on::<ReportContactsErased>(&reports)
}
