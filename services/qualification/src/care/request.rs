//! Requests about consequences for care, strictly read: every violation is told at once.

use platform::{Result, Violations};
use prost_types::Timestamp;
use proto::qualification::v1 as pb;
use serde_json::{Value, json};
use service::{
    Fields,
    wire::{self, timestamptz},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocabulary::{CareConsequenceKind, Region};

use super::{
    Draft,
    decide::{Command, Which},
};

/// How far the clock of a caller may go ahead.
const CLOCK_DRIFT: Duration = Duration::minutes(5);

/// A command as it was asked for.
#[derive(Clone, Debug)]
pub(super) struct CommandRequest {
    /// The same at every retry.
    pub(super) request_id: Uuid,
    /// What to do.
    pub(super) command: Command,
}

/// Reads a request to record a consequence.
pub(super) fn record(
    request: pb::RecordCareConsequenceRequest,
    now: OffsetDateTime,
) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let region = fields.formed("region", &request.region, |code| {
        let why = "Un code INSEE de région est attendu.";
        code.parse().map_err(|_| ("UNKNOWN_VALUE", why))
    });
    let case_id = fields.uuid("case_id", &request.case_id);
    let draft = draft(request.draft, now, &mut fields);
    let record = case_id.zip(draft).map(|(case_id, draft)| Command::Record {
        case_id,
        region,
        draft,
    });
    command(&request.request_id, record, violations)
}

/// Reads a request to correct a consequence.
pub(super) fn update(
    request: pb::UpdateCareConsequenceRequest,
    now: OffsetDateTime,
) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let which = which(&request.consequence_id, request.etag, &mut fields);
    let draft = draft(request.draft, now, &mut fields);
    let ended_at = past("ended_at", request.ended_at.as_ref(), now, &mut fields);
    let update = which.zip(draft).map(|(which, draft)| Command::Update {
        which,
        draft,
        ended_at,
    });
    command(&request.request_id, update, violations)
}

/// Reads a request to end a consequence.
pub(super) fn end(
    request: pb::EndCareConsequenceRequest,
    now: OffsetDateTime,
) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let which = which(&request.consequence_id, request.etag, &mut fields);
    let ended_at = required_past("ended_at", request.ended_at.as_ref(), now, &mut fields);
    let end = which
        .zip(ended_at)
        .map(|(which, ended_at)| Command::End { which, ended_at });
    command(&request.request_id, end, violations)
}

/// Puts a command together with what every command carries. `command` is `None` only
/// with a violation that says why.
fn command(
    request_id: &str,
    command: Option<Command>,
    mut violations: Violations,
) -> Result<CommandRequest> {
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", request_id);
    match (request_id, command) {
        (Some(request_id), Some(command)) if violations.is_empty() => Ok(CommandRequest {
            request_id,
            command,
        }),
        _ => Err(violations.into()),
    }
}

fn which(id: &str, etag: String, fields: &mut Fields<'_>) -> Option<Which> {
    let id = fields.uuid("consequence_id", id)?;
    let etag = Some(etag).filter(|etag| !etag.is_empty());
    Some(Which { id, etag })
}

/// Reads what is said of a consequence; `None` when something is wrong with it.
fn draft(
    draft: Option<pb::CareConsequenceDraft>,
    now: OffsetDateTime,
    fields: &mut Fields<'_>,
) -> Option<Draft> {
    let Some(draft) = draft else {
        fields.missing("draft");
        return None;
    };
    let before = fields.violations();
    let mut within = fields.within("draft");
    let kind = within.required_word::<CareConsequenceKind>("kind", draft.kind);
    let service_name = if kind.is_some_and(CareConsequenceKind::names_a_service) {
        within.required_text("service_name", draft.service_name)
    } else {
        within.text("service_name", draft.service_name)
    };
    let description = within.required_text("description", draft.description);
    if draft.persons == Some(0) {
        let why = "Au moins une personne, ou rien tant que le nombre n'est pas connu.";
        within.refuse("persons", "OUT_OF_RANGE", why);
    }
    let begun_at = required_past("begun_at", draft.begun_at.as_ref(), now, &mut within);
    if fields.violations() > before {
        return None;
    }
    Some(Draft {
        kind: kind?,
        service_name,
        description: description?,
        persons: draft.persons,
        begun_at: begun_at?,
    })
}

fn required_past(
    field: &str,
    moment: Option<&Timestamp>,
    now: OffsetDateTime,
    fields: &mut Fields<'_>,
) -> Option<OffsetDateTime> {
    if moment.is_none() {
        fields.missing(field);
    }
    past(field, moment, now, fields)
}

/// A moment that is not ahead; nothing when it is absent.
fn past(
    field: &str,
    moment: Option<&Timestamp>,
    now: OffsetDateTime,
    fields: &mut Fields<'_>,
) -> Option<OffsetDateTime> {
    let moment = fields.moment(field, moment)?;
    if moment > now + CLOCK_DRIFT {
        fields.refuse(field, "IN_FUTURE", "Cette date est dans le futur.");
        return None;
    }
    Some(moment)
}

impl CommandRequest {
    /// The thing that is changed: a case, or a consequence of one.
    pub(super) fn object(&self) -> Uuid {
        match &self.command {
            Command::Record { case_id, .. } => *case_id,
            Command::Update { which, .. } | Command::End { which, .. } => which.id,
        }
    }

    /// What is asked for, however it was spelt.
    pub(super) fn content(&self) -> Value {
        match &self.command {
            Command::Record {
                case_id,
                region,
                draft,
            } => json!({
                "record": case_id,
                "region": region.map(Region::code),
                "draft": described(draft),
            }),
            Command::Update {
                which,
                draft,
                ended_at,
            } => json!({
                "update": [which.id.to_string(), which.etag],
                "draft": described(draft),
                "ended_at": ended_at.map(timestamptz),
            }),
            Command::End { which, ended_at } => json!({
                "end": [which.id.to_string(), which.etag],
                "ended_at": timestamptz(*ended_at),
            }),
        }
    }
}

fn described(draft: &Draft) -> Value {
    json!([
        draft.kind,
        wire::text(draft.service_name.as_ref()),
        draft.description.as_str(),
        draft.persons,
        timestamptz(draft.begun_at),
    ])
}
