//! The service as its callers and the other services see it: real gRPC, a real
//! log, a real PostgreSQL and Redis.

#![expect(
    clippy::unwrap_used,
    reason = "a helper's broken assumption is a failed test; the lint spares test functions only"
)]

mod commands;
mod env;
mod lists;
mod messages;
mod opening;
mod refusals;
mod restored;
mod snapshot;
mod upgrading;
mod views;
