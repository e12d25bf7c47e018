//! Requests about cases of one cause, strictly read.

use platform::{Result, Violations};
use proto::qualification::v1::{AttachCaseRequest, AttachCasesRequest, DetachCaseRequest};
use service::Fields;
use uuid::Uuid;

use super::{Attach, AttachMany, Detach, MOST};
use crate::cases::Note;

/// Reads a request to attach a case.
pub(super) fn attach(request: AttachCaseRequest) -> Result<(Uuid, Attach)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let to = fields.uuid("parent_case_id", &request.parent_case_id);
    let note: Option<Note> = fields.text("note", request.note);
    match (request_id, case_id, to) {
        (Some(request_id), Some(case_id), Some(to)) if violations.is_empty() => Ok((
            request_id,
            Attach {
                case_id,
                etag: (!request.etag.is_empty()).then_some(request.etag),
                to,
                note,
            },
        )),
        _ => Err(violations.into()),
    }
}

/// Reads a request to attach cases.
pub(super) fn attach_many(request: AttachCasesRequest) -> Result<(Uuid, AttachMany)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let to = fields.uuid("parent_case_id", &request.parent_case_id);
    let note: Option<Note> = fields.text("note", request.note);
    let mut case_ids = Vec::new();
    if request.case_ids.is_empty() {
        fields.missing("case_ids");
    } else if request.case_ids.len() > MOST {
        fields.refuse("case_ids", "TOO_MANY", "Au plus 500 dossiers à la fois.");
    } else {
        for (index, text) in request.case_ids.iter().enumerate() {
            let item = format!("case_ids[{index}]");
            match fields.uuid(&item, text) {
                Some(case_id) if case_ids.contains(&case_id) => {
                    fields.refuse(&item, "DUPLICATE", "Ce dossier est déjà dans la liste.");
                }
                Some(case_id) => case_ids.push(case_id),
                None => {}
            }
        }
    }
    match (request_id, to) {
        (Some(request_id), Some(to)) if violations.is_empty() => {
            Ok((request_id, AttachMany { case_ids, to, note }))
        }
        _ => Err(violations.into()),
    }
}

/// Reads a request to detach a case.
pub(super) fn detach(request: DetachCaseRequest) -> Result<(Uuid, Detach)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let note: Option<Note> = fields.text("note", request.note);
    match (request_id, case_id) {
        (Some(request_id), Some(case_id)) if violations.is_empty() => Ok((
            request_id,
            Detach {
                case_id,
                etag: (!request.etag.is_empty()).then_some(request.etag),
                note,
            },
        )),
        _ => Err(violations.into()),
    }
}
