//! `vigie report link` and `vigie report attach`: which structure a report is about, and who
//! speaks for it.

use clap::{Args, Subcommand};
use proto::intake::v1::{self as pb, link_service_client::LinkServiceClient};
use uuid::Uuid;
use vocabulary::Party;

use crate::args::{Service, free_text};
use crate::client::{Authenticated, Client};
use crate::exit::Failure;
use crate::json;
use crate::language::Language;
use crate::report::{print_consequences, region, report_id, show};

#[derive(Subcommand, Debug)]
pub(crate) enum LinkCommand {
    /// Confirm that the declarant speaks for the structure, which sees the report from now on
    Confirm {
        /// UUID or reference
        report: String,
        /// Only if this is still its etag
        #[arg(long, default_value = "")]
        etag: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Reject that: the structure sees the report no more, and it stays the declarant's
    Reject {
        /// UUID or reference
        report: String,
        /// Why, for the declarant, the cell and the agency
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        reason: String,
        /// Only if this is still its etag
        #[arg(long, default_value = "")]
        etag: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct AttachOptions {
    /// UUID or reference
    report: String,
    /// FINESS of the site
    #[arg(long)]
    finess: String,
    /// Why, for the declarant, the cell and the agency
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    reason: String,
    /// Only tell what would come of it
    #[arg(long)]
    check: bool,
    /// Only if this is still its etag
    #[arg(long, default_value = "")]
    etag: String,
    /// The same at every retry
    #[arg(long)]
    request_id: Option<Uuid>,
}

pub(crate) async fn run(command: LinkCommand, client: &Client) -> Result<(), Failure> {
    match command {
        LinkCommand::Confirm {
            report,
            etag,
            request_id,
        } => {
            let request = pb::ConfirmLinkRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                report_id: report_id(report, client).await?,
                etag,
            };
            let answer = service(client).await?.confirm_link(request).await?;
            let answer = answer.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
                return Ok(());
            }
            show(&answer.report.unwrap_or_default(), client)?;
            print_consequences(&answer.consequences.unwrap_or_default(), client);
        }
        LinkCommand::Reject {
            report,
            reason,
            etag,
            request_id,
        } => {
            let request = pb::RejectLinkRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                report_id: report_id(report, client).await?,
                etag,
                reason,
            };
            let answer = service(client).await?.reject_link(request).await?;
            let answer = answer.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
                return Ok(());
            }
            show(&answer.report.unwrap_or_default(), client)?;
        }
    }
    Ok(())
}

pub(crate) async fn attach(options: AttachOptions, client: &Client) -> Result<(), Failure> {
    let request = pb::AttachReportToStructureRequest {
        request_id: options.request_id.unwrap_or_else(Uuid::now_v7).to_string(),
        report_id: report_id(options.report, client).await?,
        etag: options.etag,
        finess: options.finess,
        reason: options.reason,
        validate_only: options.check,
    };
    let mut service = service(client).await?;
    let answer = service.attach_report_to_structure(request).await?;
    let answer = answer.into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    if let Some(report) = &answer.report {
        show(report, client)?;
    }
    print_consequences(&answer.consequences.unwrap_or_default(), client);
    if !answer.no_longer_visible_to.is_empty() {
        let lost = language.pick("Ne le voient plus", "See it no more");
        let colon = language.pick(" :", ":");
        let parties = answer.no_longer_visible_to.iter();
        let parties: Vec<_> = parties.map(|it| party(it, language)).collect();
        say!("{lost}{colon} {}", parties.join(", "));
    }
    if answer.leaves_your_sight {
        let gone = if options.check {
            language.pick(
                "Vous ne verriez plus ce signalement.",
                "You would see this report no more.",
            )
        } else {
            language.pick(
                "Vous ne voyez plus ce signalement.",
                "You see this report no more.",
            )
        };
        say!("{gone}");
    }
    Ok(())
}

/// A party as people call it; by its word where this release does not know it.
fn party(slug: &str, language: Language) -> String {
    match slug.parse() {
        Ok(Party::Cell) => language.pick("la cellule", "the cell").to_owned(),
        Ok(Party::SecurityOfficer) => language.pick("le FSSI", "the FSSI").to_owned(),
        Ok(Party::HealthAuthority) => language.pick("la DGS", "the DGS").to_owned(),
        Ok(Party::Region(code)) => {
            let agency = language.pick("l'ARS de la région", "the ARS of region");
            format!("{agency} {}", region(code.code()))
        }
        _ => slug.to_owned(),
    }
}

async fn service(client: &Client) -> Result<LinkServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Intake).await?;
    Ok(LinkServiceClient::new(channel))
}
