//! The `main` that all services share.

use std::{env, net::SocketAddr, path::PathBuf, pin::Pin, process::ExitCode, time::Duration};

use serde::Deserialize;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{
    AuthConfig, Authenticator, Checkpoint, DatabaseConfig, Environment, Files, InternalTlsConfig,
    SealingKey, ServerConfig, StartError, Telemetry, TelemetryConfig, audit, connect, tls,
};

/// A service as the commands of its binary see it.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The name of the service, as in `intake`.
    pub name: &'static str,
    /// Serves until the token is cancelled; the default command.
    pub serve: fn(CancellationToken) -> Running,
    /// Brings the service's schema up to date.
    pub migrate: fn() -> Running,
    /// Reads the service's own configuration as `serve` does, without connecting.
    pub check_config: fn(&Environment) -> Result<(), StartError>,
}

/// A command at work.
pub type Running = Pin<Box<dyn Future<Output = Result<(), StartError>> + Send>>;

/// What the arguments of the process ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Command {
    Serve,
    Migrate,
    CheckConfig,
    VerifyAudit(Option<Checkpoint>),
    Healthcheck,
    Version,
    Help,
}

/// Runs the command that the arguments of the process ask for.
///
/// SIGTERM or SIGINT drains; a second one ends the process at once.
pub fn run_main(program: Program) -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some(command) = command(&arguments) else {
        eprintln!("{}", usage(program.name));
        return ExitCode::from(2);
    };
    let runtime = match runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln!(
                "vigie-{}: the runtime does not start: {cause}",
                program.name
            );
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(program, command));
    // What is left after the drain is given up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vigie-{}: {error}", program.name);
            ExitCode::FAILURE
        }
    }
}

async fn run(program: Program, command: Command) -> Result<ExitCode, StartError> {
    match command {
        Command::Help => println!("{}", usage(program.name)),
        Command::Version => println!("vigie-{} {}", program.name, version()),
        Command::Healthcheck => healthcheck().await?,
        Command::Migrate => {
            let telemetry = start_telemetry(program.name)?;
            let ended = (program.migrate)().await;
            telemetry.shutdown().await;
            ended?;
        }
        Command::CheckConfig => {
            check_config(program, &Environment::of_process()).await?;
            println!("the configuration can be used");
        }
        Command::VerifyAudit(checkpoint) => {
            return Ok(verify_audit(program.name, checkpoint.as_ref()).await);
        }
        Command::Serve => return serve(program).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(program: Program) -> Result<ExitCode, StartError> {
    let telemetry = start_telemetry(program.name)?;
    let mut signals = Signals::listen()?;
    tracing::info!(
        service.name = program.name,
        service.version = version(),
        "starting"
    );

    let shutdown = CancellationToken::new();
    let mut running = (program.serve)(shutdown.clone());
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = signals.next() => {
            tracing::info!("asked to stop; draining");
            shutdown.cancel();
            tokio::select! {
                ended = &mut running => ended,
                () = signals.next() => {
                    tracing::warn!("asked to stop again; stopping without the drain");
                    return Ok(ExitCode::from(130));
                }
            }
        }
    };
    tracing::info!("stopped");
    telemetry.shutdown().await;
    ended.map(|()| ExitCode::SUCCESS)
}

fn start_telemetry(name: &'static str) -> Result<Telemetry, StartError> {
    let config = Environment::of_process().read::<TelemetryConfig>("TELEMETRY_")?;
    Telemetry::start(&config, name)
}

/// Reads the whole configuration as a start does: every variable and every file, but
/// without connecting to anything.
async fn check_config(program: Program, environment: &Environment) -> Result<(), StartError> {
    start_telemetry(program.name)?.shutdown().await;
    let files = Files::default();
    environment.read::<DatabaseConfig>("DATABASE_")?.check()?;
    let server = environment.read::<ServerConfig>("SERVER_")?;
    server.check(&files)?;
    let internal_tls = environment.read::<InternalTlsConfig>("INTERNAL_TLS_")?;
    tls::internal_server(&internal_tls, &files)?;
    Authenticator::check(&environment.read::<AuthConfig>("AUTH_")?, &server)?;
    (program.check_config)(environment)
}

/// Asks the running service of this container whether it is ready.
async fn healthcheck() -> Result<(), StartError> {
    #[derive(Deserialize)]
    struct Config {
        metrics_listen: SocketAddr,
    }
    let mut address = Environment::of_process()
        .read::<Config>("SERVER_")?
        .metrics_listen;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    reqwest::Client::builder()
        .timeout(Duration::from_secs(3))
        .no_proxy()
        .build()
        .map_err(|cause| StartError::unusable("healthcheck", cause))?
        .get(format!("http://{address}/readyz"))
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map(drop)
        .map_err(|_| StartError::Stopped("the service is not ready".to_owned()))
}

/// Looks whether the audit trail is as it was sealed: 0 when it is, 1 when it is not,
/// 2 when that could not be found out.
async fn verify_audit(name: &'static str, checkpoint: Option<&Checkpoint>) -> ExitCode {
    #[derive(Deserialize)]
    struct Key {
        log_key_file: PathBuf,
    }
    let found = async {
        let (environment, files) = (Environment::of_process(), Files::default());
        let key = environment.read::<Key>("SEALING_")?.log_key_file;
        let key = SealingKey::of_file("SEALING_LOG_KEY_FILE", &key, &files)?;
        let database = environment.read::<DatabaseConfig>("DATABASE_")?;
        let pool = connect(&database.for_maintenance(), name, &files).await?;
        audit::verify_audit(&pool, name, &key, checkpoint)
            .await
            .map_err(|cause| StartError::unusable("the audit trail", cause))
    };
    match found.await {
        Ok(findings) => {
            println!("{findings}");
            ExitCode::from(u8::from(!findings.breaks.is_empty()))
        }
        Err(error) => {
            eprintln!("vigie-{name}: {error}");
            ExitCode::from(2)
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, StartError> {
        let listen =
            |kind| signal(kind).map_err(|cause| StartError::unusable("the signals", cause));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn command(arguments: &[String]) -> Option<Command> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] | ["serve"] => Some(Command::Serve),
        ["migrate"] => Some(Command::Migrate),
        ["check-config"] => Some(Command::CheckConfig),
        ["healthcheck"] => Some(Command::Healthcheck),
        ["verify-audit"] => Some(Command::VerifyAudit(None)),
        ["verify-audit", checkpoint] => Some(Command::VerifyAudit(Some(checkpoint.parse().ok()?))),
        ["--version" | "-V"] => Some(Command::Version),
        ["--help" | "-h"] => Some(Command::Help),
        _ => None,
    }
}

fn usage(name: &str) -> String {
    format!(
        "usage: vigie-{name} [serve | migrate | check-config | healthcheck | verify-audit [CHECKPOINT] | --version]\n\
         The configuration is read from the environment."
    )
}

/// The version of the suite.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that the program was built from; empty where the build was not told of it.
pub(crate) const REVISION: &str = match option_env!("VIGIE_COMMIT") {
    Some(commit) => commit,
    None => "",
};

/// The version, with the commit when the build was told of it.
fn version() -> String {
    match REVISION {
        "" => VERSION.to_owned(),
        _ => format!("{VERSION} ({REVISION})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_serves_and_an_unknown_one_is_refused() {
        let command = |text: &str| {
            super::command(
                &text
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(command(""), Some(Command::Serve));
        assert_eq!(command("migrate"), Some(Command::Migrate));
        assert_eq!(command("check-config"), Some(Command::CheckConfig));
        assert_eq!(command("healthcheck"), Some(Command::Healthcheck));
        assert_eq!(command("verify-audit"), Some(Command::VerifyAudit(None)));
        let checkpoint = "3:AAEC".parse().unwrap();
        assert_eq!(
            command("verify-audit 3:AAEC"),
            Some(Command::VerifyAudit(Some(checkpoint)))
        );
        assert_eq!(command("verify-audit 3"), None);
        assert_eq!(command("--version"), Some(Command::Version));
        assert_eq!(command("serve now"), None);
        assert_eq!(command("migrat"), None);
    }
}
