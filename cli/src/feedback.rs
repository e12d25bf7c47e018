//! `vigie feedback`: what each side learned from an incident.

use clap::{Subcommand, ValueEnum};
use proto::qualification::v1::{self as pb, feedback_service_client::FeedbackServiceClient};
use uuid::Uuid;

use crate::args::{Service, free_text};
use crate::case::case_id;
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum FeedbackCommand {
    /// Give the feedback of your side, or replace it
    Give {
        /// UUID of the case, or reference of the report
        case: String,
        /// Whether the declaration was quick and useful
        #[arg(long, value_enum)]
        declaration: Option<Assessment>,
        /// Whether the answer was relevant
        #[arg(long, value_enum)]
        response: Option<Assessment>,
        /// What was learned
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        lessons: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the feedback on a case
    List {
        /// UUID of the case, or reference of the report
        case: String,
    },
}

/// How well something went.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Assessment {
    Insufficient,
    Partial,
    Satisfactory,
}

impl From<Assessment> for pb::Assessment {
    fn from(assessment: Assessment) -> Self {
        match assessment {
            Assessment::Insufficient => Self::Insufficient,
            Assessment::Partial => Self::Partial,
            Assessment::Satisfactory => Self::Satisfactory,
        }
    }
}

pub(crate) async fn run(command: FeedbackCommand, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    let mut service = FeedbackServiceClient::new(channel);
    match command {
        FeedbackCommand::Give {
            case,
            declaration,
            response,
            lessons,
            request_id,
        } => {
            let number = |assessment: Option<Assessment>| {
                assessment.map_or(0, |assessment| pb::Assessment::from(assessment).into())
            };
            let request = pb::GiveFeedbackRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                case_id: case_id(case, client).await?,
                declaration: number(declaration),
                response: number(response),
                lessons,
            };
            let answer = service.give_feedback(request).await?.into_inner();
            let feedback = answer.feedback.unwrap_or_default();
            if client.json {
                say!("{}", json::to_json(&feedback)?);
            } else {
                print(&[feedback], client);
            }
        }
        FeedbackCommand::List { case } => {
            let request = pb::ListFeedbackRequest { case_id: case };
            let listed = service.list_feedback(request).await?.into_inner();
            if client.json {
                say!("{}", json::to_json(&listed)?);
            } else {
                print(&listed.feedback, client);
            }
        }
    }
    Ok(())
}

fn print(feedback: &[pb::Feedback], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("par", "by"),
        language.pick("quand", "when"),
        language.pick("signalement", "declaration"),
        language.pick("réponse", "response"),
        language.pick("ce qui en est retenu", "lessons"),
    ];
    table::print(
        headings,
        feedback.iter().map(|feedback| {
            let side = word::<vocabulary::Role>(feedback.side, language);
            [
                format!("{side} {}", feedback.given_by)
                    .trim_end()
                    .to_owned(),
                client.zone.show(feedback.given_at),
                assessment(feedback.declaration(), language).to_owned(),
                assessment(feedback.response(), language).to_owned(),
                if feedback.erased {
                    language.pick("(effacé)", "(erased)").to_owned()
                } else {
                    feedback.lessons.clone()
                },
            ]
        }),
    );
}

fn assessment(assessment: pb::Assessment, language: Language) -> &'static str {
    match assessment {
        pb::Assessment::Insufficient => language.pick("insuffisant", "insufficient"),
        pb::Assessment::Partial => language.pick("partiel", "partial"),
        pb::Assessment::Satisfactory => language.pick("satisfaisant", "satisfactory"),
        pb::Assessment::Unspecified => "",
    }
}
