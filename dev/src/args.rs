//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use cli::{Connection, Format};

/// Runs the whole suite on one machine, and repairs its event logs.
#[derive(Parser, Debug)]
#[command(name = "vigie-dev", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the whole suite on this machine until Ctrl-C
    Up(UpOptions),
    /// Send a folder of declarations with their historical dates
    Replay(ReplayOptions),
    /// Repair event logs after a restore (needs the database)
    #[command(subcommand)]
    Log(LogCommand),
}

#[derive(Args, Debug)]
pub(crate) struct UpOptions {
    /// Keep everything in this folder [default: data, or /var/lib/vigie where the
    /// account of PostgreSQL may not enter here]
    #[arg(long, env = "VIGIE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Listen on any free ports instead of 7410 and the following, and 5173 for the portal
    #[arg(long)]
    pub(crate) free_ports: bool,
    /// Replay these declarations at the start
    #[arg(long, default_value = "examples", value_name = "FOLDER")]
    pub(crate) examples: PathBuf,
    /// Serve the browser portal that was built into this folder
    #[arg(long, default_value = "portal/dist", value_name = "FOLDER")]
    pub(crate) portal: PathBuf,
    /// Use a throw-away folder, and end once every example reached its watcher and the figures
    #[arg(long)]
    pub(crate) once: bool,
    /// Wait that long for the examples to arrive; --once then ends with an error
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    pub(crate) once_timeout: u64,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayOptions {
    /// A folder with `structures.csv` and `declarations/*.json`
    pub(crate) folder: PathBuf,
}

#[derive(Subcommand, Debug)]
pub(crate) enum LogCommand {
    /// Give a log a new incarnation: after any restore or lossy promotion of its database
    Reincarnate(DatabaseOptions),
    /// Make a consumer accept a producer's new incarnation by starting over
    Adopt {
        #[command(flatten)]
        database: DatabaseOptions,
        /// The consumer
        #[arg(long)]
        consumer: String,
        /// The producer whose log has a new incarnation
        #[arg(long)]
        producer: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct DatabaseOptions {
    /// Database of the service
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    #[arg(required_unless_present = "database_url_file")]
    pub(crate) database_url: Option<String>,
    /// File with the address of the database, instead
    #[arg(long, env = "DATABASE_URL_FILE", conflicts_with = "database_url")]
    pub(crate) database_url_file: Option<PathBuf>,
    /// Schema of the service
    #[arg(long, env = "DATABASE_SCHEMA")]
    pub(crate) schema: String,
}
