//! The requests about one report, parsed.

use platform::{Result, Violation, Violations};
use proto::{intake::v1 as pb, types::v1::structure_identifier::Identifier};
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
    /// What the request held, as it was sent.
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
    let sent = wire.draft.clone().unwrap_or_default();
    let draft = draft::draft(wire.draft, now, &mut violations);
    match (request_id, draft, violations.is_empty()) {
        (Some(request_id), Some(draft), true) => {
            let normalised = draft_out::to_wire(&draft.facts, Some(&draft.contacts));
            let hash = hash(&pb::CheckReportRequest {
                draft: Some(as_sent(normalised, &sent)),
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

/// A draft whose texts are only trimmed. Every release must hash the same request alike,
/// and the first ones do not normalise texts.
fn as_sent(mut normalised: pb::ReportDraft, sent: &pb::ReportDraft) -> pb::ReportDraft {
    let trimmed = |text: &str| text.trim().to_owned();
    let contact = |contact: &pb::Contact| pb::Contact {
        family_name: trimmed(&contact.family_name),
        given_name: trimmed(&contact.given_name),
        position: trimmed(&contact.position),
        email: trimmed(&contact.email),
        phone: trimmed(&contact.phone),
    };
    if let (Some(Identifier::Described(normalised)), Some(Identifier::Described(sent))) = (
        normalised
            .structure
            .as_mut()
            .and_then(|s| s.identifier.as_mut()),
        sent.structure.as_ref().and_then(|s| s.identifier.as_ref()),
    ) {
        normalised.name = trimmed(&sent.name);
    }
    pb::ReportDraft {
        declarant: sent.declarant.as_ref().map(contact),
        alternate_contact: sent.alternate_contact.as_ref().map(contact),
        description: trimmed(&sent.description),
        perimeter: trimmed(&sent.perimeter),
        systems: trimmed(&sent.systems),
        care_status: trimmed(&sent.care_status),
        measures_taken: trimmed(&sent.measures_taken),
        vendor: trimmed(&sent.vendor),
        product: trimmed(&sent.product),
        ..normalised
    }
}

/// A hash of the parsed request in its encoded form, which later releases
/// extend without changing what earlier ones wrote.
fn hash(message: &impl prost::Message) -> Vec<u8> {
    request_hash(&message.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use proto::types::v1::{DescribedStructure, Impacts, StructureIdentifier};
    use time::macros::datetime;

    use super::*;

    /// A request that every release takes, whose texts only later ones normalise.
    fn sent() -> pb::SubmitReportRequest {
        let structure = DescribedStructure {
            name: "Cabinet\u{a0}du Cha\u{302}teau".to_owned(),
            department: "34".to_owned(),
        };
        let draft = pb::ReportDraft {
            kind: 1,
            structure: Some(StructureIdentifier {
                identifier: Some(Identifier::Described(structure)),
            }),
            declarant: Some(pb::Contact {
                family_name: "Be\u{301}nard".to_owned(),
                email: "direction@Example.Org".to_owned(),
                phone: "+33 (0)4 67 33 67 33".to_owned(),
                ..pb::Contact::default()
            }),
            capacity: 1,
            found_at: Some(timestamp(datetime!(2026-11-23 08:00 UTC))),
            description: "Serveurs\u{a0}chiffrés\u{a0}:\r\ntout.".to_owned(),
            impacts: Some(Impacts::default()),
            tlp: 2,
            ..pb::ReportDraft::default()
        };
        pb::SubmitReportRequest {
            request_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
            draft: Some(draft),
            declared_at: None,
        }
    }

    #[test]
    fn a_request_hashes_as_it_was_sent_as_in_every_release() {
        let now = datetime!(2026-11-23 09:00 UTC);
        let first_release = pb::CheckReportRequest {
            draft: sent().draft,
            declared_at: None,
        };
        let mut padded = sent();
        let description = &mut padded.draft.as_mut().unwrap().description;
        description.insert_str(0, "\u{a0}\n");
        for request in [sent(), padded] {
            let submission = submission(request, now).unwrap();
            assert_eq!(submission.hash, hash(&first_release));
        }
    }
}
