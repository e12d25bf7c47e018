//! What every service of the suite needs to start, and nothing of the domain.
//!
//! A service binds its [`Listeners`], connects its pool, builds its routes and
//! hands them to [`serve`], which puts the same stack in front of all of them:
//! tracing, metrics, load limits, deadlines, authentication and the policy of
//! roles. Its `main` is one call of [`run_main`].
//!
//! - What goes wrong is an [`Error`]: one enumeration, mapped to gRPC in one place.
//! - Who calls is a [`Caller`], made by the [`Authenticator`] from a token or by
//!   the internal listener from a client certificate.
//! - [`audit`], [`claim_request`] and their tables live in the caller's transaction.
//! - [`now`] is the only clock, [`Environment`] the only reader of variables.

mod audit;
mod auth;
mod caller;
mod channel;
mod clock;
mod config;
mod database;
mod deadline;
mod error;
mod files;
mod idempotency;
mod metrics;
#[cfg(feature = "mutants")]
pub mod mutant;
mod page_token;
mod program;
mod propagation;
mod sealing;
mod secret;
mod server;
mod start_error;
mod tasks;
mod telemetry;
mod tls;

pub use audit::{
    AuditEntry, AuditSealer, Break, Checkpoint, Findings, Outcome, audit, audit_many, verify_audit,
};
pub use auth::{AuthConfig, Authenticator, Policy};
pub use caller::Caller;
pub use channel::internal_channel;
pub use clock::now;
pub use config::{ConfigError, Environment, number};
pub use database::{
    DatabaseConfig, MIGRATOR, check_migrated, connect, in_time, migrate, read_transaction,
};
pub use deadline::Deadline;
pub use error::{BoxError, Error, Reason, Result, Violation, Violations};
pub use files::{Files, Watched};
pub use idempotency::{
    Claim, RequestKey, claim_request, complete_request, keep_request_hashes_keyed,
    keep_requests_purged, key_request_hashes, purge_requests,
};
pub use metrics::Metrics;
pub use page_token::PageToken;
pub use program::{Program, Running, run_main};
pub use propagation::{set_parent, traceparent};
pub use sealing::{DataKey, SealError, SealingConfig, SealingKey};
pub use secret::SecretSource;
pub use server::{Exposed, Listeners, Readiness, ServerConfig, serve};
pub use start_error::StartError;
pub use tasks::Tasks;
pub use telemetry::{LogFormat, Telemetry, TelemetryConfig};
pub use tls::{InternalTlsConfig, read_authority};
