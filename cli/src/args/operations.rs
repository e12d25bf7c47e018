//! What an operator can type.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

#[derive(Subcommand, Debug)]
pub(crate) enum DeliveryCommand {
    /// List deliveries, latest first
    List {
        /// Only this state
        #[arg(long)]
        state: Option<DeliveryState>,
        /// Only those of this report
        #[arg(long)]
        report: Option<Uuid>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Make dead deliveries due again
    Retry {
        /// UUID; may be repeated
        #[arg(required = true)]
        deliveries: Vec<Uuid>,
    },
}

/// Where a delivery stands.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum DeliveryState {
    Pending,
    Sent,
    Dead,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ConsumerCommand {
    /// List the consumers of a service and how far they are
    List {
        /// The service that is asked
        service: Service,
    },
    /// List the events that a service could not apply, oldest first
    Parked {
        /// The service that is asked
        service: Service,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Apply the parked events of a subject again, in order
    Retry {
        /// The service that could not apply them
        service: Service,
        /// The producer of the events
        #[arg(long)]
        producer: String,
        /// What they are about
        #[arg(long)]
        subject: String,
    },
    /// Drop a parked event for good
    Skip {
        /// The service that could not apply it
        service: Service,
        /// The producer of the event
        #[arg(long)]
        producer: String,
        /// UUID of the event
        #[arg(long)]
        event: Uuid,
    },
    /// Forget a consumer of a service's log, which then no longer holds events back
    Unregister {
        /// The service whose log it is
        service: Service,
        /// The consumer
        #[arg(long)]
        consumer: String,
    },
}

/// One of the four services.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum Service {
    Intake,
    Qualification,
    Notification,
    Statistics,
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
