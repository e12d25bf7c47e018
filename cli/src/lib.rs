//! The command `vigie`: every call that a person or a script needs.
//!
//! It is a client of the contracts and depends on nothing else of the suite. The library is
//! what the program `vigie-dev`, which runs the suite on one machine, shares with it.

#[macro_use]
mod output;
#[macro_use]
mod pages;

mod accompaniment;
mod amendment;
mod args;
mod bulk;
mod care;
mod case;
mod case_watch;
mod cause;
mod client;
mod clock;
mod contacts;
mod deadline;
mod delegate;
mod delegation;
mod dossier;
mod draft;
mod drafts;
mod escalation;
mod exit;
mod feedback;
mod figures;
mod form;
mod information;
mod json;
mod language;
mod link;
mod login;
mod measure;
mod message;
mod milestone;
mod operations;
mod queue;
mod report;
mod resolution;
mod retry;
mod rota;
mod selftest;
mod structure;
mod table;
mod text_file;
mod timeline;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use crate::args::{Connection, Format};
pub use crate::client::Client;
pub use crate::clock::Zone;
pub use crate::exit::Failure;
pub use crate::figures::{month_in_paris, print_overview};
pub use crate::json::{from_json, to_json};
pub use crate::language::Language;
pub use crate::output::print_line;
pub use crate::structure::import as import_structures;
pub use crate::text_file::read as read_text;
pub use crate::watch::line as notification_line;

use crate::accompaniment::AccompanimentCommand;
use crate::args::{
    CaseCommand, ConsumerCommand, Delegated, DeliveryCommand, LoginOptions, SelftestOptions,
    StructureCommand, WatchOptions,
};
use crate::care::CareCommand;
use crate::delegation::DelegationCommand;
use crate::drafts::DraftCommand;
use crate::escalation::EscalationCommand;
use crate::feedback::FeedbackCommand;
use crate::figures::StatsCommand;
use crate::information::InformationCommand;
use crate::measure::MeasureCommand;
use crate::message::MessageCommand;
use crate::report::ReportCommand;
use crate::rota::RotaCommand;
use crate::timeline::TimelineCommand;

/// Declares and follows the information-security incidents of the health sector.
#[derive(Parser, Debug)]
#[command(name = "vigie", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 invalid input, 4 not found, \
    5 not allowed, 6 wrong state, 7 try again later."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands, each with its own module.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Keep a token of a local identity for the next commands
    Login(LoginOptions),
    /// Forget the token
    Logout,
    /// Check, submit and read reports (signalements)
    #[command(subcommand)]
    Report(ReportCommand),
    /// Have a named person declare for a structure (délégation), until a moment
    #[command(subcommand)]
    Delegation(DelegationCommand),
    /// Keep drafts (brouillons) of reports until they are sent
    #[command(subcommand)]
    Draft(DraftCommand),
    /// Keep the timeline (chronologie) of an incident
    #[command(subcommand)]
    Timeline(TimelineCommand),
    /// Load and search the directory of structures
    #[command(subcommand)]
    Structure(StructureCommand),
    /// Lead cases (dossiers) from qualification to closure
    #[command(subcommand)]
    Case(CaseCommand),
    /// Follow what an incident does to care (offre de soins)
    #[command(subcommand)]
    Care(CareCommand),
    /// Accompany structures (accompagnement)
    #[command(subcommand)]
    Accompaniment(AccompanimentCommand),
    /// Exchange messages (échanges) on a case
    #[command(subcommand)]
    Message(MessageCommand),
    /// Request information (compléments) of a structure on a case, and answer
    #[command(subcommand)]
    Information(InformationCommand),
    /// Say what was learned (retour d'expérience) from an incident
    #[command(subcommand)]
    Feedback(FeedbackCommand),
    /// Print the words of the contract with their labels
    Vocabulary {
        /// Only this enumeration, as in "origin-type"
        name: Option<String>,
    },
    /// Escalate what cannot wait (escalade), pilot it and record decisions
    #[command(subcommand)]
    Escalation(EscalationCommand),
    /// Keep the rota of those on call (astreinte; operator)
    #[command(subcommand)]
    Rota(RotaCommand),
    /// Propose, ask for and answer measures (mesures) on a case
    #[command(subcommand)]
    Measure(MeasureCommand),
    /// Print notifications as they come
    Watch(WatchOptions),
    /// Read figures
    #[command(subcommand)]
    Stats(StatsCommand),
    /// See to the deliveries of notifications (operator)
    #[command(subcommand)]
    Delivery(DeliveryCommand),
    /// See to the consumers of events and what they could not apply (operator)
    #[command(subcommand)]
    Consumer(ConsumerCommand),
    /// Send a test report all the way (prober); nobody is told and nothing counted
    Selftest(SelftestOptions),
    /// Print a completion script
    Completions {
        /// Of this shell
        shell: clap_complete::Shell,
    },
    /// Run the whole suite on this machine until Ctrl-C (by vigie-dev)
    #[command(disable_help_flag = true)]
    Up(Delegated),
    /// Send a folder of declarations with their historical dates (by vigie-dev)
    #[command(disable_help_flag = true)]
    Replay(Delegated),
    /// Repair event logs after a restore, with their database (by vigie-dev)
    #[command(disable_help_flag = true)]
    Log(Delegated),
}

/// Runs the command that was typed.
pub fn main() -> ExitCode {
    let typed = delegate::arguments();
    let arguments = Arguments::parse_from(&typed);
    if let Command::Up(_) | Command::Replay(_) | Command::Log(_) = arguments.command {
        let language = Language::of_locale();
        return delegate::run(&typed, language).report(language);
    }
    run_to_exit_code(run(arguments))
}

/// Runs a command to its end, and says on standard error why it failed.
pub fn run_to_exit_code(command: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let language = Language::of_locale();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return Failure::from(error).report(language),
    };
    match runtime.block_on(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(language),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        connection,
        format,
        command,
    } = arguments;
    let client = Client::new(connection.clone(), format, Language::of_locale());
    match command {
        Command::Login(options) => login::login(&options, &connection, &client).await,
        Command::Logout => login::logout(&client),
        Command::Report(command) => report::run(command, &client).await,
        Command::Delegation(command) => delegation::run(command, &client).await,
        Command::Draft(command) => drafts::run(command, &client).await,
        Command::Timeline(command) => timeline::run(command, &client).await,
        Command::Structure(command) => structure::run(command, &client).await,
        Command::Case(command) => case::run(command, &client).await,
        Command::Accompaniment(command) => accompaniment::run(command, &client).await,
        Command::Care(command) => care::run(command, &client).await,
        Command::Message(command) => message::run(command, &client).await,
        Command::Information(command) => information::run(command, &client).await,
        Command::Feedback(command) => feedback::run(command, &client).await,
        Command::Vocabulary { name } => form::print_vocabulary(name.as_deref(), &client).await,
        Command::Escalation(command) => escalation::run(command, &client).await,
        Command::Rota(command) => rota::run(command, &client).await,
        Command::Measure(command) => measure::run(command, &client).await,
        Command::Watch(options) => watch::run(options, &client).await,
        Command::Stats(command) => figures::run(command, &client).await,
        Command::Delivery(command) => operations::deliveries(command, &client).await,
        Command::Consumer(command) => operations::consumers(command, &client).await,
        Command::Selftest(options) => selftest::run(&options, &client).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "vigie", &mut script);
            say!("{}", String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Up(_) | Command::Replay(_) | Command::Log(_) => {
            unreachable!("the program vigie-dev runs these")
        }
    }
}
