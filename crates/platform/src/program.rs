//! The `main` that all services share.

use std::{pin::Pin, process::ExitCode};

use tokio::runtime;
use tokio_util::sync::CancellationToken;

use crate::{StartError, Telemetry, TelemetryConfig, read_config};

/// What a service does when it is called by a command.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// The name of the service, as in `intake`.
    pub name: &'static str,
    /// Serves until the token is cancelled; the default command.
    pub serve: fn(CancellationToken) -> Running,
    /// Brings the service's schema up to date.
    pub migrate: fn() -> Running,
}

/// A command at work.
pub type Running = Pin<Box<dyn Future<Output = Result<(), StartError>> + Send>>;

/// Runs the command of the process's arguments.
pub fn run_main(program: Program) -> ExitCode {
    todo!("{program:?}")
}
