//! The declarations that `vigie up` replays while those concerned watch.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use cli::{Client, Failure, say};
use platform::Tasks;
use proto::intake::v1::{Receipt, SubmitReportRequest};
use proto::notification::v1::{
    NotificationKind, WatchRequest, WatchStart, watch_response::Message,
};
use proto::statistics::v1 as figures_pb;
use tokio_util::sync::CancellationToken;
use vocabulary::Region;

use crate::args::UpOptions;
use crate::replay;

const LOOK_AGAIN: Duration = Duration::from_millis(100);
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// Figures go over 120 months at most.
const LONGEST_PERIOD: time::Duration = time::Duration::days(119 * 30);

/// References announced to each identity that watches.
type Announced = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// Replays the examples while those concerned watch, then prints the figures.
/// Succeeds only when every example reached its watcher and the figures.
pub(crate) async fn demonstrate(
    options: &UpOptions,
    declarations: &[SubmitReportRequest],
    client: impl Fn(&str) -> Client,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(options.once_timeout);
    let analyst = client("analyst");
    let language = analyst.language;

    let announced = Announced::default();
    let watchers = Tasks::new(shutdown.clone());
    let regions = Region::ALL.iter().map(|region| format!("ars-{region}"));
    for identity in regions.chain(["analyst".to_owned()]) {
        let watching = keep_watching(client(&identity), identity, Arc::clone(&announced));
        let stop = shutdown.clone();
        watchers.spawn("watcher", async move {
            stop.run_until_cancelled(watching).await;
        });
    }

    let receipts = send_examples(&options.examples, declarations, &client("importer")).await?;
    let missing = || {
        let announced = announced.lock().unwrap_or_else(PoisonError::into_inner);
        let reached = |receipt: &&Receipt| {
            announced
                .get(&watcher_of(receipt))
                .is_some_and(|r| r.contains(&receipt.reference))
        };
        receipts.iter().filter(|receipt| !reached(receipt)).count()
    };
    let what = language.pick("annonce aux ARS", "announcement to the agencies");
    let announced_all = async || match missing() {
        0 => Ok(()),
        missing => Err(anyhow::anyhow!("{missing}")),
    };
    until(deadline, announced_all)
        .await
        .context(what.to_owned())?;

    let period = years_of(declarations);
    let overview = counted(&analyst, &period, receipts.len(), options, deadline).await?;
    say!();
    cli::print_overview(&overview, language);
    Ok(())
}

/// Who is to watch a report: the ARS of its region, or the cell where there is none.
fn watcher_of(receipt: &Receipt) -> String {
    let agency = receipt
        .consequences
        .as_ref()
        .and_then(|c| c.agency.as_ref());
    agency.map_or_else(
        || "analyst".to_owned(),
        |agency| format!("ars-{}", agency.region),
    )
}

async fn send_examples(
    folder: &Path,
    declarations: &[SubmitReportRequest],
    importer: &Client,
) -> Result<Vec<Receipt>, Failure> {
    cli::import_structures(&folder.join("structures.csv"), importer).await?;
    replay::send(declarations, importer).await
}

/// The years of the examples, up to now where that is not longer than figures go.
fn years_of(declarations: &[SubmitReportRequest]) -> figures_pb::Period {
    let declared = declarations.iter().filter_map(|it| it.declared_at);
    let declared = declared.map(|at| at.seconds).min();
    let now = platform::now();
    let first = declared
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(now);
    let longest = first + LONGEST_PERIOD;
    figures_pb::Period {
        from_month: cli::month_in_paris(first),
        to_month: cli::month_in_paris(now.min(longest)),
        ..Default::default()
    }
}

/// The overview of the examples' years, once it counts them all.
async fn counted(
    analyst: &Client,
    period: &figures_pb::Period,
    expected: usize,
    options: &UpOptions,
    deadline: Instant,
) -> Result<figures_pb::GetOverviewResponse, Failure> {
    let expected = expected as u64;
    loop {
        let request = figures_pb::GetOverviewRequest {
            period: Some(period.clone()),
            region: String::new(),
            ..Default::default()
        };
        let overview = analyst
            .statistics()
            .await?
            .get_overview(request)
            .await?
            .into_inner();
        // Whoever tries the suite may have withdrawn an example.
        let sent = overview
            .figures
            .iter()
            .filter(|figure| ["reports", "withdrawn"].contains(&figure.name.as_str()));
        let reports: u64 = sent.map(|figure| figure.current).sum();
        // A throw-away suite counts the examples and nothing else.
        if reports == expected || (reports > expected && !options.once) {
            return Ok(overview);
        }
        if Instant::now() > deadline || reports > expected {
            return Err(
                anyhow::anyhow!("{reports} reports are counted, {expected} were sent").into(),
            );
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Watches from the oldest notification on, again after every cut.
async fn keep_watching(client: Client, identity: String, announced: Announced) {
    let mut cursor = String::new();
    loop {
        if let Err(failure) = watch_once(&client, &identity, &announced, &mut cursor).await {
            tracing::debug!(?failure, identity, "the stream was cut");
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}

async fn watch_once(
    client: &Client,
    identity: &str,
    announced: &Announced,
    cursor: &mut String,
) -> Result<(), Failure> {
    let request = WatchRequest {
        cursor: cursor.clone(),
        start: WatchStart::Oldest.into(),
    };
    let mut stream = client
        .notification()
        .await?
        .watch(request)
        .await?
        .into_inner();
    while let Some(response) = stream.message().await? {
        cursor.clone_from(&response.cursor);
        let Some(Message::Notification(notification)) = response.message else {
            continue;
        };
        // The cell sees everything; what an ARS announces is not printed twice.
        if identity != "analyst" || notification.routing_region == "national" {
            say!(
                "{identity:>8} {}",
                cli::notification_line(&notification, client.zone)
            );
        }
        if notification.kind() == NotificationKind::ReportSubmitted {
            let mut announced = announced.lock().unwrap_or_else(PoisonError::into_inner);
            announced
                .entry(identity.to_owned())
                .or_default()
                .insert(notification.reference);
        }
    }
    Ok(())
}

/// Waits for a condition; says in the end why it does not hold.
async fn until(
    deadline: Instant,
    condition: impl AsyncFn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while let Err(why) = condition().await {
        if Instant::now() > deadline {
            return Err(why.context("not in time"));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
