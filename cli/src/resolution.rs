//! `vigie report resolve`: the structure says that its incident is over.

use clap::Args;
use proto::intake::v1::{self as pb, resolution_service_client::ResolutionServiceClient};
use uuid::Uuid;

use crate::args::{Service, free_text};
use crate::client::Client;
use crate::exit::Failure;
use crate::report::{report_id, word};
use crate::{clock, json, table};

#[derive(Args, Debug)]
pub(crate) struct ResolveOptions {
    /// UUID or reference
    report: String,
    /// How it was resolved
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
    how: String,
    /// When it was over, like 2026-11-02T08:00:00+01:00; now when not given
    #[arg(long)]
    at: Option<String>,
    /// The same at every retry
    #[arg(long, requires = "at")]
    request_id: Option<Uuid>,
}

pub(crate) async fn resolve(options: ResolveOptions, client: &Client) -> Result<(), Failure> {
    let resolved_at = match &options.at {
        Some(text) => clock::parse("--at", text)?,
        None => clock::timestamp(clock::now()),
    };
    let request = pb::DeclareResolvedRequest {
        request_id: options.request_id.unwrap_or_else(Uuid::now_v7).to_string(),
        report_id: report_id(options.report, client).await?,
        etag: String::new(),
        resolved_at: Some(resolved_at),
        how: options.how,
    };
    let channel = client.channel_to(Service::Intake).await?;
    let mut service = ResolutionServiceClient::new(channel);
    let answer = service.declare_resolved(request).await?.into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
        return Ok(());
    }
    let language = client.language;
    let resolution = answer.resolution.unwrap_or_default();
    table::print_facts(&[
        (
            language.pick("Résolu le", "Resolved"),
            client.zone.show(resolution.resolved_at),
        ),
        (
            language.pick("Déclaré le", "Declared"),
            client.zone.show(resolution.declared_at),
        ),
        (
            language.pick("Par", "By"),
            word::<vocabulary::Role>(resolution.declared_by, language),
        ),
        (language.pick("Comment", "How"), resolution.how),
    ]);
    Ok(())
}
