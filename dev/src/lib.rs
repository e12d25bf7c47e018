//! The program `vigie-dev`: the whole suite on one machine, and what an operator repairs with
//! a database at hand.

mod args;
mod examples;
mod identities;
mod log;
mod portal;
mod replay;
mod suite;
mod up;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{Client, Failure, Language};

pub use crate::identities::identities;
pub use crate::portal::{Portal, PortalConfig};
pub use crate::suite::{Addresses, Layout, Ports, SERVICES, Suite};

use crate::args::{Arguments, Command};

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    cli::run_to_exit_code(run(Arguments::parse()))
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        connection,
        format,
        command,
    } = arguments;
    let client = Client::new(connection.clone(), format, Language::of_locale());
    match command {
        Command::Up(options) => up::run(&options, &connection, format, client.language).await,
        Command::Replay(options) => replay::run(&options, &client).await,
        Command::Log(command) => log::run(command, &client).await,
    }
}
