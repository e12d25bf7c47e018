//! `vigie timeline`: what happened when, in the words of the structure.

use clap::Subcommand;
use proto::intake::v1::{self as pb, timeline_service_client::TimelineServiceClient};
use uuid::Uuid;

use crate::args::{Service, free_text};
use crate::client::Client;
use crate::exit::Failure;
use crate::report::{report_id, word};
use crate::{clock, json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum TimelineCommand {
    /// Add what happened to the timeline of a report
    Add {
        /// UUID or reference of the report
        report: String,
        /// When it happened, like 2026-11-02T08:00:00+01:00
        #[arg(long)]
        at: String,
        /// What happened
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        text: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the timeline of a report, what happened first first
    List {
        /// UUID or reference of the report
        report: String,
        /// At most so many
        #[arg(long, default_value_t = 500)]
        limit: usize,
    },
}

pub(crate) async fn run(command: TimelineCommand, client: &Client) -> Result<(), Failure> {
    match command {
        TimelineCommand::Add {
            report,
            at,
            text,
            request_id,
        } => {
            let request = pb::AddTimelineEntryRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                happened_at: Some(clock::parse("--at", &at)?),
                report_id: report_id(report, client).await?,
                text,
            };
            let channel = client.channel_to(Service::Intake).await?;
            let mut service = TimelineServiceClient::new(channel);
            let answer = service.add_timeline_entry(request).await?;
            let entry = answer.into_inner().entry.unwrap_or_default();
            if client.json {
                say!("{}", json::to_json(&entry)?);
            } else {
                print(&[entry], client);
            }
            Ok(())
        }
        TimelineCommand::List { report, limit } => list(report, limit, client).await,
    }
}

async fn list(report: String, limit: usize, client: &Client) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Intake).await?;
    let mut service = TimelineServiceClient::new(channel);
    let listed = pages!(
        service.list_timeline(pb::ListTimelineRequest {
            report_id: report.clone(),
            ..Default::default()
        }) -> pb::ListTimelineResponse,
        entries,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        print(&listed.entries, client);
    }
    Ok(())
}

fn print(entries: &[pb::TimelineEntry], client: &Client) {
    let language = client.language;
    let headings = [
        language.pick("quand", "when"),
        language.pick("événement", "event"),
        language.pick("saisi par", "entered by"),
        language.pick("saisi le", "entered"),
    ];
    table::print(
        headings,
        entries.iter().map(|entry| {
            let role = word::<vocabulary::Role>(entry.author_role, language);
            [
                client.zone.show(entry.happened_at),
                if entry.erased {
                    language.pick("(effacé)", "(erased)").to_owned()
                } else {
                    entry.text.clone()
                },
                format!("{role} {}", entry.author).trim_end().to_owned(),
                client.zone.show(entry.added_at),
            ]
        }),
    );
}
