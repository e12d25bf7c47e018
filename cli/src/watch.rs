//! `vigie watch`: print notifications as they come.

use std::time::Duration;

use proto::notification::v1 as pb;
use proto::notification::v1::watch_response::Message;
use tonic::{Code, Status};
use vocabulary::display_line;

use crate::args::WatchOptions;
use crate::client::Client;
use crate::clock::Zone;
use crate::exit::Failure;
use crate::json;

const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// Watches until Ctrl-C or the count; a cut stream is taken up at its last cursor.
pub(crate) async fn run(options: WatchOptions, client: &Client) -> Result<(), Failure> {
    let mut cursor = options.cursor.unwrap_or_default();
    let mut left = options.count;
    loop {
        let start = if options.from_oldest {
            pb::WatchStart::Oldest
        } else {
            pb::WatchStart::Now
        };
        let request = pb::WatchRequest {
            cursor: cursor.clone(),
            start: start.into(),
        };
        match follow(request, &mut cursor, &mut left, client).await {
            Ok(()) => return Ok(()),
            Err(Failure::Refused(status)) if worth_resuming(&status, &cursor, client) => {
                eprintln!(
                    "vigie: {}",
                    client
                        .language
                        .pick("flux coupé, reprise…", "stream cut, going on…")
                );
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// A stream that had begun goes on after an outage of the service, and after the
/// end of its token where another one can be had.
fn worth_resuming(status: &Status, cursor: &str, client: &Client) -> bool {
    let passing = match status.code() {
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => true,
        Code::Unauthenticated => client.renews_its_token(),
        _ => false,
    };
    passing && !cursor.is_empty()
}

async fn follow(
    request: pb::WatchRequest,
    cursor: &mut String,
    left: &mut Option<u64>,
    client: &Client,
) -> Result<(), Failure> {
    let mut stream = client
        .notification()
        .await?
        .watch(request)
        .await?
        .into_inner();
    while *left != Some(0) {
        let Some(response) = stream.message().await? else {
            return Err(Status::unavailable("the stream ended").into());
        };
        cursor.clone_from(&response.cursor);
        if client.json {
            say!(
                "{}",
                serde_json::from_str::<serde_json::Value>(&json::to_json(&response)?)
                    .map_err(anyhow::Error::from)?
            );
        }
        match response.message {
            Some(Message::Notification(notification)) => {
                if !client.json {
                    say!("{}", line(&notification, client.zone));
                }
                *left = left.map(|left| left - 1);
            }
            Some(Message::Gap(gap)) if !client.json => {
                let missed = client.language.pick(
                    "des messages ont été sautés ; les relire avec",
                    "messages were left out; read them with",
                );
                say!("⚠ {missed} vigie watch --cursor {}", gap.from_cursor);
            }
            _ => {}
        }
    }
    Ok(())
}

const MAX_HEADLINE_WIDTH: usize = 500;

/// A notification on one line; its headline names the report and says what matters.
pub fn line(notification: &pb::Notification, zone: Zone) -> String {
    let mark = if notification.kind() == pb::NotificationKind::Major {
        "‼"
    } else {
        "•"
    };
    format!(
        "{mark} {} {}",
        zone.show(notification.raised_at),
        display_line(&notification.headline, MAX_HEADLINE_WIDTH)
    )
}
