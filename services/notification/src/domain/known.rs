//! What is kept of a report between the events that concern it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{cause::CaseNews, letter::Recipient, situation::Situation};

/// A report as this service knows it, whole or in part: the events of a case
/// may come before those of its report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownReport {
    /// As it stands; absent until the report itself came.
    pub(crate) situation: Option<Situation>,
    /// An importer gave a past date of declaration.
    pub(crate) back_dated: bool,
    /// A test.
    pub(crate) test: bool,
    /// The contacts, sealed under the report's key.
    pub(crate) sealed_contacts: Option<Vec<u8>>,
    /// The report's key, wrapped; absent once erased.
    pub(crate) data_key: Option<Vec<u8>>,
    /// Who was told by a message.
    pub(crate) told: BTreeSet<Recipient>,
    /// The case, once there is one.
    pub(crate) case_id: Option<Uuid>,
    /// The latest revision of the case that was seen.
    pub(crate) case_revision: u64,
    /// The case was judged major.
    pub(crate) major: bool,
    /// The event that closed the case before the report came.
    pub(crate) awaiting_closing: Option<Uuid>,
}

impl KnownReport {
    /// The report as it stands after news of its case.
    pub(crate) fn situation_after(&self, news: &CaseNews) -> Situation {
        let known = self.situation.clone().unwrap_or_default();
        Situation {
            reference: news.reference.clone(),
            region: news.region.or(known.region),
            origin: news.origin,
            origin_types: news.origin_types.clone(),
            impacts: news.impacts.clone(),
            severity: news.severity,
            ..known
        }
    }
}
