//! The log and its consumers over gRPC.

mod consumer_service;
mod log_service;
mod snapshot;

pub use consumer_service::consumer_service;
pub use log_service::event_log_service;
