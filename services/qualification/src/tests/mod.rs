//! The service as its callers and the other services see it: real gRPC, a real
//! log, a real PostgreSQL and Redis.

mod accompaniment;
mod amending;
mod at_once;
mod care;
mod causes;
mod commands;
mod deadlines;
pub(crate) mod env;
mod escalation;
mod feedback;
mod information_requests;
mod internal_messages;
mod leading;
mod linking;
mod lists;
mod measures;
mod messages;
mod opening;
mod reading;
mod refusals;
mod resolving;
mod restored;
mod searching;
mod snapshot;
mod upgrading;
mod views;
mod watching;
