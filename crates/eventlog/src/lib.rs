#![doc = include_str!("../README.md")]

mod applied;
mod apply;
mod backoff;
mod config;
mod consumer;
mod erase;
mod event;
mod log;
mod maintenance;
mod metrics;
mod partition;
mod publisher;
mod restore;
mod segment;
mod serve;
mod snapshot;
mod stream;
mod transaction;
mod wire;

pub use applied::is_applied;
pub use apply::{Apply, ApplyError};
pub use config::{EventLogConfig, RedisMode};
pub use consumer::{Consumer, ConsumerHandle, Source, Step};
pub use erase::erase_data_keys;
pub use event::{Event, MAX_PAYLOAD_BYTES, NewEvent};
pub use log::{Description, Log, OpenError};
pub use maintenance::Maintenance;
pub use metrics::LogMetrics;
pub use publisher::{PublishError, StreamPublisher};
pub use restore::{adopt, reincarnate};
pub use serve::{consumer_service, event_log_service};
pub use snapshot::{Snapshot, SnapshotPage};
pub use stream::Streams;
pub use transaction::in_transaction;

/// The tables of the log and of its consumers, in the schema of each service.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// What an operator reads when a consumer meets another history.
pub(crate) const RUNBOOK: &str = "docs/runbooks/log-incarnation.md";
