//! Requests, strictly read: every violation is told at once.

use std::collections::BTreeSet;

use platform::{Caller, PageToken, Result, Violations};
use proto::qualification::v1 as pb;
use uuid::Uuid;
use vocabulary::{CaseState, Reference, RoutingRegion, Text, Word as _, is_empty_text};

use super::{
    time::{is_moment, moment},
    triage,
};
use crate::domain::{Command, Key, Lessons, ListFilter, Note, Place, Scope};

/// A command as it was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The same at every retry.
    pub(crate) request_id: Uuid,
    /// The case.
    pub(crate) case_id: Uuid,
    /// The etag that the case must still have; any when `None`.
    pub(crate) etag: Option<String>,
    /// What to do.
    pub(crate) command: Command,
}

/// A page of a list as it was asked for.
#[derive(Debug)]
pub(crate) struct Page {
    /// What the list is restricted to.
    pub(crate) filter: ListFilter,
    /// Where the page before ended.
    pub(crate) after: Option<Place>,
    /// How many cases at most.
    pub(crate) size: u16,
}

const DEFAULT_PAGE: u16 = 20;
const MAX_PAGE: u16 = 200;

/// Reads a request to take a case in charge.
pub(crate) fn claim(request: &pb::ClaimCaseRequest) -> Result<Asked> {
    let pb::ClaimCaseRequest {
        request_id,
        case_id,
        etag,
    } = request;
    asked(
        request_id,
        case_id,
        etag,
        Some(Command::Claim),
        Violations::default(),
    )
}

/// Reads a request to qualify a case.
pub(crate) fn qualify(request: pb::QualifyCaseRequest) -> Result<Asked> {
    let mut violations = Violations::default();
    let unsaid = is_empty_text(&request.note);
    let note = if unsaid {
        None
    } else {
        text::<1, 4_000>("note", &request.note, &mut violations)
    };
    let command = match pb::Scope::try_from(request.scope) {
        Ok(pb::Scope::In) => triage::confirmed(request.triage, &mut violations)
            .map(|triage| Command::Qualify(Scope::In { triage, note })),
        Ok(pb::Scope::Out) => {
            if request.triage.is_some() {
                let why = "Hors périmètre, il n'y a pas d'évaluation à confirmer.";
                violations.add("triage", "CONFLICT", why);
            }
            if unsaid {
                violations.add("note", "REQUIRED", "Dites à ceux qui suivent pourquoi.");
            }
            note.map(|note: Note| Command::Qualify(Scope::Out { note }))
        }
        Ok(pb::Scope::Unspecified) => {
            violations.add("scope", "REQUIRED", "Dans le périmètre ou non ?");
            None
        }
        Err(_) => {
            violations.add("scope", "UNKNOWN_VALUE", "Cette valeur n'est pas connue.");
            None
        }
    };
    asked(
        &request.request_id,
        &request.case_id,
        &request.etag,
        command,
        violations,
    )
}

/// Reads a request to close a case.
pub(crate) fn close(request: &pb::CloseCaseRequest) -> Result<Asked> {
    let mut violations = Violations::default();
    let lessons: Option<Lessons> =
        text("lessons_learned", &request.lessons_learned, &mut violations);
    let command = lessons.map(|lessons| Command::Close { lessons });
    asked(
        &request.request_id,
        &request.case_id,
        &request.etag,
        command,
        violations,
    )
}

/// Reads the name of a case: its id, or the reference of its report.
pub(crate) fn get(request: &pb::GetCaseRequest) -> Result<Key> {
    let name = request.case_id.trim();
    if let Ok(case_id) = Uuid::try_parse(name) {
        return Ok(Key::Id(case_id));
    }
    if let Ok(reference) = name.parse::<Reference>() {
        return Ok(Key::Reference(reference.to_string()));
    }
    let reason = if is_empty_text(name) {
        "REQUIRED"
    } else {
        "BAD_FORMAT"
    };
    Err(platform::Error::invalid(
        "case_id",
        reason,
        "Un UUID ou une référence est attendu.",
    ))
}

/// Reads which cases to list.
pub(crate) fn list(request: &pb::ListCasesRequest, caller: &Caller) -> Result<Page> {
    let mut violations = Violations::default();
    let mut states = BTreeSet::new();
    for (index, &number) in request.states.iter().enumerate() {
        let state = CaseState::known(number);
        match state {
            Some(state) => {
                states.insert(state);
            }
            None => violations.add(
                format!("states[{index}]"),
                "UNKNOWN_VALUE",
                "Cette valeur n'est pas connue.",
            ),
        }
    }
    let routing_region = match request.routing_region.as_str() {
        "" => None,
        slug => {
            let region = slug.parse::<RoutingRegion>().ok();
            if region.is_none() {
                let why = "Un code INSEE de région, « national » ou « synthetic » est attendu.";
                violations.add("routing_region", "UNKNOWN_VALUE", why);
            }
            region
        }
    };
    let mut bound = |field: &str, timestamp: Option<prost_types::Timestamp>| {
        let bound = timestamp.and_then(moment);
        if timestamp.is_some() && bound.is_none() {
            violations.add(field, "OUT_OF_RANGE", "Cette date n'existe pas.");
        }
        bound
    };
    let declared_after = bound("declared_after", request.declared_after);
    let declared_before = bound("declared_before", request.declared_before);
    violations.into_result()?;
    let filter = ListFilter {
        states,
        routing_region,
        major_only: request.major_only,
        assignee: request.mine_only.then(|| caller.subject.clone()),
        declared_after,
        declared_before,
    };
    let after: Option<Place> =
        PageToken::decode(&request.page_token, filter.describe().as_bytes())?;
    if after.is_some_and(|place| !is_moment(place.declared_at)) {
        // Tokens are opaque, not signed: anybody can write one.
        let why = "does not belong to this list";
        return Err(platform::Error::invalid(
            "page_token",
            "INVALID_PAGE_TOKEN",
            why,
        ));
    }
    let size = match u16::try_from(request.page_size) {
        Ok(0) => DEFAULT_PAGE,
        Ok(size) => size.min(MAX_PAGE),
        Err(_) => MAX_PAGE,
    };
    Ok(Page {
        filter,
        after,
        size,
    })
}

/// Puts a command together with what every command carries. `command` is
/// `None` only with a violation that says why.
fn asked(
    request_id: &str,
    case_id: &str,
    etag: &str,
    command: Option<Command>,
    mut violations: Violations,
) -> Result<Asked> {
    let request_id = uuid("request_id", request_id, &mut violations);
    let case_id = uuid("case_id", case_id, &mut violations);
    match (request_id, case_id, command) {
        (Some(request_id), Some(case_id), Some(command)) if violations.is_empty() => Ok(Asked {
            request_id,
            case_id,
            etag: (!etag.is_empty()).then(|| etag.to_owned()),
            command,
        }),
        _ => Err(violations.into()),
    }
}

fn uuid(field: &str, text: &str, violations: &mut Violations) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok();
    if uuid.is_none() {
        let reason = if text.is_empty() {
            "REQUIRED"
        } else {
            "BAD_FORMAT"
        };
        violations.add(field, reason, "Un UUID est attendu.");
    }
    uuid
}

fn text<const MIN: usize, const MAX: usize>(
    field: &str,
    text: &str,
    violations: &mut Violations,
) -> Option<Text<MIN, MAX>> {
    Text::try_from(text)
        .map_err(|refused| violations.add(field, refused.reason, refused.description))
        .ok()
}
