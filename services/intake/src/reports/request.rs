//! The requests about reports, read.

use platform::{Caller, Error, Result, Violations};
use prost::Message as _;
use proto::{intake::v1 as pb, types::v1::structure_identifier::Identifier};
use serde_json::json;
use service::{Fields, Page, request_hash, wire::timestamp};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocabulary::{ParseError, ReportKind, Text, is_empty_text, parse_uuid};

use super::{
    Author, OnBehalf, ReportState,
    draft::{self, moment},
    facts::Draft,
    list::{ListFilter, Position, ReportName},
};
use crate::drafts::SentDraft;

/// How long a declaration may have been on its way to who enters it.
const LONGEST_ON_THE_WAY: Duration = Duration::days(31);

/// A report that somebody sends.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    /// The caller's own name for the request.
    pub(super) request_id: Uuid,
    /// The report.
    pub(super) draft: Draft,
    /// A past date of declaration.
    pub(super) declared_at: Option<OffsetDateTime>,
    /// How it came to who enters it for somebody else.
    pub(super) on_behalf: Option<OnBehalf>,
    /// The draft of the author that is sent.
    pub(super) sent_draft: Option<SentDraft>,
    /// What the request held, as it was sent.
    pub(super) hash: Vec<u8>,
}

/// A report that somebody withdraws.
#[derive(Clone, Debug)]
pub(super) struct WithdrawCommand {
    /// The caller's own name for the request.
    pub(super) request_id: Uuid,
    /// Which report.
    pub(super) report_id: Uuid,
    /// Why.
    pub(super) reason: Text<1, 2_000>,
    /// The state that was seen; empty for any.
    pub(super) etag: String,
    /// What tells this request from another under the same name.
    pub(super) hash: Vec<u8>,
}

/// Reads what is sent, or tells every violation.
pub(super) fn submission(wire: pb::SubmitReportRequest, now: OffsetDateTime) -> Result<Submission> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = uuid(&mut fields, "request_id", &wire.request_id);
    let on_behalf = on_behalf(
        &mut fields,
        wire.on_behalf.as_ref(),
        wire.declared_at.as_ref(),
        now,
    );
    let declared_at = declared_at(&mut fields, wire.declared_at.as_ref(), now);
    let sent_draft = (!is_empty_text(&wire.draft_id))
        .then(|| fields.uuid("draft_id", &wire.draft_id))
        .flatten()
        .map(|draft_id| SentDraft {
            draft_id,
            etag: wire.draft_etag,
        });
    let sent = wire.draft.clone().unwrap_or_default();
    let draft = draft::read(wire.draft, now, &mut violations);
    match (request_id, draft, violations.is_empty()) {
        (Some(request_id), Some(draft), true) => {
            let content = pb::CheckReportRequest {
                draft: Some(as_sent(draft::to_wire(&draft.facts, None), &sent)),
                declared_at: declared_at.map(timestamp),
                on_behalf: wire.on_behalf,
            };
            Ok(Submission {
                request_id,
                draft,
                declared_at,
                on_behalf,
                sent_draft,
                hash: request_hash(&content.encode_to_vec()),
            })
        }
        _ => Err(violations.into()),
    }
}

/// Reads what is to be checked; violations are an answer.
pub(super) fn check(
    wire: pb::CheckReportRequest,
    now: OffsetDateTime,
) -> Result<(Draft, Option<OffsetDateTime>, Option<OnBehalf>), Violations> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let on_behalf = on_behalf(
        &mut fields,
        wire.on_behalf.as_ref(),
        wire.declared_at.as_ref(),
        now,
    );
    let declared_at = declared_at(&mut fields, wire.declared_at.as_ref(), now);
    match draft::read(wire.draft, now, &mut violations) {
        Some(draft) if violations.is_empty() => Ok((draft, declared_at, on_behalf)),
        _ => Err(violations),
    }
}

/// Reads a withdrawal, or tells every violation.
pub(super) fn withdrawal(mut wire: pb::WithdrawReportRequest) -> Result<WithdrawCommand> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = uuid(&mut fields, "request_id", &wire.request_id);
    let report_id = uuid(&mut fields, "report_id", &wire.report_id);
    let reason: Option<Text<1, 2_000>> = fields.required_text("reason", wire.reason.clone());
    match (request_id, report_id, reason, violations.is_empty()) {
        (Some(request_id), Some(report_id), Some(reason), true) => {
            wire.request_id.clear();
            Ok(WithdrawCommand {
                request_id,
                report_id,
                reason,
                hash: request_hash(&wire.encode_to_vec()),
                etag: wire.etag,
            })
        }
        _ => Err(violations.into()),
    }
}

/// Reads the id or the reference of a report.
pub(crate) fn report_name(text: &str) -> Result<ReportName> {
    if let Ok(id) = parse_uuid(text) {
        return Ok(ReportName::Id(id));
    }
    text.parse().map(ReportName::Reference).map_err(|_| {
        let (reason, why) = if is_empty_text(text) {
            ("REQUIRED", "ce champ est obligatoire")
        } else {
            let why = "ce n'est ni un UUID ni une référence de signalement";
            ("BAD_FORMAT", why)
        };
        Error::invalid("report_id", reason, why)
    })
}

/// Reads which reports are wanted, and the page of them.
pub(super) fn list(wire: &pb::ListReportsRequest) -> Result<(ListFilter, Page<Position>)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let routing_region = fields.formed("routing_region", &wire.routing_region, |text| {
        text.parse()
            .map_err(|_: ParseError| ("UNKNOWN_VALUE", "cette région n'existe pas"))
    });
    let kind = fields.word::<ReportKind>("kind", wire.kind);
    let facts = [
        ("kind", kind.map(|kind| json!(kind))),
        ("cross_border", wire.cross_border.map(|said| json!(said))),
    ];
    let state = match pb::ReportState::try_from(wire.state) {
        Ok(pb::ReportState::Unspecified) => None,
        Ok(pb::ReportState::Submitted) => Some(ReportState::Submitted),
        Ok(pb::ReportState::Withdrawn) => Some(ReportState::Withdrawn),
        Err(_) => {
            fields.refuse("state", "UNKNOWN_VALUE", "cette valeur n'existe pas");
            None
        }
    };
    let declared_after = fields.moment("declared_after", wire.declared_after.as_ref());
    let declared_before = fields.moment("declared_before", wire.declared_before.as_ref());
    let mut period = declared_after.iter().zip(&declared_before);
    if period.any(|(after, before)| after >= before) {
        let why = "la fin de la période n'est pas après son début";
        fields.refuse("declared_before", "CONFLICT", why);
    }
    violations.into_result()?;
    let filter = ListFilter {
        routing_region,
        state,
        declared_after,
        declared_before,
        facts: facts
            .into_iter()
            .filter_map(|(field, value)| Some((field, value?)))
            .collect(),
    };
    let list = pb::ListReportsRequest {
        page_size: 0,
        page_token: String::new(),
        ..wire.clone()
    };
    let page = Page::read(wire.page_size, &wire.page_token, list.encode_to_vec())?;
    Ok((filter, page))
}

impl From<&Caller> for Author {
    fn from(caller: &Caller) -> Self {
        Self {
            subject: caller.subject.clone(),
            roles: caller.roles.clone(),
            region: caller.region,
            structures: caller.structures.clone(),
            decided: None,
        }
    }
}

fn declared_at(
    fields: &mut Fields<'_>,
    wire: Option<&prost_types::Timestamp>,
    now: OffsetDateTime,
) -> Option<OffsetDateTime> {
    let declared_at = moment(fields, "declared_at", wire);
    if declared_at.is_some_and(|declared_at| declared_at > now) {
        let why = "la déclaration est dans le futur";
        fields.refuse("declared_at", "IN_FUTURE", why);
    }
    declared_at
}

/// How a declaration came to who enters it, which says when it was declared.
fn on_behalf(
    fields: &mut Fields<'_>,
    wire: Option<&pb::OnBehalf>,
    declared_at: Option<&prost_types::Timestamp>,
    now: OffsetDateTime,
) -> Option<OnBehalf> {
    let wire = wire?;
    if declared_at.is_some() {
        let why = "la date est celle à laquelle la déclaration vous est parvenue";
        fields.refuse("declared_at", "CONFLICT", why);
    }
    let mut within = fields.within("on_behalf");
    let medium = within.required_word("medium", wire.medium);
    let received_at = within.moment("received_at", wire.received_at.as_ref());
    if received_at.is_some_and(|it| it > now) {
        let why = "cette date est dans le futur";
        within.refuse("received_at", "IN_FUTURE", why);
    }
    if received_at.is_some_and(|it| it < now - LONGEST_ON_THE_WAY) {
        let why = "il y a plus de 31 jours : c'est une reprise, que fait un programme d'import";
        within.refuse("received_at", "OUT_OF_RANGE", why);
    }
    Some(OnBehalf {
        medium: medium?,
        received_at,
    })
}

/// A UUID that must be there and not be nil.
fn uuid(fields: &mut Fields<'_>, field: &str, text: &str) -> Option<Uuid> {
    let uuid = fields.uuid(field, text)?;
    if uuid.is_nil() {
        fields.refuse(field, "BAD_FORMAT", "un UUID est attendu");
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

#[cfg(test)]
mod tests {
    use proto::types::v1::{DescribedStructure, Impacts, StructureIdentifier};
    use service::wire::timestamp;
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
            ..pb::SubmitReportRequest::default()
        }
    }

    #[test]
    fn a_request_hashes_as_it_was_sent_as_in_every_release() {
        let now = datetime!(2026-11-23 09:00 UTC);
        let first_release = pb::CheckReportRequest {
            draft: sent().draft,
            ..pb::CheckReportRequest::default()
        };
        let mut padded = sent();
        let description = &mut padded.draft.as_mut().unwrap().description;
        description.insert_str(0, "\u{a0}\n");
        for request in [sent(), padded] {
            let submission = submission(request, now).unwrap();
            assert_eq!(
                submission.hash,
                request_hash(&first_release.encode_to_vec())
            );
        }
    }
}
