//! `vigie report amend` and `vigie report revisions`: a declaration in stages.

use std::collections::BTreeMap;

use clap::Args;
use proto::intake::v1::{self as pb, amendment_service_client::AmendmentServiceClient};
use uuid::Uuid;
use vocabulary::display_line;

use crate::args::Service;
use crate::client::{Authenticated, Client};
use crate::draft::{self, DraftOptions};
use crate::exit::Failure;
use crate::language::Language;
use crate::report::{print_consequences, report_id, show, word};
use crate::{form, json};

/// The columns of a text that a revision changed.
const MAX_TEXT_WIDTH: usize = 60;

#[derive(Args, Debug)]
pub(crate) struct AmendOptions {
    /// UUID or reference
    report: String,
    /// How far the declaration is completed: first-declaration, complement or final
    #[arg(long, default_value = "complement")]
    stage: String,
    #[command(flatten)]
    draft: DraftOptions,
    /// A field to clear, by its path in the contract, "impacts.care"; may be repeated
    #[arg(long = "clear", value_name = "PATH")]
    cleared: Vec<String>,
    /// The same at every retry
    #[arg(long)]
    request_id: Option<Uuid>,
}

pub(crate) async fn amend(options: AmendOptions, client: &Client) -> Result<(), Failure> {
    let stage = draft::parse::<vocabulary::ReportStage>("--stage", &options.stage)?;
    let (draft, mut paths) = draft::amendment(&options.draft)?;
    paths.extend(options.cleared);
    let request = pb::AmendReportRequest {
        request_id: options.request_id.unwrap_or_else(Uuid::now_v7).to_string(),
        report_id: report_id(options.report, client).await?,
        etag: String::new(),
        stage,
        draft: Some(draft),
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    let answer = service(client).await?.amend_report(request).await?;
    let answer = answer.into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    show(&answer.report.unwrap_or_default(), client)?;
    print_consequences(&answer.consequences.unwrap_or_default(), client);
    Ok(())
}

pub(crate) async fn revisions(
    report: String,
    limit: usize,
    client: &Client,
) -> Result<(), Failure> {
    let mut service = service(client).await?;
    let listed = pages!(
        service.list_revisions(pb::ListRevisionsRequest {
            report_id: report.clone(),
            ..Default::default()
        }) -> pb::ListRevisionsResponse,
        revisions,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
        return Ok(());
    }
    let labels = form::labels(client).await?;
    for revision in &listed.revisions {
        print(revision, &labels, client);
    }
    Ok(())
}

async fn service(client: &Client) -> Result<AmendmentServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Intake).await?;
    Ok(AmendmentServiceClient::new(channel))
}

fn print(revision: &pb::Revision, labels: &BTreeMap<String, String>, client: &Client) {
    let language = client.language;
    let author = format!(
        "{} {}",
        word::<vocabulary::Role>(revision.author_role, language),
        display_line(&revision.author, MAX_TEXT_WIDTH),
    );
    say!(
        "{}. {}  {}  {}",
        revision.revision,
        client.zone.show(revision.recorded_at),
        word::<vocabulary::ReportStage>(revision.stage, language),
        author.trim_end(),
    );
    let decided = match revision.decision() {
        pb::LinkDecision::Unspecified => None,
        pb::LinkDecision::Confirmed => Some(language.pick("lien confirmé", "link confirmed")),
        pb::LinkDecision::Rejected => Some(language.pick("lien rejeté", "link rejected")),
        pb::LinkDecision::Attached => {
            Some(language.pick("rattaché à sa structure", "attached to its structure"))
        }
    };
    if let Some(decided) = decided {
        let reason = display_line(&revision.reason, MAX_TEXT_WIDTH);
        say!("   {}", format!("{decided}  {reason}").trim_end());
    }
    for change in &revision.changes {
        let said = |text: &str| display_line(&readable(text, labels, language), MAX_TEXT_WIDTH);
        let field = labels.get(&change.path).unwrap_or(&change.path);
        let (before, after) = (said(&change.before), said(&change.after));
        say!("   {field}{} {before} → {after}", language.pick(" :", ":"));
    }
}

/// A value as people read it: words of the contract by their labels, others as they are.
fn readable(text: &str, labels: &BTreeMap<String, String>, language: Language) -> String {
    match text {
        "" => return "–".to_owned(),
        "true" => return language.pick("oui", "yes").to_owned(),
        "false" => return language.pick("non", "no").to_owned(),
        _ => {}
    }
    let words: Option<Vec<&str>> = text
        .split(", ")
        .map(|word| labels.get(word).map(String::as_str))
        .collect();
    words.map_or_else(|| text.to_owned(), |words| words.join(", "))
}
