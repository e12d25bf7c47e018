//! `vigie measure`: what the cell advises on a case, and what becomes of it.

mod catalogue;

use clap::{Args, Subcommand};
use proto::qualification::v1::{
    self as pb, measure_service_client::MeasureServiceClient, propose_measure_request::Content,
};
use tonic::Status;
use uuid::Uuid;
use vocabulary::{MeasureKind, Role};

use self::catalogue::CatalogueOptions;

use crate::args::{Service, free_text};
use crate::case::case_id;
use crate::client::{Authenticated, Client};
use crate::draft::parse;
use crate::exit::Failure;
use crate::language::Language;
use crate::report::word;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum MeasureCommand {
    /// Propose a measure to the structure, from the catalogue or in your own words
    Propose(ProposeOptions),
    /// Ask the cell for measures
    Ask {
        /// UUID of the case, or reference of the report
        case: String,
        /// What you need
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        text: String,
        /// emergency, remediation or improvement; the cell chooses when it is not given
        #[arg(long)]
        kind: Option<String>,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Accept a proposed measure
    Accept(Named),
    /// Decline a measure that was proposed, or asked for
    Decline {
        #[command(flatten)]
        measure: Named,
        /// Why
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        reason: String,
    },
    /// Say that an accepted measure is carried out
    Complete(Named),
    /// Withdraw a proposed measure
    Withdraw {
        #[command(flatten)]
        measure: Named,
        /// Why
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        reason: String,
    },
    /// List the measures on a case, newest first
    List {
        /// UUID of the case, or reference of the report
        case: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// List what the catalogue advises, best first
    Catalogue(CatalogueOptions),
}

#[derive(Args, Debug)]
pub(crate) struct ProposeOptions {
    /// UUID of the case, or reference of the report
    case: String,
    /// Code of an entry of the catalogue
    #[arg(long, conflicts_with_all = ["kind", "title", "text"])]
    code: Option<String>,
    /// Language of the copy of the entry: fr or en
    #[arg(long, default_value = "fr", requires = "code")]
    locale: String,
    /// emergency, remediation or improvement
    #[arg(long, required_unless_present = "code")]
    kind: Option<String>,
    /// What it is, in one line
    #[arg(long, required_unless_present = "code", allow_hyphen_values = true,
        value_parser = free_text)]
    title: Option<String>,
    /// What to do, in what order, what not to do
    #[arg(long, required_unless_present = "code", allow_hyphen_values = true,
        value_parser = free_text)]
    text: Option<String>,
    /// Number or UUID of the measure asked for that this answers
    #[arg(long, value_name = "MEASURE")]
    answers: Option<String>,
    /// The same at every retry
    #[arg(long)]
    request_id: Option<Uuid>,
}

/// A measure on a case, as a person names it.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// UUID of the case, or reference of the report
    case: String,
    /// Number of the measure on the case, or its UUID
    measure: String,
    /// The same at every retry
    #[arg(long)]
    request_id: Option<Uuid>,
}

pub(crate) async fn run(command: MeasureCommand, client: &Client) -> Result<(), Failure> {
    let mut service = service(client).await?;
    let answered = match command {
        MeasureCommand::Propose(options) => propose(options, client).await?,
        MeasureCommand::Ask {
            case,
            text,
            kind,
            request_id,
        } => {
            let kind = kind.map(|kind| parse::<MeasureKind>("--kind", &kind));
            let request = pb::AskForMeasuresRequest {
                request_id: same(request_id),
                case_id: case_id(case, client).await?,
                kind: kind.transpose()?.unwrap_or_default(),
                request: text,
            };
            service
                .ask_for_measures(request)
                .await?
                .into_inner()
                .measure
        }
        MeasureCommand::Accept(named) => {
            let measure = find(&named.case, &named.measure, client).await?;
            let request = pb::AcceptMeasureRequest {
                request_id: same(named.request_id),
                case_id: measure.case_id,
                measure_id: measure.measure_id,
                etag: String::new(),
            };
            service.accept_measure(request).await?.into_inner().measure
        }
        MeasureCommand::Decline {
            measure: named,
            reason,
        } => {
            let measure = find(&named.case, &named.measure, client).await?;
            let request = pb::DeclineMeasureRequest {
                request_id: same(named.request_id),
                case_id: measure.case_id,
                measure_id: measure.measure_id,
                etag: String::new(),
                reason,
            };
            service.decline_measure(request).await?.into_inner().measure
        }
        MeasureCommand::Complete(named) => {
            let measure = find(&named.case, &named.measure, client).await?;
            let request = pb::CompleteMeasureRequest {
                request_id: same(named.request_id),
                case_id: measure.case_id,
                measure_id: measure.measure_id,
                etag: String::new(),
            };
            service
                .complete_measure(request)
                .await?
                .into_inner()
                .measure
        }
        MeasureCommand::Withdraw {
            measure: named,
            reason,
        } => {
            let measure = find(&named.case, &named.measure, client).await?;
            let request = pb::WithdrawMeasureRequest {
                request_id: same(named.request_id),
                case_id: measure.case_id,
                measure_id: measure.measure_id,
                etag: String::new(),
                reason,
            };
            service
                .withdraw_measure(request)
                .await?
                .into_inner()
                .measure
        }
        MeasureCommand::List { case, limit } => {
            let listed = list(&case, limit, client).await?;
            if client.json {
                say!("{}", json::to_json(&listed)?);
            } else {
                print(&listed.measures, client);
            }
            return Ok(());
        }
        MeasureCommand::Catalogue(options) => return catalogue::list(options, client).await,
    };
    let measure = answered.unwrap_or_default();
    if client.json {
        say!("{}", json::to_json(&measure)?);
    } else {
        print(&[measure], client);
    }
    Ok(())
}

async fn propose(options: ProposeOptions, client: &Client) -> Result<Option<pb::Measure>, Failure> {
    let content = match options.code {
        Some(code) => Content::FromCatalogue(pb::CatalogueChoice {
            code,
            locale: options.locale,
        }),
        None => Content::Draft(pb::MeasureDraft {
            kind: parse::<MeasureKind>("--kind", &options.kind.unwrap_or_default())?,
            title: options.title.unwrap_or_default(),
            text: options.text.unwrap_or_default(),
        }),
    };
    let answered = match options.answers {
        Some(measure) => find(&options.case, &measure, client).await?.measure_id,
        None => String::new(),
    };
    let request = pb::ProposeMeasureRequest {
        request_id: same(options.request_id),
        case_id: case_id(options.case, client).await?,
        measure_id: answered,
        etag: String::new(),
        content: Some(content),
    };
    let answer = service(client).await?.propose_measure(request).await?;
    Ok(answer.into_inner().measure)
}

async fn service(client: &Client) -> Result<MeasureServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    Ok(MeasureServiceClient::new(channel))
}

fn same(request_id: Option<Uuid>) -> String {
    request_id.unwrap_or_else(Uuid::now_v7).to_string()
}

async fn list(
    case: &str,
    limit: usize,
    client: &Client,
) -> Result<pb::ListMeasuresResponse, Failure> {
    let mut service = service(client).await?;
    Ok(pages!(
        service.list_measures(pb::ListMeasuresRequest {
            case_id: case.to_owned(),
            ..Default::default()
        }) -> pb::ListMeasuresResponse,
        measures,
        limit
    ))
}

/// The measure of a case that is named by its number or its UUID.
async fn find(case: &str, measure: &str, client: &Client) -> Result<pb::Measure, Failure> {
    let listed = list(case, usize::MAX, client).await?;
    let named = |it: &pb::Measure| it.number.to_string() == measure || it.measure_id == measure;
    let found = listed.measures.into_iter().find(named);
    found.ok_or_else(|| Status::not_found("measure").into())
}

/// Prints what each measure says, and what became of it.
fn print(measures: &[pb::Measure], client: &Client) {
    let language = client.language;
    for (index, measure) in measures.iter().enumerate() {
        if index > 0 {
            say!();
        }
        let erased = language.pick("(effacé)", "(erased)");
        let text = |text: &String| {
            let shown = if measure.erased { erased } else { text };
            shown.to_owned()
        };
        let steps = measure.steps.iter().map(|step| {
            let role = word::<Role>(step.role, language);
            let by = format!("{role} {}", step.author);
            let at = client.zone.show(step.at);
            format!("{at} {}, {}", state(step.state(), language), by.trim_end())
        });
        table::print_facts(&[
            (
                language.pick("Mesure", "Measure"),
                measure.number.to_string(),
            ),
            ("UUID", measure.measure_id.clone()),
            (
                language.pick("Type", "Kind"),
                word::<MeasureKind>(measure.kind, language),
            ),
            (
                language.pick("État", "State"),
                state(measure.state(), language).to_owned(),
            ),
            (language.pick("Titre", "Title"), text(&measure.title)),
            (language.pick("À faire", "What to do"), measure.text.clone()),
            (
                language.pick("Demande", "Asked for"),
                measure.request.clone(),
            ),
            (language.pick("Motif", "Reason"), measure.reason.clone()),
            (
                "Catalogue",
                format!("{} {}", measure.catalogue_code, measure.catalogue_version)
                    .trim()
                    .to_owned(),
            ),
            (
                language.pick("Suivi", "History"),
                steps.collect::<Vec<_>>().join("\n"),
            ),
        ]);
    }
}

fn state(state: pb::MeasureState, language: Language) -> &'static str {
    match state {
        pb::MeasureState::AskedFor => language.pick("demandée", "asked for"),
        pb::MeasureState::Proposed => language.pick("proposée", "proposed"),
        pb::MeasureState::Accepted => language.pick("acceptée", "accepted"),
        pb::MeasureState::Declined => language.pick("refusée", "declined"),
        pb::MeasureState::Done => language.pick("réalisée", "done"),
        pb::MeasureState::Withdrawn => language.pick("retirée", "withdrawn"),
        pb::MeasureState::Unspecified => "",
    }
}
