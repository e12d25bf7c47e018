//! What can be typed.

mod operations;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::case_watch::CaseWatchOptions;
use crate::cause::CauseCommand;
use crate::contacts::ContactsCommand;

pub(crate) use self::operations::{ConsumerCommand, DeliveryCommand, DeliveryState, Service};

/// How answers are printed.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct Format {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Show times in UTC instead of Europe/Paris
    #[arg(long, global = true)]
    pub utc: bool,
}

/// Where the services are and who is calling.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct Connection {
    /// Call as this local identity of `vigie up` (see `vigie login --list`)
    #[arg(long = "as", global = true, value_name = "IDENTITY")]
    pub identity: Option<String>,
    /// Call with this token instead of the one kept by `vigie login`
    #[arg(long, global = true, env = "VIGIE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Call with the token in this file, read anew for each connection
    #[arg(long, global = true, env = "VIGIE_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Trust this certificate authority (PEM), beside the system's
    #[arg(long, global = true, env = "VIGIE_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Address of intake
    #[arg(
        long,
        global = true,
        env = "VIGIE_INTAKE_URL",
        default_value = "http://127.0.0.1:7411"
    )]
    pub intake_url: String,
    /// Address of qualification
    #[arg(
        long,
        global = true,
        env = "VIGIE_QUALIFICATION_URL",
        default_value = "http://127.0.0.1:7412"
    )]
    pub qualification_url: String,
    /// Address of notification
    #[arg(
        long,
        global = true,
        env = "VIGIE_NOTIFICATION_URL",
        default_value = "http://127.0.0.1:7413"
    )]
    pub notification_url: String,
    /// Address of statistics
    #[arg(
        long,
        global = true,
        env = "VIGIE_STATISTICS_URL",
        default_value = "http://127.0.0.1:7414"
    )]
    pub statistics_url: String,
    /// Address of the local issuer of `vigie up`
    #[arg(
        long,
        global = true,
        env = "VIGIE_ISSUER_URL",
        default_value = "http://127.0.0.1:7410"
    )]
    pub issuer_url: String,
    /// Give up a call after so many seconds
    #[arg(long, global = true, default_value_t = 15, value_name = "SECONDS")]
    pub timeout: u64,
}

/// What another program reads.
#[derive(Args, Debug)]
pub(crate) struct Delegated {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
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
    /// Keep the contacts of a structure
    #[command(subcommand)]
    Contacts(ContactsCommand),
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

/// What the queue of cases is narrowed to.
#[derive(clap::Args, Debug)]
pub(crate) struct QueueOptions {
    /// Only this state; may be repeated
    #[arg(long = "state")]
    pub(crate) states: Vec<String>,
    /// Only this region (INSEE code), "national" or "synthetic"
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Only this severity (ordinary, serious, significant, major); may be repeated
    #[arg(long = "severity")]
    pub(crate) severities: Vec<String>,
    /// Only this kind of report; may be repeated
    #[arg(long = "kind")]
    pub(crate) kinds: Vec<String>,
    /// Only this origin; may be repeated
    #[arg(long = "origin")]
    pub(crate) origins: Vec<String>,
    /// Only those that wait for this one (declarant, cell, nobody); may be repeated
    #[arg(long = "waiting-for")]
    pub(crate) waiting_for: Vec<String>,
    /// Only those that are confirmed as major
    #[arg(long)]
    pub(crate) major: bool,
    /// Only mine
    #[arg(long)]
    pub(crate) mine: bool,
    /// Only those on which an answer or a report of the structure is overdue
    #[arg(long)]
    pub(crate) overdue: bool,
    /// At most so many
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Subcommand, Debug)]
pub(crate) enum CaseCommand {
    /// List the cases you may see, latest first
    List(QueueOptions),
    /// Find the cases in which all of these words stand, latest first
    Search {
        /// Words; accents, case and endings do not matter
        #[arg(required = true)]
        words: Vec<String>,
        #[command(flatten)]
        options: QueueOptions,
    },
    /// Print the cases that change as they do, until Ctrl-C
    Watch(CaseWatchOptions),
    /// Show a case with its history
    Show {
        /// UUID, or reference of the report
        case: String,
    },
    /// List the history of a case, newest first
    History {
        /// UUID, or reference of the report
        case: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Take a case in charge
    Claim {
        /// UUID, or reference of the report
        case: String,
    },
    /// Hand a case over to a colleague
    HandOver {
        /// UUID, or reference of the report
        case: String,
        /// The colleague, as the issuer of tokens names them
        #[arg(long)]
        to: String,
        /// A note for those who follow the case
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        note: String,
    },
    /// Confirm origin, impacts and severity; what is not given stays as it is
    Qualify(QualifyOptions),
    /// End a case as a duplicate of another
    Duplicate {
        /// UUID, or reference of the report
        case: String,
        /// The case that goes on: UUID, or reference of its report
        #[arg(long)]
        of: String,
        /// A note for those who follow the case
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
        note: String,
    },
    #[command(flatten)]
    Cause(CauseCommand),
    /// Open a case again
    Reopen {
        /// UUID, or reference of the report
        case: String,
        /// Why, for those who follow the case
        #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
        note: String,
    },
    /// Close a qualified case
    Close {
        /// UUID, or reference of the report
        case: String,
        /// Retour d'expérience
        #[arg(long, default_value = "", allow_hyphen_values = true, value_parser = free_text)]
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
    /// A note in the history of the case
    #[arg(long, allow_hyphen_values = true, value_parser = free_text)]
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

#[derive(Args, Debug)]
pub(crate) struct SelftestOptions {
    /// Fail unless a watcher is told within that time
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) within: u64,
}

/// Reads a text, which may begin with a hyphen as lists do; the name of an option alone
/// stands where a text was forgotten.
pub(crate) fn free_text(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("--").unwrap_or_default();
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(letters) {
        return Err("an option stands where its text should be".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::report::ReportCommand;
    use crate::{Arguments, Command};

    fn description(text: &str) -> Result<String, clap::Error> {
        let typed = ["vigie", "report", "check", "--description", text];
        Arguments::try_parse_from(typed).map(|arguments| match arguments.command {
            Command::Report(ReportCommand::Check(draft)) => draft.description.unwrap(),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_options_of_every_command_agree() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_text_is_taken_as_it_is_typed() {
        for text in [
            "- Postes chiffrés\n- Accueil sur papier",
            "-5 °C en salle serveur",
            "--- Point de 8 h ---",
            "-- reprise",
            "— Postes chiffrés",
            "@accueil est arrêté",
            "-",
            "=1+1",
        ] {
            assert_eq!(description(text).unwrap(), text);
        }
    }

    #[test]
    fn a_forgotten_text_is_not_replaced_by_the_next_option() {
        for option in ["--origin", "--json", "--family-name"] {
            let refused = description(option).unwrap_err().to_string();
            assert!(refused.contains("an option stands"), "{refused}");
        }
    }

    #[test]
    fn every_option_with_a_text_takes_a_leading_hyphen() {
        let typed: [&[&str]; 11] = [
            &["report", "withdraw", "SIG", "--reason", "- Exercice"],
            &["report", "resolve", "SIG", "--how", "- Réinstallé"],
            &[
                "timeline",
                "add",
                "SIG",
                "--at",
                "now",
                "--text",
                "- Éteint",
            ],
            &["case", "close", "SIG", "--lessons", "- Segmenter"],
            &["care", "record", "SIG", "--description", "- Transferts"],
            &["accompaniment", "ask", "SIG", "--need", "- Annuaire"],
            &["case", "qualify", "SIG", "--note", "- Confirmé"],
            &["report", "check", "--family-name", "-Martin"],
            &["report", "check", "--given-name", "-Camille"],
            &[
                "report",
                "check",
                "--department",
                "75",
                "--structure-name",
                "-",
            ],
            &["report", "submit", "--description", "- Postes"],
        ];
        for words in typed {
            let words = ["vigie"].iter().chain(words);
            Arguments::try_parse_from(words).unwrap();
        }
    }
}
