//! The requests about one report, parsed.

use platform::{Result, Violation, Violations};
use proto::intake::v1 as pb;
use service::{Fields, request_hash, wire::timestamp};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::Text;

use super::{
    draft::{self, EARLIEST},
    draft_out,
};
use crate::domain::{Draft, Warning};

/// A report that somebody sends.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// The caller's own name for the request.
    pub(crate) request_id: Uuid,
    /// The report.
    pub(crate) draft: Draft,
    /// A past date of declaration.
    pub(crate) declared_at: Option<OffsetDateTime>,
    /// What tells this request from another under the same name.
    pub(crate) hash: Vec<u8>,
}

/// A report that somebody withdraws.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawing {
    /// The caller's own name for the request.
    pub(crate) request_id: Uuid,
    /// Which report.
    pub(crate) report_id: Uuid,
    /// Why.
    pub(crate) reason: Text<1, 2_000>,
    /// The state that was seen; empty for any.
    pub(crate) etag: String,
    /// What tells this request from another under the same name.
    pub(crate) hash: Vec<u8>,
}

/// Parses what is sent, or tells every violation.
pub(crate) fn submission(wire: pb::SubmitReportRequest, now: OffsetDateTime) -> Result<Submission> {
    let mut violations = Violations::default();
    let request_id = uuid(
        &mut Fields::new("", &mut violations),
        "request_id",
        &wire.request_id,
    );
    let declared_at = declared_at(&mut violations, wire.declared_at.as_ref(), now);
    let draft = draft::draft(wire.draft, now, &mut violations);
    match (request_id, draft, violations.is_empty()) {
        (Some(request_id), Some(draft), true) => {
            let hash = hash(&pb::CheckReportRequest {
                draft: Some(draft_out::to_wire(&draft.facts, Some(&draft.contacts))),
                declared_at: declared_at.map(timestamp),
            });
            Ok(Submission {
                request_id,
                draft,
                declared_at,
                hash,
            })
        }
        _ => Err(violations.into()),
    }
}

/// Parses what is to be checked; violations are an answer.
pub(crate) fn check(
    wire: pb::CheckReportRequest,
    now: OffsetDateTime,
) -> Result<(Draft, Option<OffsetDateTime>), Violations> {
    let mut violations = Violations::default();
    let declared_at = declared_at(&mut violations, wire.declared_at.as_ref(), now);
    match draft::draft(wire.draft, now, &mut violations) {
        Some(draft) if violations.is_empty() => Ok((draft, declared_at)),
        _ => Err(violations),
    }
}

/// Parses a withdrawal, or tells every violation.
pub(crate) fn withdrawing(wire: pb::WithdrawReportRequest) -> Result<Withdrawing> {
    let mut violations = Violations::default();
    let mut read = Fields::new("", &mut violations);
    let request_id = uuid(&mut read, "request_id", &wire.request_id);
    let report_id = uuid(&mut read, "report_id", &wire.report_id);
    let reason: Option<Text<1, 2_000>> = read.required_text("reason", wire.reason.clone());
    match (request_id, report_id, reason, violations.is_empty()) {
        (Some(request_id), Some(report_id), Some(reason), true) => {
            let hash = hash(&pb::WithdrawReportRequest {
                request_id: String::new(),
                reason: reason.as_str().to_owned(),
                ..wire.clone()
            });
            Ok(Withdrawing {
                request_id,
                report_id,
                reason,
                etag: wire.etag,
                hash,
            })
        }
        _ => Err(violations.into()),
    }
}

/// A violation for the wire.
pub(crate) fn violation(violation: &Violation) -> pb::Violation {
    pb::Violation {
        field: violation.field.clone(),
        reason: violation.reason.to_owned(),
        description: violation.description.clone(),
    }
}

/// A warning for the wire.
pub(crate) fn warning(warning: &Warning) -> pb::Violation {
    pb::Violation {
        field: warning.field.to_owned(),
        reason: warning.reason.to_owned(),
        description: warning.description.to_owned(),
    }
}

fn declared_at(
    violations: &mut Violations,
    wire: Option<&prost_types::Timestamp>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let mut read = Fields::new("", violations);
    let declared_at = read.moment("declared_at", wire)?;
    if declared_at > now {
        read.refuse(
            "declared_at",
            "IN_FUTURE",
            "la déclaration est dans le futur",
        );
    }
    if declared_at < EARLIEST {
        read.refuse(
            "declared_at",
            "OUT_OF_RANGE",
            "au plus tôt le 1er janvier 2000",
        );
    }
    Some(declared_at)
}

/// A UUID that must be there and not be nil.
fn uuid(read: &mut Fields<'_>, field: &str, text: &str) -> Option<Uuid> {
    let uuid = read.uuid(field, text)?;
    if uuid.is_nil() {
        read.refuse(field, "BAD_FORMAT", "un UUID est attendu");
        return None;
    }
    Some(uuid)
}

/// A hash of the parsed request in its encoded form, which later releases
/// extend without changing what earlier ones wrote.
fn hash(message: &impl prost::Message) -> Vec<u8> {
    request_hash(&message.encode_to_vec())
}
