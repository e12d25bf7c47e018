//! `vigie rota`: who is on call, as operators keep it.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use proto::qualification::v1 as pb;
use uuid::Uuid;

use crate::client::Client;
use crate::escalation::service;
use crate::exit::Failure;
use crate::{json, table, text_file};

#[derive(Subcommand, Debug)]
pub(crate) enum RotaCommand {
    /// Put a rota in the place of the one there is
    Put {
        /// JSON with the shifts, "-" for standard input (see docs/qualifying.md)
        file: PathBuf,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
    /// List the rota, the earliest shift first
    List {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
}

pub(crate) async fn run(command: RotaCommand, client: &Client) -> Result<(), Failure> {
    match command {
        RotaCommand::Put { file, request_id } => put(&file, request_id, client).await,
        RotaCommand::List { limit } => list(limit, client).await,
    }
}

async fn put(file: &Path, request_id: Option<Uuid>, client: &Client) -> Result<(), Failure> {
    let rota: pb::PutRotaRequest = json::from_json(&text_file::read(file)?)
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let request = pb::PutRotaRequest {
        request_id: request_id.unwrap_or_else(Uuid::now_v7).to_string(),
        ..rota
    };
    let answer = service(client).await?.put_rota(request).await?;
    let answer = answer.into_inner();
    if client.json {
        say!("{}", json::to_json(&answer)?);
    } else {
        let (french, english) = match answer.shifts {
            0 | 1 => ("tour d'astreinte", "shift"),
            _ => ("tours d'astreinte", "shifts"),
        };
        say!(
            "{} {}",
            answer.shifts,
            client.language.pick(french, english)
        );
    }
    Ok(())
}

async fn list(limit: usize, client: &Client) -> Result<(), Failure> {
    let mut service = service(client).await?;
    let listed = pages!(
        service.list_rota(pb::ListRotaRequest::default()) -> pb::ListRotaResponse,
        shifts,
        limit
    );
    if client.json {
        say!("{}", json::to_json(&listed)?);
        return Ok(());
    }
    let language = client.language;
    let headings = [
        language.pick("du", "from"),
        language.pick("au", "to"),
        language.pick("ordre", "order"),
        language.pick("nom", "name"),
        language.pick("courriel", "e-mail"),
    ];
    let rows = listed.shifts.iter().flat_map(|shift| {
        let people = (1..).zip(&shift.people).map(|(place, person): (u32, _)| {
            [
                client.zone.show(shift.starts_at),
                client.zone.show(shift.ends_at),
                place.to_string(),
                person.name.clone(),
                person.email.clone(),
            ]
        });
        people.collect::<Vec<_>>()
    });
    table::print(headings, rows);
    Ok(())
}
