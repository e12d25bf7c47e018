//! A report as PostgreSQL gives it.

use platform::{Error, Result};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Channel, Party, Word as _};

use super::read;
use crate::domain::{CaseProgress, Report, ReportedStructure, SealedContacts, Withdrawal};

/// A report as PostgreSQL gives it.
pub(super) struct Row {
    pub(super) report_id: Uuid,
    pub(super) reference: String,
    pub(super) facts: Value,
    pub(super) sealed_contacts: Option<Vec<u8>>,
    pub(super) wrapped_key: Option<Vec<u8>>,
    pub(super) structure_key: String,
    pub(super) structure_name: String,
    pub(super) structure_kind: Option<String>,
    pub(super) department: Option<String>,
    pub(super) town: Option<String>,
    pub(super) operator_status: Option<String>,
    pub(super) link_verified: bool,
    pub(super) routing_region: String,
    pub(super) visible_to: Vec<String>,
    pub(super) channel: String,
    pub(super) received_at: OffsetDateTime,
    pub(super) declared_at: OffsetDateTime,
    pub(super) withdrawn_at: Option<OffsetDateTime>,
    pub(super) withdrawal_reason: Option<String>,
    pub(super) revision: i64,
    pub(super) case_id: Option<Uuid>,
    pub(super) case_state: Option<String>,
    pub(super) case_revision: Option<i64>,
}

impl TryFrom<Row> for Report {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.report_id,
            reference: read::word(&row.reference)?,
            facts: serde_json::from_value(row.facts).map_err(Error::internal)?,
            contacts: row
                .sealed_contacts
                .zip(row.wrapped_key)
                .map(|(sealed, wrapped_key)| SealedContacts {
                    sealed,
                    wrapped_key,
                }),
            structure: ReportedStructure {
                key: read::word(&row.structure_key)?,
                name: row.structure_name,
                kind: read::listed(row.structure_kind.as_deref()),
                department: read::optional(row.department.as_deref())?,
                town: row.town,
                operator_status: read::listed(row.operator_status.as_deref()),
                link_verified: row.link_verified,
            },
            routing_region: read::word(&row.routing_region)?,
            visible_to: row
                .visible_to
                .iter()
                .map(|party| Party::stored(party))
                .collect(),
            channel: Channel::stored(&row.channel),
            received_at: row.received_at,
            declared_at: row.declared_at,
            withdrawal: row
                .withdrawn_at
                .zip(row.withdrawal_reason)
                .map(|(at, reason)| Withdrawal { at, reason }),
            case: match row.case_id.zip(row.case_revision) {
                None => None,
                Some((case_id, revision)) => Some(CaseProgress {
                    case_id,
                    state: read::listed(row.case_state.as_deref()),
                    revision: revision.cast_unsigned(),
                }),
            },
            revision: row.revision.cast_unsigned(),
        })
    }
}
