//! `vigie report dossier`: what a report says for one of its parallel duties.

use clap::{Args, ValueEnum};
use proto::intake::v1::{self as pb, duty_dossier_service_client::DutyDossierServiceClient};
use vocabulary::display_text;

use crate::args::Service;
use crate::client::Client;
use crate::exit::Failure;
use crate::json;
use crate::language::Language;

#[derive(Args, Debug)]
pub(crate) struct DossierOptions {
    /// UUID or reference
    report: String,
    /// cnil, anssi_essential_services, anssi_vital, ansm or complaint
    #[arg(long)]
    duty: String,
    /// The language of the dossier; that of the locale by default
    #[arg(long)]
    lang: Option<DossierLanguage>,
}

/// The language of a dossier.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum DossierLanguage {
    Fr,
    En,
}

/// Prints a dossier as it is to be pasted.
pub(crate) async fn print(options: DossierOptions, client: &Client) -> Result<(), Failure> {
    let locale = match (options.lang, client.language) {
        (Some(DossierLanguage::Fr), _) | (None, Language::French) => "fr",
        (Some(DossierLanguage::En), _) | (None, Language::English) => "en",
    };
    let request = pb::GetDutyDossierRequest {
        report_id: options.report,
        duty: options.duty,
        locale: locale.to_owned(),
    };
    let channel = client.channel_to(Service::Intake).await?;
    let mut service = DutyDossierServiceClient::new(channel);
    let answer = service.get_duty_dossier(request).await?.into_inner();
    let dossier = answer.dossier.unwrap_or_default();
    if client.json {
        say!("{}", json::to_json(&dossier)?);
    } else {
        say!("{}", display_text(dossier.text.trim_end()));
    }
    Ok(())
}
