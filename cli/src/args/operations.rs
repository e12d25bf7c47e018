//! What an operator can type.

use clap::{Subcommand, ValueEnum};

#[derive(Subcommand, Debug)]
pub(crate) enum DeliveryCommand {
    /// List deliveries, latest first
    List {
        /// Only this state
        #[arg(long)]
        state: Option<DeliveryState>,
        /// Only those of this report
        #[arg(long)]
        report: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Make dead deliveries due again
    Retry {
        /// UUID; may be repeated
        #[arg(required = true)]
        deliveries: Vec<String>,
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
        event: String,
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
