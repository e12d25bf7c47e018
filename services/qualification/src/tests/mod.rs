//! The service as its callers and the other services see it: real gRPC, a real
//! log, a real PostgreSQL and Redis.

mod accompaniment;
mod amending;
mod care;
mod causes;
mod commands;
pub(crate) mod env;
mod escalation;
mod feedback;
mod information_requests;
mod leading;
mod linking;
mod lists;
mod measures;
mod messages;
mod opening;
mod refusals;
mod resolving;
mod restored;
mod snapshot;
mod upgrading;
mod views;
