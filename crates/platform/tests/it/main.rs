//! The platform as a service and its clients meet it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod database;
mod double;
mod drain;
mod env;
mod idempotency;
mod internal;
mod issuer_keys;
mod library_errors;
mod limits;
mod process;
mod process_metrics;
mod readiness;
mod refusals;
mod seals;
mod trail;
mod watch;
mod web;
