//! Requests about cases, strictly read: every violation is told at once.

use std::collections::BTreeSet;

use platform::{Caller, Error, Result, Violations};
use proto::{qualification::v1 as pb, types::v1 as types};
use serde_json::{Value, json};
use service::{
    Fields, Page,
    wire::{self, is_moment},
};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{
    CaseState, Impacts, Origin, OriginType, Reference, SearchWords, Severity, Text, is_empty_text,
    parse_uuid,
};

use super::{
    CaseName, Triage,
    decide::{Command, Lessons, Note, Scope, Subject},
    list::{ListFilter, Position},
};

/// How many types an origin may have, as in a declaration.
const MAX_ORIGIN_TYPES: usize = 8;

/// A command as it was asked for.
#[derive(Debug)]
pub(crate) struct CommandRequest {
    /// The same at every retry.
    pub(super) request_id: Uuid,
    /// The case.
    pub(super) case_id: Uuid,
    /// The etag that the case must still have; any when `None`.
    pub(super) etag: Option<String>,
    /// What to do.
    pub(super) command: Command,
}

/// Reads which cases to list.
pub(super) fn list(
    request: &pb::ListCasesRequest,
    caller: &Caller,
    now: OffsetDateTime,
) -> Result<(ListFilter, Page<Position>)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let mut states = BTreeSet::new();
    for (index, &number) in request.states.iter().enumerate() {
        states.extend(fields.required_word::<CaseState>(&format!("states[{index}]"), number));
    }
    let routing_region = fields.formed("routing_region", &request.routing_region, |slug| {
        let why = "Un code INSEE de région, « national » ou « synthetic » est attendu.";
        slug.parse().map_err(|_| ("UNKNOWN_VALUE", why))
    });
    let declared_after = fields.moment("declared_after", request.declared_after.as_ref());
    let declared_before = fields.moment("declared_before", request.declared_before.as_ref());
    let severities = fields.words("severities", &request.severities);
    let kinds = fields.words("kinds", &request.kinds);
    let origins = fields.words("origins", &request.origins);
    let waiting_for = fields.words("waiting_for", &request.waiting_for);
    let words = match SearchWords::parse(&request.query) {
        Ok(words) => Some(words),
        // Nothing typed is nothing to look for.
        Err(_) if is_empty_text(&request.query) => None,
        Err(refused) => {
            fields.refuse("query", refused.reason, refused.description);
            None
        }
    };
    violations.into_result()?;
    let filter = ListFilter {
        states,
        routing_region,
        major_only: request.major_only,
        overdue_at: request.overdue_only.then_some(now),
        report_overdue_at: None,
        assignee: request.mine_only.then(|| caller.subject.clone()),
        declared_after,
        declared_before,
        severities,
        kinds,
        origins,
        waiting_for,
        words,
    };
    let page = Page::<Position>::read(request.page_size, &request.page_token, filter.describe())?;
    // Tokens are opaque, not signed: anybody can write one.
    if page
        .after
        .is_some_and(|after| !is_moment(after.declared_at))
    {
        let why = "n'appartient pas à cette liste";
        return Err(Error::invalid("page_token", "INVALID_PAGE_TOKEN", why));
    }
    Ok((filter, page))
}

/// Reads how a case is named.
pub(crate) fn case_name(name: &str) -> Result<CaseName> {
    if let Ok(case_id) = parse_uuid(name) {
        return Ok(CaseName::Id(case_id));
    }
    if let Ok(reference) = name.parse::<Reference>() {
        return Ok(CaseName::Reference(reference.to_string()));
    }
    let reason = if name.is_empty() {
        "REQUIRED"
    } else {
        "BAD_FORMAT"
    };
    let why = "Un UUID ou une référence est attendu.";
    Err(Error::invalid("case_id", reason, why))
}

/// Reads a request to take a case in charge.
pub(super) fn claim(request: &pb::ClaimCaseRequest) -> Result<CommandRequest> {
    let pb::ClaimCaseRequest {
        request_id,
        case_id,
        etag,
    } = request;
    let claim = Some(Command::Claim);
    command(request_id, case_id, etag, claim, Violations::default())
}

/// Reads a request to qualify a case.
pub(super) fn qualify(request: pb::QualifyCaseRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let unsaid = is_empty_text(&request.note);
    let note: Option<Note> = fields.text("note", request.note);
    let qualify = match pb::Scope::try_from(request.scope) {
        Ok(pb::Scope::In) => triage(request.triage, &mut fields)
            .map(|triage| Command::Qualify(Scope::In { triage, note })),
        Ok(pb::Scope::Out) => {
            if request.triage.is_some() {
                let why = "Hors périmètre, il n'y a pas d'évaluation à confirmer.";
                fields.refuse("triage", "CONFLICT", why);
            }
            if unsaid {
                fields.refuse("note", "REQUIRED", "Dites à ceux qui suivent pourquoi.");
            }
            note.map(|note| Command::Qualify(Scope::Out { note }))
        }
        Ok(pb::Scope::Unspecified) => {
            fields.refuse("scope", "REQUIRED", "Dans le périmètre ou non ?");
            None
        }
        Err(_) => {
            fields.refuse("scope", "UNKNOWN_VALUE", "Cette valeur n'est pas connue.");
            None
        }
    };
    command(
        &request.request_id,
        &request.case_id,
        &request.etag,
        qualify,
        violations,
    )
}

/// Reads a request to close a case.
pub(super) fn close(request: pb::CloseCaseRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let lessons: Option<Lessons> = fields.text("lessons_learned", request.lessons_learned);
    let close = Some(Command::Close { lessons });
    command(
        &request.request_id,
        &request.case_id,
        &request.etag,
        close,
        violations,
    )
}

/// Reads a request to hand a case over.
pub(super) fn hand_over(request: pb::HandOverCaseRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let note: Option<Note> = fields.text("note", request.note);
    let assignee: Option<Subject> = fields.required_text("assignee", request.assignee);
    let hand_over = assignee.map(|assignee| Command::HandOver { assignee, note });
    command(
        &request.request_id,
        &request.case_id,
        &request.etag,
        hand_over,
        violations,
    )
}

/// Reads a request to mark a case as a duplicate.
pub(super) fn mark_duplicate(request: pb::MarkCaseDuplicateRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let note: Option<Note> = fields.text("note", request.note);
    let of = fields.uuid("duplicate_of", &request.duplicate_of);
    let mark = of.map(|of| Command::MarkDuplicate { of, note });
    command(
        &request.request_id,
        &request.case_id,
        &request.etag,
        mark,
        violations,
    )
}

/// Reads a request to open a case again.
pub(super) fn reopen(request: pb::ReopenCaseRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let note: Option<Note> = fields.required_text("note", request.note);
    let reopen = note.map(|note| Command::Reopen { note });
    command(
        &request.request_id,
        &request.case_id,
        &request.etag,
        reopen,
        violations,
    )
}

/// Reads a request to judge a case major.
pub(crate) fn declare_major(request: pb::DeclareMajorRequest) -> Result<CommandRequest> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let reason: Option<Note> = fields.required_text("reason", request.reason);
    let declare = reason.map(|reason| Command::DeclareMajor { reason });
    command(
        &request.request_id,
        &request.case_id,
        &request.etag,
        declare,
        violations,
    )
}

/// Reads a request to take the pilotage of a case.
pub(crate) fn take_pilot(request: &pb::TakePilotRequest) -> Result<CommandRequest> {
    let pb::TakePilotRequest {
        request_id,
        case_id,
    } = request;
    let take = Some(Command::TakePilot);
    command(request_id, case_id, "", take, Violations::default())
}

/// Puts a command together with what every command carries. `command` is `None` only
/// with a violation that says why.
fn command(
    request_id: &str,
    case_id: &str,
    etag: &str,
    command: Option<Command>,
    mut violations: Violations,
) -> Result<CommandRequest> {
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", request_id);
    let case_id = fields.uuid("case_id", case_id);
    match (request_id, case_id, command) {
        (Some(request_id), Some(case_id), Some(command)) if violations.is_empty() => {
            Ok(CommandRequest {
                request_id,
                case_id,
                etag: (!etag.is_empty()).then(|| etag.to_owned()),
                command,
            })
        }
        _ => Err(violations.into()),
    }
}

impl CommandRequest {
    /// What is asked for, however it was spelt.
    pub(super) fn content(&self) -> Value {
        let command = match &self.command {
            Command::Claim => json!("claim"),
            Command::Qualify(Scope::In { triage, note }) => {
                json!({ "triage": triage, "note": note.as_ref().map(Text::as_str) })
            }
            Command::Qualify(Scope::Out { note }) => json!({ "out_of_scope": note.as_str() }),
            Command::Close { lessons } => json!({ "close": wire::text(lessons.as_ref()) }),
            Command::HandOver { assignee, note } => {
                json!({ "to": assignee.as_str(), "note": note.as_ref().map(Text::as_str) })
            }
            Command::MarkDuplicate { of, note } => {
                json!({ "duplicate_of": of, "note": note.as_ref().map(Text::as_str) })
            }
            Command::Reopen { note } => json!({ "reopen": note.as_str() }),
            Command::DeclareMajor { reason } => json!({ "major": reason.as_str() }),
            Command::TakePilot => json!("pilot"),
            // Given by what other features do, never by a request of their own.
            Command::Ask
            | Command::Answer
            | Command::Treat
            | Command::RecordCare { .. }
            | Command::Attach { .. }
            | Command::Detach { .. } => Value::Null,
        };
        json!([self.case_id, self.etag, command])
    }
}

/// Reads the judgement of an analyst; `None` when something is wrong with it.
fn triage(triage: Option<pb::Triage>, fields: &mut Fields<'_>) -> Option<Triage> {
    let Some(triage) = triage else {
        fields.refuse(
            "triage",
            "REQUIRED",
            "L'évaluation est requise dans le périmètre.",
        );
        return None;
    };
    let before = fields.violations();
    let mut within = fields.within("triage");
    let origin = within.required_word::<Origin>("origin", triage.origin);
    let origin_types = origin_types(&triage.origin_types, origin, &mut within);
    if triage.impacts.is_none() {
        within.refuse(
            "impacts",
            "REQUIRED",
            "Les impacts sont requis, même sans effet.",
        );
    }
    let impacts = impacts(
        &triage.impacts.unwrap_or_default(),
        &mut within.within("impacts"),
    );
    if triage.severity.is_none() {
        within.refuse("severity", "REQUIRED", "La gravité est requise.");
    }
    let severity = Severity::from(triage.severity.unwrap_or_default());
    if severity.significant && !severity.serious {
        // Art. D.1111-16-2 III CSP: significant are some of the serious ones.
        let why =
            "Un incident significatif est d'abord un incident grave (art. D.1111-16-2 III CSP).";
        within.refuse("severity.significant", "CONFLICT", why);
    }
    (fields.violations() == before).then_some(Triage {
        origin,
        origin_types,
        impacts,
        severity,
    })
}

fn origin_types(
    numbers: &[i32],
    origin: Option<Origin>,
    fields: &mut Fields<'_>,
) -> BTreeSet<OriginType> {
    if numbers.len() > MAX_ORIGIN_TYPES {
        fields.refuse("origin_types", "TOO_MANY", "Au plus 8 types d'origine.");
        return BTreeSet::new();
    }
    let types: BTreeSet<OriginType> = fields.words("origin_types", numbers);
    let strange = |kind: &&OriginType| origin.is_some_and(|origin| !kind.fits(origin));
    for origin_type in types.iter().filter(strange) {
        let why = format!("« {} » ne va pas avec cette origine.", origin_type.french());
        fields.refuse("origin_types", "CONFLICT", why);
    }
    types
}

fn impacts(impacts: &types::Impacts, fields: &mut Fields<'_>) -> Impacts {
    let parsed = Impacts {
        data: fields.words("data", &impacts.data),
        data_natures: fields.words("data_natures", &impacts.data_natures),
        persons_affected: impacts.persons_affected,
        care: fields.word("care", impacts.care),
        care_duration_hours: impacts.care_duration_hours,
        patient_endangerment: fields.word("patient_endangerment", impacts.patient_endangerment),
        reach: fields.word("reach", impacts.reach),
        may_affect_others: impacts.may_affect_others,
    };
    if parsed.clone().consistent().is_err() {
        let why = "« Aucun » et « pas encore connu » excluent tout autre impact.";
        fields.refuse("data", "CONFLICT", why);
    }
    parsed
}
