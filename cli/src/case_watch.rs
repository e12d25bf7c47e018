//! `vigie case watch`: print the cases that change as they do.

use std::time::Duration;

use clap::Args;
use proto::qualification::v1 as pb;
use proto::qualification::v1::watch_cases_response::Message;
use proto::qualification::v1::workbench_service_client::WorkbenchServiceClient;
use tonic::{Code, Status};
use vocabulary::display_line;

use crate::args::Service;
use crate::client::Client;
use crate::draft::parse_all;
use crate::exit::Failure;
use crate::json;
use crate::report::word;

#[derive(Args, Debug)]
pub(crate) struct CaseWatchOptions {
    /// Only this state; may be repeated
    #[arg(long = "state")]
    states: Vec<String>,
    /// Only this region (INSEE code), "national" or "synthetic"
    #[arg(long)]
    region: Option<String>,
    /// Only major ones
    #[arg(long)]
    major: bool,
    /// Only mine
    #[arg(long)]
    mine: bool,
    /// Go on from this cursor
    #[arg(long)]
    cursor: Option<String>,
    /// End after so many changes; 0: only tell the cursor, with --json
    #[arg(long)]
    count: Option<u64>,
}

const RECONNECT_AFTER: Duration = Duration::from_secs(1);
const MAX_NAME_WIDTH: usize = 60;

/// Watches until Ctrl-C or the count; a cut stream is taken up at its last cursor.
pub(crate) async fn run(options: CaseWatchOptions, client: &Client) -> Result<(), Failure> {
    let mut request = pb::WatchCasesRequest {
        cursor: options.cursor.unwrap_or_default(),
        states: parse_all::<vocabulary::CaseState>("--state", &options.states)?,
        routing_region: options.region.unwrap_or_default(),
        major_only: options.major,
        mine_only: options.mine,
    };
    let mut left = options.count;
    loop {
        match follow(&mut request, &mut left, client).await {
            Ok(()) => return Ok(()),
            Err(Failure::Refused(status)) if worth_resuming(&status, &request.cursor, client) => {
                let cut = client
                    .language
                    .pick("flux coupé, reprise…", "stream cut, going on…");
                eprintln!("vigie: {cut}");
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// A stream that had begun goes on after an outage of the service, after it was too slow, and
/// after the end of its token where another one can be had.
fn worth_resuming(status: &Status, cursor: &str, client: &Client) -> bool {
    let passing = match status.code() {
        Code::Unavailable
        | Code::Unknown
        | Code::Internal
        | Code::Cancelled
        | Code::ResourceExhausted => true,
        Code::Unauthenticated => client.renews_its_token(),
        _ => false,
    };
    passing && !cursor.is_empty()
}

async fn follow(
    request: &mut pb::WatchCasesRequest,
    left: &mut Option<u64>,
    client: &Client,
) -> Result<(), Failure> {
    let channel = client.channel_to(Service::Qualification).await?;
    let mut service = WorkbenchServiceClient::new(channel);
    let mut stream = service.watch_cases(request.clone()).await?.into_inner();
    loop {
        let Some(response) = stream.message().await? else {
            return Err(Status::unavailable("the stream ended").into());
        };
        request.cursor.clone_from(&response.cursor);
        let is_change = matches!(
            response.message,
            Some(Message::Changed(_) | Message::Left(_))
        );
        if client.json {
            say!("{}", json::to_json_line(&response)?);
        } else if let Some(line) = response.message.and_then(|said| line(&said, client)) {
            say!("{line}");
        }
        *left = left.map(|left| left.saturating_sub(u64::from(is_change)));
        if *left == Some(0) {
            return Ok(());
        }
    }
}

/// What a message says, on one line; a heartbeat says nothing.
fn line(said: &Message, client: &Client) -> Option<String> {
    let language = client.language;
    let state = |number| word::<vocabulary::CaseState>(number, language);
    Some(match said {
        Message::Changed(case) => format!(
            "• {} {} · {} · {} {}",
            client.zone.show(case.changed_at),
            case.reference,
            state(case.state),
            display_line(&case.structure_name, MAX_NAME_WIDTH),
            case.assignee,
        )
        .trim_end()
        .to_owned(),
        Message::Left(left) => {
            let gone = language.pick("hors de ce filtre", "outside this filter");
            format!("○ {} · {} · {gone}", left.case_id, state(left.state))
        }
        Message::Gap(_) => {
            let missed = language.pick(
                "des changements ont été perdus de vue ; les retrouver avec",
                "changes were lost sight of; find them with",
            );
            format!("⚠ {missed} vigie case list")
        }
        Message::Heartbeat(_) => return None,
    })
}
