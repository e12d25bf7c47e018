//! The service as its callers see it: fake producers, real logs and servers.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod access;
mod counting;
mod env;
mod figures;
mod freshness;
mod past;
mod selecting;
mod story;
