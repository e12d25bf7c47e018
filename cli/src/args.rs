//! What can be typed.

mod draft;
mod operations;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uuid::Uuid;

pub(crate) use self::draft::{DraftOptions, SubmitOptions};
pub(crate) use self::operations::{
    ConsumerCommand, DatabaseOptions, DeliveryCommand, DeliveryState, LogCommand, Service,
};

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
    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the services are and who is calling.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Connection {
    /// Call as this local identity of `vigie up` (see `vigie login --list`)
    #[arg(long = "as", global = true, value_name = "IDENTITY")]
    pub(crate) identity: Option<String>,
    /// Call with this token instead of the one kept by `vigie login`
    #[arg(long, global = true, env = "VIGIE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Call with the token in this file, read anew for each connection
    #[arg(long, global = true, env = "VIGIE_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Trust this certificate authority (PEM), beside the system's
    #[arg(long, global = true, env = "VIGIE_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Address of intake
    #[arg(
        long,
        global = true,
        env = "VIGIE_INTAKE_URL",
        default_value = "http://127.0.0.1:7411"
    )]
    pub(crate) intake_url: String,
    /// Address of qualification
    #[arg(
        long,
        global = true,
        env = "VIGIE_QUALIFICATION_URL",
        default_value = "http://127.0.0.1:7412"
    )]
    pub(crate) qualification_url: String,
    /// Address of notification
    #[arg(
        long,
        global = true,
        env = "VIGIE_NOTIFICATION_URL",
        default_value = "http://127.0.0.1:7413"
    )]
    pub(crate) notification_url: String,
    /// Address of statistics
    #[arg(
        long,
        global = true,
        env = "VIGIE_STATISTICS_URL",
        default_value = "http://127.0.0.1:7414"
    )]
    pub(crate) statistics_url: String,
    /// Address of the local issuer of `vigie up`
    #[arg(
        long,
        global = true,
        env = "VIGIE_ISSUER_URL",
        default_value = "http://127.0.0.1:7410"
    )]
    pub(crate) issuer_url: String,
    /// Give up a call after so many seconds
    #[arg(long, global = true, default_value_t = 15, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}

#[derive(Subcommand, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is made in the life of the process"
)]
pub(crate) enum Command {
    /// Run the whole suite on this machine until Ctrl-C
    Up(UpOptions),
    /// Keep a token of a local identity for the next commands
    Login(LoginOptions),
    /// Forget the token
    Logout,
    /// Check, submit and read reports (signalements)
    #[command(subcommand)]
    Report(ReportCommand),
    /// Load and search the directory of structures
    #[command(subcommand)]
    Structure(StructureCommand),
    /// Lead cases (dossiers) from qualification to closure
    #[command(subcommand)]
    Case(CaseCommand),
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
    /// Send a folder of declarations with their historical dates
    Replay(ReplayOptions),
    /// Send a test report all the way (prober); nobody is told and nothing counted
    Selftest(SelftestOptions),
    /// Repair event logs after a restore (needs the database)
    #[command(subcommand)]
    Log(LogCommand),
    /// Print a completion script
    Completions {
        /// Of this shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args, Debug)]
pub(crate) struct UpOptions {
    /// Keep everything in this folder [default: data, or /var/lib/vigie where the
    /// account of PostgreSQL may not enter here]
    #[arg(long, env = "VIGIE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Replay these declarations at the start
    #[arg(long, default_value = "examples", value_name = "FOLDER")]
    pub(crate) examples: PathBuf,
    /// Use a throw-away folder, and end once every example reached its watcher and the figures
    #[arg(long)]
    pub(crate) once: bool,
    /// Wait that long for the examples to arrive; --once then ends with an error
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) once_timeout: u64,
}

#[derive(Args, Debug)]
pub(crate) struct LoginOptions {
    /// The identity, or a role: declarant, analyst, ars-76, fssi, importer, operator …
    #[arg(required_unless_present = "list")]
    pub(crate) identity: Option<String>,
    /// List the local identities
    #[arg(long)]
    pub(crate) list: bool,
    /// Print the token instead of keeping it
    #[arg(long)]
    pub(crate) print: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ReportCommand {
    /// Validate a draft and tell what would happen; sends nothing
    Check(DraftOptions),
    /// Send a report and print its receipt
    Submit(SubmitOptions),
    /// Show a report
    Get {
        /// UUID or reference
        report: String,
    },
    /// List the reports you may see, latest first
    List {
        /// Only this region (INSEE code), "national" or "synthetic"
        #[arg(long)]
        region: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Withdraw a false alarm
    Withdraw {
        /// UUID or reference
        report: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// The same at every retry
        #[arg(long)]
        request_id: Option<Uuid>,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum StructureCommand {
    /// Load a directory from CSV
    Import {
        /// UTF-8 or Windows-1252, comma, semicolon or tabulation
        file: PathBuf,
        /// The names of the columns are those of the DREES survey (SAE) or of the FINESS extraction
        #[arg(long)]
        layout: Option<Layout>,
        /// A column of the file that has another name, "finess_et=fi"; may be repeated
        #[arg(long = "map", value_name = "COLUMN=NAME", value_parser = mapping)]
        columns: Vec<(String, String)>,
    },
    /// Find structures by name, town or FINESS
    Search {
        /// Words; accents and case do not matter
        #[arg(required = true)]
        words: Vec<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
}

/// How a file of structures names its columns.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Layout {
    Sae,
    Finess,
}

fn mapping(text: &str) -> Result<(String, String), String> {
    let (ours, theirs) = text.split_once('=').ok_or("not of the form finess_et=fi")?;
    Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
}

#[derive(Subcommand, Debug)]
pub(crate) enum CaseCommand {
    /// List the cases you may see, latest first
    List {
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
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show a case with its history
    Show {
        /// UUID, or reference of the report
        case: String,
    },
    /// Take a case in charge
    Claim {
        /// UUID, or reference of the report
        case: String,
    },
    /// Confirm origin, impacts and severity; what is not given stays as it is
    Qualify(QualifyOptions),
    /// Close a qualified case
    Close {
        /// UUID, or reference of the report
        case: String,
        /// Retour d'expérience
        #[arg(long, default_value = "")]
        lessons: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct QualifyOptions {
    /// UUID, or reference of the report
    pub(crate) case: String,
    /// Not one of those the cell treats
    #[arg(long, requires = "note")]
    pub(crate) out_of_scope: bool,
    /// Serious (grave)
    #[arg(long)]
    pub(crate) serious: Option<bool>,
    /// Significant (significatif)
    #[arg(long)]
    pub(crate) significant: Option<bool>,
    /// Major (majeur): starts the escalation
    #[arg(long)]
    pub(crate) major: Option<bool>,
    /// malicious, non_malicious or unknown
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// Type of the origin; may be repeated
    #[arg(long = "origin-type")]
    pub(crate) origin_types: Vec<String>,
    /// none, degraded_mode, interruption or unknown
    #[arg(long)]
    pub(crate) care: Option<String>,
    /// none, potential, proven or unknown
    #[arg(long)]
    pub(crate) endangerment: Option<String>,
    /// A word for those who follow
    #[arg(long)]
    pub(crate) note: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct WatchOptions {
    /// Go on from this cursor
    #[arg(long)]
    pub(crate) cursor: Option<String>,
    /// Begin with what was kept (30 days) instead of now
    #[arg(long)]
    pub(crate) from_oldest: bool,
    /// End after so many notifications
    #[arg(long)]
    pub(crate) count: Option<u64>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum StatsCommand {
    /// The figures of a period beside those of the one before
    Overview(PeriodOptions),
    /// The figures of a period along a dimension
    Breakdown {
        #[command(flatten)]
        period: PeriodOptions,
        /// Along what
        #[arg(long)]
        by: Dimension,
        /// And along what else
        #[arg(long)]
        and_by: Option<Dimension>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct PeriodOptions {
    /// First month, "2026-01"; January of this year by default
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Last month, included; this month by default
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Only this region (INSEE code) or "national"
    #[arg(long)]
    pub(crate) region: Option<String>,
}

/// Along what figures are broken down.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Dimension {
    Month,
    Region,
    StructureKind,
    ReportKind,
    Origin,
    OriginType,
    DataImpact,
    CareImpact,
    PatientEndangerment,
    Severity,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayOptions {
    /// A folder with `structures.csv` and `declarations/*.json`
    pub(crate) folder: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct SelftestOptions {
    /// Fail unless a watcher is told within that time
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) within: u64,
}
