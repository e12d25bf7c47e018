//! The command `vigie`: every call a person needs, and the whole suite on one machine.

#[macro_use]
mod output;

mod args;
mod case;
mod client;
mod draft;
mod exit;
mod figures;
mod journal;
mod json;
mod language;
mod login;
mod operations;
mod replay;
mod report;
mod selftest;
mod structure;
mod suite;
mod table;
mod up;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

pub use crate::suite::{Addresses, Layout, Ports, SERVICES, Suite, identities};

use crate::args::{Arguments, Command};
use crate::client::Client;
use crate::exit::Failure;
use crate::language::Language;

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let language = Language::of_locale();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::from(anyhow::Error::from(error)).report(language),
    };
    match runtime.block_on(run(arguments, language)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(language),
    }
}

async fn run(arguments: Arguments, language: Language) -> Result<(), Failure> {
    let Arguments {
        connection,
        json,
        command,
    } = arguments;
    let client = Client::new(connection.clone(), json, language);
    match command {
        Command::Up(options) => up::run(&options, &connection, language).await,
        Command::Login(options) => login::login(&options, &connection, json, language).await,
        Command::Logout => login::logout(json, language),
        Command::Report(command) => report::run(command, &client).await,
        Command::Structure(command) => structure::run(command, &client).await,
        Command::Case(command) => case::run(command, &client).await,
        Command::Watch(options) => watch::run(options, &client).await,
        Command::Stats(command) => figures::run(command, &client).await,
        Command::Delivery(command) => operations::deliveries(command, &client).await,
        Command::Consumer(command) => operations::consumers(command, &client).await,
        Command::Replay(options) => replay::run(&options, &client).await,
        Command::Selftest(options) => selftest::run(&options, &client).await,
        Command::Log(command) => journal::run(command, json, language).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "vigie", &mut script);
            say!("{}", String::from_utf8_lossy(&script));
            Ok(())
        }
    }
}
