//! The request to amend a report, read.

use platform::{Result, Violations};
use prost::Message as _;
use proto::intake::v1 as pb;
use service::{Fields, request_hash};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::ReportStage;

use super::fields::{self, Path};
use crate::reports::{Draft, read_draft};

/// The most fields that one amendment names.
const MAX_PATHS: usize = 64;

/// A report that somebody amends.
#[derive(Clone, Debug)]
pub(super) struct AmendCommand {
    /// The caller's own name for the request.
    pub(super) request_id: Uuid,
    /// Which report.
    pub(super) report_id: Uuid,
    /// The state that was seen; empty for any.
    pub(super) etag: String,
    /// The stage that the declaration reaches.
    pub(super) stage: ReportStage,
    /// The new values.
    changes: pb::ReportDraft,
    /// The fields that they are of.
    paths: Vec<Path>,
    /// What was sent, but for the name of the request.
    sent: Vec<u8>,
}

/// Reads an amendment, or tells every violation that shows without the report.
pub(super) fn amendment(mut wire: pb::AmendReportRequest) -> Result<AmendCommand> {
    let mut violations = Violations::default();
    let mut read = Fields::new("", &mut violations);
    let request_id = read.uuid("request_id", &wire.request_id);
    let report_id = read.uuid("report_id", &wire.report_id);
    let stage = read.required_word("stage", wire.stage);
    let mask = wire.update_mask.as_ref();
    let paths = paths(&mut read, mask.map_or(&[][..], |mask| &mask.paths[..]));
    match (request_id, report_id, stage, violations.is_empty()) {
        (Some(request_id), Some(report_id), Some(stage), true) => {
            wire.request_id.clear();
            Ok(AmendCommand {
                request_id,
                report_id,
                stage,
                paths,
                sent: wire.encode_to_vec(),
                etag: wire.etag,
                changes: wire.draft.unwrap_or_default(),
            })
        }
        _ => Err(violations.into()),
    }
}

fn paths(read: &mut Fields<'_>, wire: &[String]) -> Vec<Path> {
    if wire.len() > MAX_PATHS {
        read.refuse("update_mask", "TOO_MANY", "au plus 64 champs");
        return Vec::new();
    }
    let mut paths = Vec::with_capacity(wire.len());
    for (index, text) in wire.iter().enumerate() {
        match Path::parse(text) {
            None => {
                let item = format!("update_mask.paths[{index}]");
                read.refuse(&item, "UNKNOWN_VALUE", "ce champ n'existe pas");
            }
            Some(path) if path.is_mutable() => paths.push(path),
            Some(_) => {
                let why = "ce champ ne change pas : retirez le signalement et déclarez à nouveau";
                read.refuse(&format!("draft.{text}"), "IMMUTABLE", why);
            }
        }
    }
    paths
}

impl AmendCommand {
    /// The draft with what the amendment changes, parsed like a submitted one.
    pub(super) fn apply(&self, draft: &pb::ReportDraft, now: OffsetDateTime) -> Result<Draft> {
        let merged = fields::merge(draft, &self.changes, &self.paths);
        let mut violations = Violations::default();
        match read_draft(Some(merged), now, &mut violations) {
            Some(draft) if violations.is_empty() => Ok(draft),
            _ => Err(violations.into()),
        }
    }

    /// Tells this request from another under the same name. The report's own key is in it, so
    /// that nobody guesses contacts by it once they are erased.
    pub(super) fn hash(&self, data_key: Option<&[u8]>) -> Vec<u8> {
        request_hash(&[&self.sent, data_key.unwrap_or_default()].concat())
    }
}
