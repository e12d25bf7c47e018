//! `vigie report`: check, submit, read, amend, withdraw and declare resolved.

mod show;

use clap::{Args, Subcommand};
use proto::intake::v1 as pb;
use uuid::Uuid;
use vocabulary::Word;

use self::show::state;
pub(crate) use self::show::{region, show};

use crate::amendment::{self, AmendOptions};
use crate::args::free_text;
use crate::bulk::{SubmitManyOptions, submit_many};
use crate::client::Client;
use crate::deadline;
use crate::dossier::{self, DossierOptions};
use crate::draft::{DraftOptions, SubmitOptions};
use crate::exit::Failure;
use crate::language::Language;
use crate::link::{self, AttachOptions, LinkCommand};
use crate::resolution::{ResolveOptions, resolve};
use crate::{clock, draft, form, json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum ReportCommand {
    /// Print what a declaration asks, field by field
    Form {
        /// incident, near_miss, threat, product_vulnerability or vendor_bad_practice
        #[arg(long)]
        kind: Option<String>,
    },
    /// Validate a draft and tell what would happen; sends nothing
    Check(DraftOptions),
    /// Send a report and print its receipt
    Submit(SubmitOptions),
    /// Send every draft of a file, and print a line for each; may be run again
    SubmitMany(SubmitManyOptions),
    /// Show a report
    Get {
        /// UUID or reference
        report: String,
    },
    /// List the reports you may see, latest first
    List(ListOptions),
    /// Complete or correct a report: what is given changes, the rest stays
    Amend(Box<AmendOptions>),
    /// List what a report said, newest first
    Revisions {
        /// UUID or reference
        report: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Withdraw a false alarm
    Withdraw {
        /// UUID or reference
        report: String,
        /// Why
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        reason: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// Declare that the incident is resolved
    Resolve(ResolveOptions),
    /// Print what a report says for one of its parallel duties, ready to be pasted
    Dossier(DossierOptions),
    /// Decide whether the declarant speaks for the structure: for the cell and the agency
    #[command(subcommand)]
    Link(LinkCommand),
    /// Attach a report to a structure of the directory: for the cell and the agency
    Attach(AttachOptions),
}

#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// Only this region (INSEE code), "national" or "synthetic"
    #[arg(long)]
    region: Option<String>,
    /// Only those that say that other States may (not) be touched
    #[arg(long)]
    cross_border: Option<bool>,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

pub(crate) async fn run(command: ReportCommand, client: &Client) -> Result<(), Failure> {
    match command {
        ReportCommand::Form { kind } => form::print_form(kind.as_deref(), client).await,
        ReportCommand::Check(options) => check(&options, client).await,
        ReportCommand::Submit(options) => submit(options, client).await,
        ReportCommand::SubmitMany(options) => submit_many(options, client).await,
        ReportCommand::Get { report } => get(report, client).await,
        ReportCommand::List(options) => list(options, client).await,
        ReportCommand::Amend(options) => amendment::amend(*options, client).await,
        ReportCommand::Revisions { report, limit } => {
            amendment::revisions(report, limit, client).await
        }
        ReportCommand::Withdraw {
            report,
            reason,
            request_id,
        } => {
            let request = pb::WithdrawReportRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                report_id: report_id(report, client).await?,
                reason,
                etag: String::new(),
            };
            let mut intake = client.intake().await?;
            let answer = intake.withdraw_report(request).await?.into_inner();
            show(&answer.report.unwrap_or_default(), client)
        }
        ReportCommand::Resolve(options) => resolve(options, client).await,
        ReportCommand::Dossier(options) => dossier::print(options, client).await,
        ReportCommand::Link(command) => link::run(command, client).await,
        ReportCommand::Attach(options) => link::attach(options, client).await,
    }
}

/// The UUID of a report that is named by it or by its reference.
pub(crate) async fn report_id(report: String, client: &Client) -> Result<String, Failure> {
    if Uuid::try_parse(&report).is_ok() {
        return Ok(report);
    }
    let request = pb::GetReportRequest { report_id: report };
    let found = client.intake().await?.get_report(request).await?;
    Ok(found.into_inner().report.unwrap_or_default().report_id)
}

async fn check(options: &DraftOptions, client: &Client) -> Result<(), Failure> {
    let request = draft::request(options, clock::now())?;
    let request = pb::CheckReportRequest {
        draft: request.draft,
        declared_at: request.declared_at,
        on_behalf: request.on_behalf,
    };
    let answer = client
        .intake()
        .await?
        .check_report(request)
        .await?
        .into_inner();
    let language = client.language;
    if client.json {
        say!("{}", json::to_json(&answer)?);
    } else {
        print_remarks(
            language.pick("À corriger", "To be mended"),
            &answer.violations,
        );
        print_remarks(
            language.pick("À vérifier", "To be looked at"),
            &answer.warnings,
        );
        if let Some(consequences) = &answer.consequences {
            print_consequences(consequences, client);
        }
    }
    if answer.violations.is_empty() {
        Ok(())
    } else {
        Err(Failure::Violations)
    }
}

async fn submit(options: SubmitOptions, client: &Client) -> Result<(), Failure> {
    if options.request_id.is_some()
        && options.draft.file.is_none()
        && options.draft.found_at.is_none()
    {
        let why = "--request-id wants --found-at: \"now\" would be another report at every retry";
        return Err(Failure::Usage(why.to_owned()));
    }
    let mut request = draft::request(&options.draft, clock::now())?;
    if let Some(request_id) = options.request_id {
        request.request_id = request_id.to_string();
    } else if request.request_id.is_empty() {
        request.request_id = Uuid::now_v7().to_string();
    }
    if let Some(text) = &options.declared_at {
        request.declared_at = Some(clock::parse("--declared-at", text)?);
    }
    if let Some(on_behalf) = options.on_behalf.read()? {
        request.on_behalf = Some(on_behalf);
    }
    send(request, client).await
}

/// Sends a report and prints its receipt.
pub(crate) async fn send(request: pb::SubmitReportRequest, client: &Client) -> Result<(), Failure> {
    let answer = client
        .intake()
        .await?
        .submit_report(request)
        .await?
        .into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    let receipt = answer.receipt.unwrap_or_default();
    table::print_facts(&[
        (language.pick("Référence", "Reference"), receipt.reference),
        (
            language.pick("Reçu le", "Received"),
            client.zone.show(receipt.received_at),
        ),
        (
            language.pick("Identifiant", "Identifier"),
            receipt.report_id,
        ),
        (
            language.pick("Urgence", "Emergency"),
            receipt.emergency_phone,
        ),
    ]);
    print_consequences(&receipt.consequences.unwrap_or_default(), client);
    Ok(())
}

async fn get(report: String, client: &Client) -> Result<(), Failure> {
    let answer = client
        .intake()
        .await?
        .get_report(pb::GetReportRequest { report_id: report })
        .await?;
    show(&answer.into_inner().report.unwrap_or_default(), client)
}

async fn list(options: ListOptions, client: &Client) -> Result<(), Failure> {
    let filter = pb::ListReportsRequest {
        routing_region: options.region.unwrap_or_default(),
        cross_border: options.cross_border,
        ..pb::ListReportsRequest::default()
    };
    let mut intake = client.intake().await?;
    let mut reports = Vec::new();
    let mut page_token = String::new();
    while reports.len() < options.limit {
        let request = pb::ListReportsRequest {
            page_size: u32::try_from(options.limit - reports.len())
                .unwrap_or(u32::MAX)
                .min(200),
            page_token,
            ..filter.clone()
        };
        let page = intake.list_reports(request).await?.into_inner();
        reports.extend(page.reports);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if client.json {
        let answer = pb::ListReportsResponse {
            reports,
            next_page_token: page_token,
        };
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("référence", "reference"),
        language.pick("déclaré le", "declared"),
        language.pick("région", "region"),
        "structure",
        language.pick("origine", "origin"),
        language.pick("état", "state"),
    ];
    table::print(
        headings,
        reports.iter().map(|report| {
            let origin = report.draft.as_ref().map_or(0, |draft| draft.origin);
            [
                report.reference.clone(),
                client.zone.show(report.declared_at),
                report.routing_region.clone(),
                report.structure_name.clone(),
                word::<vocabulary::Origin>(origin, language),
                state(report, language),
            ]
        }),
    );
    Ok(())
}

/// The word of a number of the wire in the person's language; empty when not said.
pub(crate) fn word<W: Word>(number: i32, language: Language) -> String {
    W::heard(number)
        .map(|word| language.pick(word.french(), word.english()).to_owned())
        .unwrap_or_default()
}

fn print_remarks(title: &str, remarks: &[pb::Violation]) {
    if remarks.is_empty() {
        return;
    }
    say!("{title}");
    for remark in remarks {
        say!(
            "  {}  {} [{}]",
            remark.field,
            remark.description,
            remark.reason
        );
    }
}

pub(crate) fn print_consequences(consequences: &pb::Consequences, client: &Client) {
    let language = client.language;
    if let Some(agency) = &consequences.agency {
        say!(
            "\n{}  {} <{}>",
            language.pick("ARS compétente", "Competent ARS"),
            agency.name,
            agency.mailbox
        );
    }
    if !consequences.addressees.is_empty() {
        say!("\n{}", language.pick("Sont informés", "Those who are told"));
        for addressee in &consequences.addressees {
            say!("  {} ({})", addressee.name, addressee.legal_basis);
        }
    }
    if !consequences.parallel_duties.is_empty() {
        say!(
            "\n{}",
            language.pick("Autres obligations", "Parallel duties")
        );
        for duty in &consequences.parallel_duties {
            let due = duty
                .due_at
                .map(|at| format!(" → {}", client.zone.show(Some(at))))
                .unwrap_or_default();
            say!("  {} ({}){due}", duty.text, duty.legal_basis);
        }
    }
    deadline::print(&consequences.deadlines, client);
    if !consequences.next_steps.is_empty() {
        say!(
            "\n{}",
            language.pick("Que faire maintenant", "What to do now")
        );
        for (number, step) in (1..).zip(&consequences.next_steps) {
            say!("  {number}. {step}");
        }
    }
}
