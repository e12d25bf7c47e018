//! `vigie case`: lead cases from qualification to closure.

use proto::qualification::v1 as pb;
use proto::types::v1 as types;
use uuid::Uuid;

use crate::args::{CaseCommand, QualifyOptions};
use crate::cause;
use crate::client::Client;
use crate::deadline;
use crate::draft::{parse, parse_all};
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, milestone, table};

pub(crate) async fn run(command: CaseCommand, client: &Client) -> Result<(), Failure> {
    match command {
        CaseCommand::List {
            states,
            region,
            major,
            mine,
            overdue,
            limit,
        } => {
            let filter = pb::ListCasesRequest {
                states: parse_all::<vocabulary::CaseState>("--state", &states)?,
                routing_region: region.unwrap_or_default(),
                major_only: major,
                mine_only: mine,
                overdue_only: overdue,
                ..Default::default()
            };
            list(filter, limit, client).await
        }
        CaseCommand::Show { case } => show(&fetch(case, client).await?, client),
        CaseCommand::History { case, limit } => history(case, limit, client).await,
        CaseCommand::Claim { case } => {
            let case = fetch(case, client).await?;
            let request = pb::ClaimCaseRequest {
                request_id: new_request(),
                case_id: case.case_id,
                etag: case.etag,
            };
            let answer = client
                .qualification()
                .await?
                .claim_case(request)
                .await?
                .into_inner();
            show(&answer.case.unwrap_or_default(), client)
        }
        CaseCommand::HandOver { case, to, note } => {
            let case = fetch(case, client).await?;
            let request = pb::HandOverCaseRequest {
                request_id: new_request(),
                case_id: case.case_id,
                etag: case.etag,
                assignee: to,
                note,
            };
            let mut service = client.qualification().await?;
            let answer = service.hand_over_case(request).await?.into_inner();
            show(&answer.case.unwrap_or_default(), client)
        }
        CaseCommand::Qualify(options) => qualify(options, client).await,
        CaseCommand::Duplicate { case, of, note } => {
            let case = fetch(case, client).await?;
            let request = pb::MarkCaseDuplicateRequest {
                request_id: new_request(),
                case_id: case.case_id,
                etag: case.etag,
                duplicate_of: case_id(of, client).await?,
                note,
            };
            let mut service = client.qualification().await?;
            let answer = service.mark_case_duplicate(request).await?.into_inner();
            show(&answer.case.unwrap_or_default(), client)
        }
        CaseCommand::Cause(command) => cause::run(command, client).await,
        CaseCommand::Reopen { case, note } => {
            let case = fetch(case, client).await?;
            let request = pb::ReopenCaseRequest {
                request_id: new_request(),
                case_id: case.case_id,
                etag: case.etag,
                note,
            };
            let mut service = client.qualification().await?;
            let answer = service.reopen_case(request).await?.into_inner();
            show(&answer.case.unwrap_or_default(), client)
        }
        CaseCommand::Close { case, lessons } => {
            let case = fetch(case, client).await?;
            let request = pb::CloseCaseRequest {
                request_id: new_request(),
                case_id: case.case_id,
                etag: case.etag,
                lessons_learned: lessons,
            };
            let answer = client
                .qualification()
                .await?
                .close_case(request)
                .await?
                .into_inner();
            show(&answer.case.unwrap_or_default(), client)
        }
    }
}

pub(crate) fn new_request() -> String {
    Uuid::now_v7().to_string()
}

/// The UUID of a case that is named by it or by the reference of its report.
pub(crate) async fn case_id(case: String, client: &Client) -> Result<String, Failure> {
    match Uuid::try_parse(&case) {
        Ok(_) => Ok(case),
        Err(_) => Ok(fetch(case, client).await?.case_id),
    }
}

async fn history(case: String, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut qualification = client.qualification().await?;
    let mut listed = pb::ListCaseHistoryResponse::default();
    while listed.entries.len() < limit {
        let left = u32::try_from(limit - listed.entries.len()).unwrap_or(u32::MAX);
        let request = pb::ListCaseHistoryRequest {
            case_id: case.clone(),
            page_size: left.min(200),
            page_token: listed.next_page_token,
        };
        let page = qualification.list_case_history(request).await?.into_inner();
        listed.entries.extend(page.entries);
        listed.next_page_token = page.next_page_token;
        if listed.next_page_token.is_empty() {
            break;
        }
    }
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print_entries(&listed.entries, client);
    }
    Ok(())
}

pub(crate) async fn fetch(case: String, client: &Client) -> Result<pb::Case, Failure> {
    let answer = client
        .qualification()
        .await?
        .get_case(pb::GetCaseRequest { case_id: case })
        .await?;
    Ok(answer.into_inner().case.unwrap_or_default())
}

/// Confirms what is known of the case, with what the person changed over it.
async fn qualify(options: QualifyOptions, client: &Client) -> Result<(), Failure> {
    let case = fetch(options.case, client).await?;
    let mut triage = case.confirmed.or(case.proposed).unwrap_or_default();
    if let Some(origin) = &options.origin {
        triage.origin = parse::<vocabulary::Origin>("--origin", origin)?;
    }
    if !options.origin_types.is_empty() {
        triage.origin_types =
            parse_all::<vocabulary::OriginType>("--origin-type", &options.origin_types)?;
    }
    let impacts = triage.impacts.get_or_insert_default();
    if let Some(care) = &options.care {
        impacts.care = parse::<vocabulary::CareImpact>("--care", care)?;
    }
    if let Some(danger) = &options.endangerment {
        impacts.patient_endangerment =
            parse::<vocabulary::PatientEndangerment>("--endangerment", danger)?;
    }
    let severity = triage.severity.get_or_insert_default();
    for (field, given) in [
        (&mut severity.serious, options.serious),
        (&mut severity.significant, options.significant),
        (&mut severity.major, options.major),
    ] {
        *field = given.unwrap_or(*field);
    }
    let (scope, triage) = if options.out_of_scope {
        (pb::Scope::Out, None)
    } else {
        (pb::Scope::In, Some(triage))
    };
    let request = pb::QualifyCaseRequest {
        request_id: new_request(),
        case_id: case.case_id,
        etag: case.etag,
        scope: scope.into(),
        triage,
        note: options.note.unwrap_or_default(),
    };
    let answer = client
        .qualification()
        .await?
        .qualify_case(request)
        .await?
        .into_inner();
    show(&answer.case.unwrap_or_default(), client)
}

async fn list(filter: pb::ListCasesRequest, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut qualification = client.qualification().await?;
    let mut cases = Vec::new();
    let mut page_token = String::new();
    while cases.len() < limit {
        let request = pb::ListCasesRequest {
            page_size: u32::try_from(limit - cases.len())
                .unwrap_or(u32::MAX)
                .min(200),
            page_token,
            ..filter.clone()
        };
        let page = qualification.list_cases(request).await?.into_inner();
        cases.extend(page.cases);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if client.json {
        let answer = pb::ListCasesResponse {
            cases,
            next_page_token: page_token,
        };
        say!("{}", json::to_json(&answer)?);
    } else {
        print(&cases, client);
    }
    Ok(())
}

/// Prints cases, one a row.
pub(crate) fn print(cases: &[pb::Case], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("référence", "reference"),
        language.pick("déclaré le", "declared"),
        language.pick("région", "region"),
        "structure",
        language.pick("état", "state"),
        language.pick("gravité", "severity"),
    ];
    table::print(
        headings,
        cases.iter().map(|case| {
            let triage = case.confirmed.as_ref().or(case.proposed.as_ref());
            [
                case.reference.clone(),
                client.zone.show(case.declared_at),
                case.routing_region.clone(),
                case.structure_name.clone(),
                state(case, language),
                triage
                    .and_then(|t| t.severity)
                    .map(|s| severity(s, language))
                    .unwrap_or_default(),
            ]
        }),
    );
}

/// The state of a case, and that an answer or a report of the structure is overdue.
fn state(case: &pb::Case, language: Language) -> String {
    let state = word::<vocabulary::CaseState>(case.state, language);
    if case.overdue {
        let overdue = language.pick("en retard", "overdue");
        return format!("{state} ({overdue})");
    }
    state
}

pub(crate) fn show(case: &pb::Case, client: &Client) -> Result<(), Failure> {
    if client.json {
        say!("{}", json::to_json(case)?);
        return Ok(());
    }
    let language = client.language;
    let contact = case.declarant.clone().unwrap_or_default();
    let resolution = case.resolution.clone().unwrap_or_default();
    let confirmed = case.confirmed.as_ref();
    table::print_facts(&[
        (language.pick("Dossier", "Case"), case.case_id.clone()),
        (
            language.pick("Référence", "Reference"),
            case.reference.clone(),
        ),
        ("Structure", case.structure_name.clone()),
        (
            language.pick("Région", "Region"),
            case.routing_region.clone(),
        ),
        (
            language.pick("Déclaré le", "Declared"),
            client.zone.show(case.declared_at),
        ),
        (language.pick("État", "State"), state(case, language)),
        (
            language.pick("Proposé", "Proposed"),
            case.proposed
                .as_ref()
                .map(|t| triage(t, language))
                .unwrap_or_default(),
        ),
        (
            language.pick("Au titre de", "By reason of"),
            fired_rules(case, language),
        ),
        (
            language.pick("Confirmé", "Confirmed"),
            confirmed.map(|t| triage(t, language)).unwrap_or_default(),
        ),
        (language.pick("Analyste", "Analyst"), case.assignee.clone()),
        (
            language.pick("Réponse attendue avant", "Answer expected before"),
            client.zone.show(case.answer_due_at),
        ),
        (
            language.pick("Doublon de", "Duplicate of"),
            case.duplicate_of.clone(),
        ),
        (
            language.pick("Cause commune", "Common cause"),
            cause::summary(case, language),
        ),
        (language.pick("Déclarant", "Declarant"), contact.name),
        (language.pick("Courriel", "Mail"), contact.email),
        (language.pick("Téléphone", "Telephone"), contact.phone),
        ("Description", case.description.clone()),
        (
            language.pick("Résolu le", "Resolved"),
            client.zone.show(resolution.resolved_at),
        ),
        (
            language.pick("Résolution", "Resolution"),
            if resolution.erased {
                language.pick("(effacée)", "(erased)").to_owned()
            } else {
                resolution.how
            },
        ),
        (
            language.pick("Retour d'expérience", "Lessons learned"),
            case.closure
                .as_ref()
                .map(|c| c.lessons_learned.clone())
                .unwrap_or_default(),
        ),
    ]);
    for milestone in &case.milestones {
        milestone::print(milestone, client);
    }
    deadline::print(&case.deadlines, client);
    if !case.history.is_empty() {
        say!();
        print_entries(&case.history, client);
    }
    Ok(())
}

/// The rules by which the severity is proposed, each with its article.
fn fired_rules(case: &pb::Case, language: Language) -> String {
    let proposed = case.proposed.as_ref();
    let rules = proposed.map(|it| it.fired_rules.iter()).unwrap_or_default();
    let rules = rules.map(|rule| {
        let reason = word::<vocabulary::SeverityReason>(rule.reason, language);
        format!("{reason} ({})", rule.legal_basis)
    });
    rules.collect::<Vec<_>>().join(" ; ")
}

fn print_entries(entries: &[pb::CaseEntry], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("quand", "when"),
        language.pick("action", "action"),
        language.pick("état", "state"),
        language.pick("par", "by"),
        "note",
    ];
    table::print(
        headings,
        entries.iter().map(|entry| {
            let state = word::<vocabulary::CaseState>(entry.state, language);
            [
                client.zone.show(entry.at),
                entry.action.clone(),
                state,
                entry.actor.clone(),
                entry.note.clone(),
            ]
        }),
    );
}

fn triage(triage: &pb::Triage, language: Language) -> String {
    let impacts = triage.impacts.clone().unwrap_or_default();
    let types = triage
        .origin_types
        .iter()
        .map(|&t| word::<vocabulary::OriginType>(t, language));
    let mut words = vec![word::<vocabulary::Origin>(triage.origin, language)];
    words.extend(types);
    words.push(word::<vocabulary::CareImpact>(impacts.care, language));
    words.push(
        triage
            .severity
            .map(|s| severity(s, language))
            .unwrap_or_default(),
    );
    words.retain(|word| !word.is_empty());
    words.join(", ")
}

/// The severity in words; the greatest first.
pub(crate) fn severity(severity: types::Severity, language: Language) -> String {
    let words = [
        (severity.major, language.pick("majeur", "major")),
        (
            severity.significant,
            language.pick("significatif", "significant"),
        ),
        (severity.serious, language.pick("grave", "serious")),
    ];
    words
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, word)| word)
        .collect::<Vec<_>>()
        .join(", ")
}
