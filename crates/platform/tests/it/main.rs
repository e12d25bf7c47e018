//! The platform as a service and its clients meet it.

mod auth;
mod database;
mod double;
mod drain;
mod idempotency;
mod internal;
mod limits;
mod refusals;
mod trail;
mod watch;
mod web;
mod world;
