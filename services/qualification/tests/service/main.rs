//! The service as its callers and the other services see it: real gRPC, a real
//! log, a real PostgreSQL and Redis.

mod commands;
mod lists;
mod opening;
mod refusals;
mod snapshot;
mod views;
mod world;
