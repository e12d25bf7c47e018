//! `vigie delegation`: a structure has a named person declare for it, until a moment.

use clap::Subcommand;
use proto::intake::v1::{self as pb, delegation_service_client::DelegationServiceClient};
use uuid::Uuid;

use crate::args::{Service, free_text};
use crate::client::{Authenticated, Client};
use crate::exit::Failure;
use crate::report::word;
use crate::{clock, json, table};

#[derive(Subcommand, Debug)]
pub(crate) enum DelegationCommand {
    /// Delegate to a person: for those whose token names the structure, and its agency
    Grant {
        /// FINESS of the site
        #[arg(long)]
        finess: String,
        /// The subject of the person's login
        #[arg(long)]
        to: String,
        /// The person's name
        #[arg(long, value_parser = free_text)]
        name: String,
        /// From when, like 2026-12-01T08:00:00+01:00; now when not given
        #[arg(long)]
        from: Option<String>,
        /// Until when, at most one year later
        #[arg(long)]
        until: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// End a delegation before its time
    End {
        /// UUID
        delegation: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the delegations of a structure, or those to you; the latest granted first
    List {
        /// FINESS of the site; those to you when not given
        #[arg(long, default_value = "")]
        finess: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

pub(crate) async fn run(command: DelegationCommand, client: &Client) -> Result<(), Failure> {
    let mut service = service(client).await?;
    match command {
        DelegationCommand::Grant {
            finess,
            to,
            name,
            from,
            until,
            request_id,
        } => {
            let from = from.as_deref().map(|text| clock::parse("--from", text));
            let request = pb::GrantDelegationRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                finess,
                delegate: to,
                delegate_name: name,
                valid_from: from.transpose()?,
                valid_until: Some(clock::parse("--until", &until)?),
            };
            let answer = service.grant_delegation(request).await?.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
            } else {
                show(&answer.delegation.unwrap_or_default(), client);
            }
        }
        DelegationCommand::End {
            delegation,
            request_id,
        } => {
            let request = pb::EndDelegationRequest {
                request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
                delegation_id: delegation,
            };
            let answer = service.end_delegation(request).await?.into_inner();
            if client.json {
                say!("{}", json::to_json(&answer)?);
            } else {
                show(&answer.delegation.unwrap_or_default(), client);
            }
        }
        DelegationCommand::List { finess, limit } => {
            list(&mut service, finess, limit, client).await?;
        }
    }
    Ok(())
}

async fn list(
    service: &mut DelegationServiceClient<Authenticated>,
    finess: String,
    limit: usize,
    client: &Client,
) -> Result<(), Failure> {
    let mut listed = pb::ListDelegationsResponse::default();
    while listed.delegations.len() < limit {
        let left = u32::try_from(limit - listed.delegations.len()).unwrap_or(u32::MAX);
        let request = pb::ListDelegationsRequest {
            finess: finess.clone(),
            page_size: left.min(200),
            page_token: listed.next_page_token,
        };
        let page = service.list_delegations(request).await?.into_inner();
        listed.delegations.extend(page.delegations);
        listed.next_page_token = page.next_page_token;
        if listed.next_page_token.is_empty() {
            break;
        }
    }
    if client.json {
        say!("{}", json::to_json(&listed)?);
    } else {
        listed.delegations.iter().for_each(|it| show(it, client));
    }
    Ok(())
}

async fn service(client: &Client) -> Result<DelegationServiceClient<Authenticated>, Failure> {
    let channel = client.channel_to(Service::Intake).await?;
    Ok(DelegationServiceClient::new(channel))
}

fn show(delegation: &pb::Delegation, client: &Client) {
    let language = client.language;
    let state = match (delegation.running, delegation.ended_at.is_some()) {
        (true, _) => language.pick("en cours", "running"),
        (false, true) => language.pick("terminée avant son terme", "ended before its time"),
        (false, false) => language.pick("pas en cours", "not running"),
    };
    table::print_facts(&[
        (
            language.pick("Délégation", "Delegation"),
            delegation.delegation_id.clone(),
        ),
        ("FINESS", delegation.finess.clone()),
        (
            language.pick("Délégataire", "Delegate"),
            format!("{} ({})", delegation.delegate_name, delegation.delegate),
        ),
        (
            language.pick("Du", "From"),
            client.zone.show(delegation.valid_from),
        ),
        (
            language.pick("Jusqu'au", "Until"),
            client.zone.show(delegation.valid_until),
        ),
        (
            language.pick("Accordée par", "Granted by"),
            word::<vocabulary::Role>(delegation.granted_as, language),
        ),
        (language.pick("État", "State"), state.to_owned()),
        (
            language.pick("Terminée le", "Ended"),
            client.zone.show(delegation.ended_at),
        ),
    ]);
}
