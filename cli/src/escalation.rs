//! `vigie escalation`: what cannot wait, who pilots it and what is decided.

use clap::Subcommand;
use proto::qualification::v1::{self as pb, escalation_service_client::EscalationServiceClient};
use uuid::Uuid;

use crate::args::{Service, free_text};
use crate::case::case_id;
use crate::client::{Authenticated, Client};
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum EscalationCommand {
    /// Judge a case major (majeur)
    Major {
        /// UUID of the case, or reference of the report
        case: String,
        /// Why, for those who follow the case
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        reason: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Take the pilotage of a case (FSSI), or take it over
    Pilot {
        /// UUID of the case, or reference of the report
        case: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Record a decision on a case (FSSI)
    Decide {
        /// UUID of the case, or reference of the report
        case: String,
        /// What is decided
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        text: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the decisions on a case, newest first
    Decisions {
        /// UUID of the case, or reference of the report
        case: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Acknowledge an escalation: nobody else is called
    Acknowledge {
        /// UUID of the escalation or, without logging in, the token of the mail
        escalation: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the escalations of a case with who was called, newest first
    List {
        /// UUID of the case, or reference of the report
        case: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

pub(crate) async fn run(command: EscalationCommand, client: &Client) -> Result<(), Failure> {
    match command {
        EscalationCommand::Major {
            case,
            reason,
            request_id,
        } => {
            let request = pb::DeclareMajorRequest {
                request_id: same(request_id),
                case_id: case_id(case, client).await?,
                etag: String::new(),
                reason,
            };
            let answer = service(client).await?.declare_major(request).await?;
            print_case(answer.into_inner().case, client)
        }
        EscalationCommand::Pilot { case, request_id } => {
            let request = pb::TakePilotRequest {
                request_id: same(request_id),
                case_id: case_id(case, client).await?,
            };
            let answer = service(client).await?.take_pilot(request).await?;
            print_case(answer.into_inner().case, client)
        }
        EscalationCommand::Decide {
            case,
            text,
            request_id,
        } => {
            let request = pb::RecordDecisionRequest {
                request_id: same(request_id),
                case_id: case_id(case, client).await?,
                text,
            };
            let answer = service(client).await?.record_decision(request).await?;
            let decision = answer.into_inner().decision.unwrap_or_default();
            if client.json {
                say!("{}", json::to_json(&decision)?);
            } else {
                print_decisions(&[decision], client);
            }
            Ok(())
        }
        EscalationCommand::Decisions { case, limit } => decisions(case, limit, client).await,
        EscalationCommand::Acknowledge {
            escalation,
            request_id,
        } => acknowledge(escalation, request_id, client).await,
        EscalationCommand::List { case, limit } => list(case, limit, client).await,
    }
}

fn same(request_id: Option<Uuid>) -> String {
    request_id.unwrap_or_else(Uuid::now_v7).to_string()
}

pub(crate) async fn service(
    client: &Client,
) -> Result<EscalationServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    Ok(EscalationServiceClient::new(channel))
}

fn print_case(case: Option<pb::Case>, client: &Client) -> Result<(), Failure> {
    let case = case.unwrap_or_default();
    if client.json {
        say!("{}", json::to_json(&case)?);
        return Ok(());
    }
    let language = client.language;
    let severity = case.confirmed.and_then(|it| it.severity);
    let major = severity.is_some_and(|severity| severity.major);
    let headings = [
        language.pick("dossier", "case"),
        language.pick("état", "state"),
        language.pick("majeur", "major"),
        language.pick("pilote", "pilot"),
    ];
    let row = [
        case.reference.clone(),
        word::<vocabulary::CaseState>(case.state, language),
        if major {
            language.pick("oui", "yes")
        } else {
            language.pick("non", "no")
        }
        .to_owned(),
        case.pilot.clone(),
    ];
    table::print(headings, [row]);
    Ok(())
}

async fn decisions(case: String, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut service = service(client).await?;
    let listed = pages!(
        service.list_decisions(pb::ListDecisionsRequest {
            case_id: case.clone(),
            ..Default::default()
        }) -> pb::ListDecisionsResponse,
        decisions,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print_decisions(&listed.decisions, client);
    }
    Ok(())
}

fn print_decisions(decisions: &[pb::Decision], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("n°", "no."),
        language.pick("quand", "when"),
        language.pick("par", "by"),
        language.pick("décision", "decision"),
    ];
    table::print(
        headings,
        decisions.iter().map(|decision| {
            [
                decision.number.to_string(),
                client.zone.show(decision.recorded_at),
                decision.recorded_by.clone(),
                if decision.erased {
                    language.pick("(effacé)", "(erased)").to_owned()
                } else {
                    decision.text.clone()
                },
            ]
        }),
    );
}

async fn acknowledge(
    escalation: String,
    request_id: Option<Uuid>,
    client: &Client,
) -> Result<(), Failure> {
    let mut service = service(client).await?;
    if Uuid::try_parse(&escalation).is_ok() {
        let request = pb::AcknowledgeEscalationRequest {
            request_id: same(request_id),
            escalation_id: escalation,
        };
        let answer = service.acknowledge_escalation(request).await?;
        let escalation = answer.into_inner().escalation.unwrap_or_default();
        if client.json {
            say!("{}", json::to_json(&escalation)?);
        } else {
            print(&[escalation], client);
        }
        return Ok(());
    }
    let request = pb::AcknowledgeEscalationByLinkRequest { token: escalation };
    let answer = service.acknowledge_escalation_by_link(request).await?;
    let answer = answer.into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let headings = [
        client.language.pick("signalement", "report"),
        client.language.pick("accusé le", "acknowledged"),
    ];
    let row = [
        answer.reference.clone(),
        client.zone.show(answer.acknowledged_at),
    ];
    table::print(headings, [row]);
    Ok(())
}

async fn list(case: String, limit: usize, client: &Client) -> Result<(), Failure> {
    let mut service = service(client).await?;
    let listed = pages!(
        service.list_escalations(pb::ListEscalationsRequest {
            case_id: case.clone(),
            ..Default::default()
        }) -> pb::ListEscalationsResponse,
        escalations,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print(&listed.escalations, client);
    }
    Ok(())
}

/// Prints each escalation, and each of its calls on a line of its own.
fn print(escalations: &[pb::Escalation], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("escalade", "escalation"),
        language.pick("quand", "when"),
        language.pick("étape", "step"),
        language.pick("qui", "who"),
    ];
    let rows = escalations.iter().flat_map(|escalation| {
        let id = &escalation.escalation_id;
        let begun = [
            id.clone(),
            client.zone.show(escalation.begun_at),
            cause(escalation.cause(), language).to_owned(),
            String::new(),
        ];
        let calls = escalation.calls.iter().map(|call| {
            [
                id.clone(),
                client.zone.show(call.called_at),
                format!("{} {}", language.pick("appel", "call"), call.step),
                call.name.clone(),
            ]
        });
        let role = word::<vocabulary::Role>(escalation.acknowledged_by_role, language);
        let stands = [
            id.clone(),
            client.zone.show(escalation.ended_at),
            state(escalation.state(), language).to_owned(),
            format!("{role} {}", escalation.acknowledged_by)
                .trim()
                .to_owned(),
        ];
        let rows = [begun].into_iter().chain(calls).chain([stands]);
        rows.collect::<Vec<_>>()
    });
    table::print(headings, rows);
}

fn cause(cause: pb::EscalationCause, language: Language) -> &'static str {
    match cause {
        pb::EscalationCause::Major => language.pick("incident majeur", "major incident"),
        pb::EscalationCause::Report => {
            language.pick("signalement hors heures ouvrées", "report out of hours")
        }
        pb::EscalationCause::Unspecified => "",
    }
}

fn state(state: pb::EscalationState, language: Language) -> &'static str {
    match state {
        pb::EscalationState::Running => language.pick("en cours", "running"),
        pb::EscalationState::Acknowledged => language.pick("accusée", "acknowledged"),
        pb::EscalationState::Lapsed => language.pick("sans réponse", "lapsed"),
        pb::EscalationState::CaseEnded => language.pick("dossier terminé", "case ended"),
        pb::EscalationState::Unspecified => "",
    }
}
