//! `vigie accompaniment`: who accompanies a structure, and how that goes.

use clap::{Args, Subcommand, ValueEnum};
use proto::qualification::v1::{
    self as pb, accompaniment_service_client::AccompanimentServiceClient,
};
use tonic::Status;
use uuid::Uuid;
use vocabulary::{AccompanimentGiver, AccompanimentState};

use crate::args::{Service, free_text};
use crate::case::case_id;
use crate::client::{Authenticated, Client};
use crate::draft::parse;
use crate::exit::Failure;
use crate::report::word;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum AccompanimentCommand {
    /// Ask for accompaniment, for the structure
    Ask {
        /// UUID of the case, or reference of the report
        case: String,
        /// What is needed
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        need: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Offer accompaniment to the structure
    Offer {
        /// UUID of the case, or reference of the report
        case: String,
        /// cell, agency, regional_support_body or provider
        #[arg(long)]
        giver: String,
        /// Name of the support body or of the provider
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        name: String,
        /// What is offered
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        offer: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Accept or decline an offer, for the structure
    Answer {
        #[command(flatten)]
        which: Which,
        /// What the structure says
        #[arg(value_enum)]
        answer: OfferAnswer,
        /// Why
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        text: String,
    },
    /// Say that accompaniment began
    Begin {
        #[command(flatten)]
        which: Which,
    },
    /// End accompaniment, or what will not be given
    End {
        #[command(flatten)]
        which: Which,
        /// What came of it, or why it is not given
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        outcome: String,
    },
    /// List the accompaniment of a case, newest first
    List {
        /// UUID of the case, or reference of the report
        case: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

/// What a structure says to an offer.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum OfferAnswer {
    /// It accepts
    Accept,
    /// It declines
    Decline,
}

/// Which accompaniment is meant.
#[derive(Args, Debug)]
pub(crate) struct Which {
    /// UUID of the case, or reference of the report
    case: String,
    /// Its number, as `vigie accompaniment list` shows it
    number: u64,
}

pub(crate) async fn run(command: AccompanimentCommand, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    let mut service = AccompanimentServiceClient::new(channel);
    let accompaniment = match command {
        AccompanimentCommand::List { case, limit } => {
            let listed = pages(case, limit, &mut service).await?;
            if client.json {
                say!("{}", json::to_json(&listed)?);
            } else {
                print(&listed.accompaniments, client);
            }
            return Ok(());
        }
        AccompanimentCommand::Ask {
            case,
            need,
            request_id,
        } => {
            let request = pb::AskForAccompanimentRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                case_id: case_id(case, client).await?,
                etag: String::new(),
                need,
            };
            let answer = service.ask_for_accompaniment(request).await?;
            answer.into_inner().accompaniment
        }
        AccompanimentCommand::Offer {
            case,
            giver,
            name,
            offer,
            request_id,
        } => {
            let request = pb::OfferAccompanimentRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                case_id: case_id(case, client).await?,
                etag: String::new(),
                giver: parse::<AccompanimentGiver>("--giver", &giver)?,
                giver_name: name,
                offer,
            };
            let answer = service.offer_accompaniment(request).await?;
            answer.into_inner().accompaniment
        }
        AccompanimentCommand::Answer {
            which,
            answer,
            text,
        } => {
            let known = fetch(which, &mut service).await?;
            let answer = match answer {
                OfferAnswer::Accept => pb::OfferAnswer::Accept,
                OfferAnswer::Decline => pb::OfferAnswer::Decline,
            };
            let request = pb::AnswerOfferRequest {
                request_id: Uuid::now_v7().to_string(),
                accompaniment_id: known.accompaniment_id,
                etag: known.etag,
                answer: answer.into(),
                text,
            };
            let answer = service.answer_offer(request).await?;
            answer.into_inner().accompaniment
        }
        AccompanimentCommand::Begin { which } => {
            let known = fetch(which, &mut service).await?;
            let request = pb::BeginAccompanimentRequest {
                request_id: Uuid::now_v7().to_string(),
                accompaniment_id: known.accompaniment_id,
                etag: known.etag,
            };
            let answer = service.begin_accompaniment(request).await?;
            answer.into_inner().accompaniment
        }
        AccompanimentCommand::End { which, outcome } => {
            let known = fetch(which, &mut service).await?;
            let request = pb::EndAccompanimentRequest {
                request_id: Uuid::now_v7().to_string(),
                accompaniment_id: known.accompaniment_id,
                etag: known.etag,
                outcome,
            };
            let answer = service.end_accompaniment(request).await?;
            answer.into_inner().accompaniment
        }
    };
    let accompaniment = accompaniment.unwrap_or_default();
    if client.json {
        say!("{}", json::to_json(&accompaniment)?);
    } else {
        print(&[accompaniment], client);
    }
    Ok(())
}

/// The accompaniment that is meant.
async fn fetch(
    which: Which,
    service: &mut AccompanimentServiceClient<Authenticated>,
) -> Result<pb::Accompaniment, Failure> {
    let listed = pages(which.case, usize::MAX, service).await?;
    let mut all = listed.accompaniments.into_iter();
    let found = all.find(|accompaniment| accompaniment.number == which.number);
    Ok(found.ok_or_else(|| Status::not_found("accompaniment not found"))?)
}

/// The newest accompaniment of a case, at most so many.
async fn pages(
    case: String,
    limit: usize,
    service: &mut AccompanimentServiceClient<Authenticated>,
) -> Result<pb::ListAccompanimentsResponse, Failure> {
    Ok(pages!(
        service.list_accompaniments(pb::ListAccompanimentsRequest {
            case_id: case.clone(),
            ..Default::default()
        }) -> pb::ListAccompanimentsResponse,
        accompaniments,
        limit
    ))
}

fn print(accompaniments: &[pb::Accompaniment], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("n°", "no."),
        language.pick("état", "state"),
        language.pick("par", "by"),
        language.pick("début", "begun"),
        language.pick("fin", "ended"),
        language.pick("besoin", "need"),
        language.pick("proposition", "offer"),
        language.pick("réponse", "answer"),
        language.pick("bilan", "outcome"),
    ];
    table::print(
        headings,
        accompaniments.iter().map(|it| {
            let giver = word::<AccompanimentGiver>(it.giver, language);
            let which = [it.giver_region.as_str(), it.giver_name.as_str()].join("");
            let erased = language.pick("(effacé)", "(erased)");
            [
                it.number.to_string(),
                word::<AccompanimentState>(it.state, language),
                format!("{giver} {which}").trim().to_owned(),
                client.zone.show(it.begun_at),
                client.zone.show(it.ended_at),
                if it.erased {
                    erased.to_owned()
                } else {
                    it.need.clone()
                },
                it.offer.clone(),
                it.answer.clone(),
                it.outcome.clone(),
            ]
        }),
    );
}
