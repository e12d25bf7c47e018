//! `vigie care`: what an incident does to care in a territory.

use clap::{Args, Subcommand};
use proto::qualification::v1::{self as pb, care_service_client::CareServiceClient};
use tonic::Status;
use uuid::Uuid;
use vocabulary::CareConsequenceKind;

use crate::args::{Service, free_text};
use crate::case::case_id;
use crate::client::{Authenticated, Client};
use crate::clock;
use crate::draft::parse;
use crate::exit::Failure;
use crate::report::word;
use crate::{json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum CareCommand {
    /// Record a consequence for care; name no patient
    Record {
        /// UUID of the case, or reference of the report
        case: String,
        /// The region where care is touched (INSEE code); your own by default
        #[arg(long)]
        region: Option<String>,
        #[command(flatten)]
        said: CareOptions,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Correct a consequence; what is not given stays as it is
    Update {
        /// UUID of the case, or reference of the report
        case: String,
        /// Its number, as `vigie care list` shows it
        number: u64,
        #[command(flatten)]
        said: CareOptions,
        /// When it ended (RFC 3339), if it has
        #[arg(long)]
        ended_at: Option<String>,
    },
    /// Say that a consequence ended
    End {
        /// UUID of the case, or reference of the report
        case: String,
        /// Its number, as `vigie care list` shows it
        number: u64,
        /// When (RFC 3339); now by default
        #[arg(long)]
        ended_at: Option<String>,
    },
    /// List the consequences of a case, newest first
    List {
        /// UUID of the case, or reference of the report
        case: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

/// What is said of a consequence.
#[derive(Args, Debug)]
pub(crate) struct CareOptions {
    /// service_degraded, service_closed, emergency_department_closed, patients_transferred,
    /// territorial_measure or other
    #[arg(long)]
    kind: Option<String>,
    /// The service that is touched
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    service: Option<String>,
    /// What happens and what is done about it
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    description: Option<String>,
    /// How many persons it touches
    #[arg(long)]
    persons: Option<u32>,
    /// Since when (RFC 3339)
    #[arg(long)]
    begun_at: Option<String>,
}

pub(crate) async fn run(command: CareCommand, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    let mut service = CareServiceClient::new(channel);
    let consequence = match command {
        CareCommand::List { case, limit } => return list(case, limit, &mut service, client).await,
        CareCommand::Record {
            case,
            region,
            said,
            request_id,
        } => {
            let request = pb::RecordCareConsequenceRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                case_id: case_id(case, client).await?,
                region: region.unwrap_or_default(),
                draft: Some(said.over(pb::CareConsequenceDraft::default())?),
            };
            let answer = service.record_care_consequence(request).await?;
            answer.into_inner().consequence
        }
        CareCommand::Update {
            case,
            number,
            said,
            ended_at,
        } => {
            let known = fetch(case, number, &mut service).await?;
            let ended_at = ended_at.map(|text| clock::parse("--ended-at", &text));
            let request = pb::UpdateCareConsequenceRequest {
                request_id: Uuid::now_v7().to_string(),
                consequence_id: known.consequence_id,
                etag: known.etag,
                draft: Some(said.over(known.draft.unwrap_or_default())?),
                ended_at: ended_at.transpose()?,
            };
            let answer = service.update_care_consequence(request).await?;
            answer.into_inner().consequence
        }
        CareCommand::End {
            case,
            number,
            ended_at,
        } => {
            let ended_at = match ended_at {
                Some(text) => clock::parse("--ended-at", &text)?,
                None => clock::timestamp(clock::now()),
            };
            let request = pb::EndCareConsequenceRequest {
                request_id: Uuid::now_v7().to_string(),
                consequence_id: fetch(case, number, &mut service).await?.consequence_id,
                etag: String::new(),
                ended_at: Some(ended_at),
            };
            let answer = service.end_care_consequence(request).await?;
            answer.into_inner().consequence
        }
    };
    let consequence = consequence.unwrap_or_default();
    if client.json {
        say!("{}", json::to_json(&consequence)?);
    } else {
        print(&[consequence], client);
    }
    Ok(())
}

impl CareOptions {
    /// What is said, over what was said before.
    fn over(self, known: pb::CareConsequenceDraft) -> Result<pb::CareConsequenceDraft, Failure> {
        let kind = self
            .kind
            .map(|kind| parse::<CareConsequenceKind>("--kind", &kind));
        let begun_at = self.begun_at.map(|text| clock::parse("--begun-at", &text));
        Ok(pb::CareConsequenceDraft {
            kind: kind.transpose()?.unwrap_or(known.kind),
            service_name: self.service.unwrap_or(known.service_name),
            description: self.description.unwrap_or(known.description),
            persons: self.persons.or(known.persons),
            begun_at: begun_at.transpose()?.or(known.begun_at),
        })
    }
}

/// The consequence of this number.
async fn fetch(
    case: String,
    number: u64,
    service: &mut CareServiceClient<Authenticated>,
) -> Result<pb::CareConsequence, Failure> {
    let listed = pages(case, usize::MAX, service).await?;
    let mut all = listed.consequences.into_iter();
    let found = all.find(|consequence| consequence.number == number);
    Ok(found.ok_or_else(|| Status::not_found("care consequence not found"))?)
}

async fn list(
    case: String,
    limit: usize,
    service: &mut CareServiceClient<Authenticated>,
    client: &Client,
) -> Result<(), Failure> {
    let listed = pages(case, limit, service).await?;
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print(&listed.consequences, client);
    }
    Ok(())
}

/// The newest consequences of a case, at most so many.
async fn pages(
    case: String,
    limit: usize,
    service: &mut CareServiceClient<Authenticated>,
) -> Result<pb::ListCareConsequencesResponse, Failure> {
    Ok(pages!(
        service.list_care_consequences(pb::ListCareConsequencesRequest {
            case_id: case.clone(),
            ..Default::default()
        }) -> pb::ListCareConsequencesResponse,
        consequences,
        limit
    ))
}

fn print(consequences: &[pb::CareConsequence], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("n°", "no."),
        language.pick("région", "region"),
        language.pick("conséquence", "consequence"),
        "service",
        language.pick("personnes", "persons"),
        language.pick("depuis", "since"),
        language.pick("jusqu'à", "until"),
        "description",
    ];
    table::print(
        headings,
        consequences.iter().map(|consequence| {
            let draft = consequence.draft.clone().unwrap_or_default();
            let erased = language.pick("(effacé)", "(erased)");
            [
                consequence.number.to_string(),
                consequence.region.clone(),
                word::<CareConsequenceKind>(draft.kind, language),
                draft.service_name,
                draft.persons.map(|it| it.to_string()).unwrap_or_default(),
                client.zone.show(draft.begun_at),
                client.zone.show(consequence.ended_at),
                if consequence.erased {
                    erased.to_owned()
                } else {
                    draft.description
                },
            ]
        }),
    );
}
