//! `vigie up`: the whole suite on this machine, with real declarations replayed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use platform::{Tasks, Telemetry, TelemetryConfig};
use proto::intake::v1::{Receipt, SubmitReportRequest};
use proto::notification::v1::{
    NotificationKind, WatchRequest, WatchStart, watch_response::Message,
};
use proto::statistics::v1 as figures_pb;
use testkit::Postgres;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use vocabulary::Region;

use crate::args::{Connection, UpOptions};
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;
use crate::suite::{Layout, Ports, SERVICES, Suite};
use crate::{figures, replay, structure, watch};

/// How long a stop may take.
const DRAIN: Duration = Duration::from_secs(25);
/// Where data are kept when PostgreSQL may not enter the current folder.
const ELSEWHERE: &str = "/var/lib/vigie";
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// Figures go over 120 months at most.
const LONGEST_PERIOD: time::Duration = time::Duration::days(119 * 30);

/// References announced to each identity that watches.
type Announced = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

pub(crate) async fn run(
    options: &UpOptions,
    connection: &Connection,
    language: Language,
) -> Result<(), Failure> {
    let begun = Instant::now();
    // Before anything is started: what cannot be read is said at once.
    let declarations = replay::declarations(&options.examples)?;
    let telemetry = Telemetry::start(&telemetry_config()?, "vigie").map_err(anyhow::Error::from)?;
    let layout = Layout {
        folder: (!options.once).then(|| data_folder(options, language)),
        ports: if options.once {
            Ports::Free
        } else {
            Ports::Fixed
        },
        otlp_endpoint: None,
        variables: Vec::new(),
    };
    let suite = Suite::prepare(layout).await?;
    let shutdown = CancellationToken::new();
    let services = suite.start(&shutdown).await.map_err(anyhow::Error::from)?;

    let connection = Connection {
        identity: None,
        token: None,
        ..at(&suite, connection)
    };
    let mut stop = StopSignals::listen()?;
    let demonstration = demonstrate(options, &declarations, &connection, language, &shutdown);
    let demonstrated = tokio::select! {
        ended = demonstration => Some(ended),
        () = stop.next() => None,
    };
    let ended = match demonstrated {
        Some(shown) if !options.once => {
            if let Err(failure) = shown {
                let incomplete = language.pick(
                    "les exemples ne sont pas tous arrivés",
                    "not all examples have arrived",
                );
                say!("{incomplete}: {failure}");
            }
            print_addresses(&suite, begun.elapsed(), language);
            tokio::select! {
                () = stop.next() => {}
                () = shutdown.cancelled() => {}
            }
            Ok(())
        }
        Some(ended) => ended,
        None if options.once => Err(anyhow::anyhow!("stopped before the end").into()),
        None => Ok(()),
    };
    say!("{}", language.pick("Arrêt…", "Stopping…"));
    shutdown.cancel();
    let drained = tokio::select! {
        drained = services.join(DRAIN) => drained.map_err(anyhow::Error::from),
        () = stop.next() => Err(anyhow::anyhow!("stopped without waiting for the services")),
    };
    telemetry.shutdown().await;
    ended.and(drained.map_err(Failure::from))
}

/// Where everything is kept: as asked, or here, or where PostgreSQL may enter.
fn data_folder(options: &UpOptions, language: Language) -> PathBuf {
    if let Some(data) = &options.data {
        return data.clone();
    }
    let here = PathBuf::from("data");
    match Postgres::is_barred_from(&here) {
        None => here,
        Some(barrier) => {
            let elsewhere = language.pick(
                "PostgreSQL n'entre pas ici ; les données sont dans",
                "PostgreSQL may not enter here; the data are in",
            );
            say!("{}: {elsewhere} {ELSEWHERE}", barrier.display());
            PathBuf::from(ELSEWHERE)
        }
    }
}

/// What asks the suite to stop; asked again, it stops at once.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

fn telemetry_config() -> anyhow::Result<TelemetryConfig> {
    let defaults = [
        ("TELEMETRY_LOG_FORMAT", "human"),
        ("TELEMETRY_LOG_FILTER", "warn"),
    ];
    let process = platform::Environment::of_process();
    let chosen = process
        .variables()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let defaults = defaults.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let environment: platform::Environment = defaults.into_iter().chain(chosen).collect();
    Ok(environment.read("TELEMETRY_")?)
}

/// The connection to a suite of this machine.
fn at(suite: &Suite, connection: &Connection) -> Connection {
    let url = |service: &str| format!("http://{}", suite.addresses(service).public);
    Connection {
        intake_url: url("intake"),
        qualification_url: url("qualification"),
        notification_url: url("notification"),
        statistics_url: url("statistics"),
        issuer_url: suite.issuer.url().to_owned(),
        ..connection.clone()
    }
}

/// Replays the examples while those concerned watch, then prints the figures.
/// Succeeds only when every example reached its watcher and the figures.
async fn demonstrate(
    options: &UpOptions,
    declarations: &[SubmitReportRequest],
    connection: &Connection,
    language: Language,
    shutdown: &CancellationToken,
) -> Result<(), Failure> {
    let client = |identity: &str| {
        let connection = Connection {
            identity: Some(identity.to_owned()),
            ..connection.clone()
        };
        Client::new(connection, false, language)
    };
    let deadline = Instant::now() + Duration::from_secs(options.once_timeout);
    let connect = async || match client("analyst").statistics().await {
        Ok(_) => Ok(()),
        Err(failure) => Err(anyhow::anyhow!("{failure}")),
    };
    until(deadline, connect).await?;

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

    let analyst = client("analyst");
    let period = years_of(declarations);
    let overview = counted(&analyst, &period, receipts.len(), options, deadline).await?;
    say!();
    figures::print_overview(&overview, language);
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
    structure::import(&folder.join("structures.csv"), importer).await?;
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
        from_month: figures::month_in_paris(first),
        to_month: figures::month_in_paris(now.min(longest)),
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
            say!("{identity:>8} {}", watch::line(&notification));
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

fn print_addresses(suite: &Suite, after: Duration, language: Language) {
    say!(
        "\n{} {:.1} s",
        language.pick("Prêt en", "Up in"),
        after.as_secs_f64()
    );
    for service in SERVICES {
        let addresses = suite.addresses(service);
        say!(
            "  {service:<14} http://{}   metrics http://{}/metrics",
            addresses.public,
            addresses.metrics
        );
    }
    say!(
        "  {:<14} {}",
        language.pick("émetteur", "issuer"),
        suite.issuer.url()
    );
    say!(
        "  {:<14} {}",
        language.pick("données", "data"),
        suite.folder().display()
    );
    say!(
        "\n{}",
        language.pick(
            "À essayer, dans un autre terminal :",
            "To try, in another terminal:"
        )
    );
    let vigie = std::env::args()
        .next()
        .unwrap_or_else(|| "vigie".to_owned());
    say!("  {vigie} --as director report submit --finess 340782085 --family-name Martin \\");
    say!(
        "      --email direction@example.org --origin malicious --description \"Postes chiffrés\""
    );
    say!("  {vigie} --as analyst case list");
    say!("  {vigie} --as fssi stats breakdown --from 2019-01 --by origin-type");
    say!(
        "\n{}",
        language.pick(
            "Ctrl-C pour arrêter ; les données restent.",
            "Ctrl-C stops it; the data stay."
        )
    );
}
