//! `vigie up`: the whole suite on this machine, with real declarations replayed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cli::{Client, Connection, Failure, Format, Language, say};
use platform::{Tasks, Telemetry, TelemetryConfig};
use testkit::Postgres;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::UpOptions;
use crate::portal::Portal;
use crate::suite::{Layout, Ports, SERVICES, Suite};
use crate::{examples, replay};

/// How long a stop may take.
const DRAIN: Duration = Duration::from_secs(25);
/// Where data are kept when PostgreSQL may not enter the current folder.
const ELSEWHERE: &str = "/var/lib/vigie";

pub(crate) async fn run(
    options: &UpOptions,
    connection: &Connection,
    format: Format,
    language: Language,
) -> Result<(), Failure> {
    let begun = Instant::now();
    // Before anything is started: what cannot be read is said at once.
    let declarations = replay::declarations(&options.examples)?;
    let telemetry = Telemetry::start(&telemetry_config()?, "vigie").map_err(anyhow::Error::from)?;
    let layout = Layout {
        folder: (!options.once).then(|| data_folder(options, language)),
        ports: if options.once || options.free_ports {
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

    // A run that ends once the examples arrived needs no portal.
    let portal = if options.once {
        String::new()
    } else {
        serve_portal(&suite, options, &services, &shutdown, language).await
    };
    let connection = at(&suite, connection);
    let mut stop = StopSignals::listen()?;
    let client = |identity: &str| {
        let connection = Connection {
            identity: Some(identity.to_owned()),
            ..connection.clone()
        };
        Client::new(connection, format, language)
    };
    let demonstration = examples::demonstrate(options, &declarations, client, &shutdown);
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
            print_addresses(&suite, &portal, begun.elapsed(), language);
            if !options.free_ports {
                print_examples(language);
            }
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

/// Serves the portal if it was built, and tells where it is or why it is not.
async fn serve_portal(
    suite: &Suite,
    options: &UpOptions,
    tasks: &Tasks,
    shutdown: &CancellationToken,
    language: Language,
) -> String {
    if !options.portal.join("index.html").is_file() {
        let absent = language.pick("pas construit ; pour l'avoir :", "not built; to have it:");
        return format!("{absent} cd portal && npm ci && npm run build");
    }
    let address = suite.portal();
    match Portal::bind(address, &options.portal, suite.portal_config()).await {
        Ok(portal) => {
            tasks.spawn("portal", portal.run(shutdown.clone()));
            format!("http://{address}")
        }
        // Often the portal's own development server, which the services answer as well.
        Err(error) => {
            let absent = language.pick("pas servi :", "not served:");
            format!("{absent} {error:#}")
        }
    }
}

fn print_addresses(suite: &Suite, portal: &str, after: Duration, language: Language) {
    say!(
        "\n{} {:.1} s",
        language.pick("Prêt en", "Up in"),
        after.as_secs_f64()
    );
    say!("  {:<14} {portal}", language.pick("portail", "portal"));
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
            "Ctrl-C pour arrêter ; les données restent.",
            "Ctrl-C stops it; the data stay."
        )
    );
}

/// Prints commands that find the suite on its fixed ports.
fn print_examples(language: Language) {
    say!(
        "\n{}",
        language.pick(
            "À essayer, dans un autre terminal :",
            "To try, in another terminal:"
        )
    );
    let this = std::env::args_os().next().unwrap_or_default();
    let vigie = Path::new(&this).with_file_name("vigie");
    let vigie = vigie.display();
    say!("  {vigie} --as director report submit --finess 340782085 --family-name Martin \\");
    say!(
        "      --email direction@example.org --origin malicious --description \"Postes chiffrés\""
    );
    say!("  {vigie} --as analyst case list");
    say!("  {vigie} --as fssi stats breakdown --from 2019-01 --by origin-type");
}
