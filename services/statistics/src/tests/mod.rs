//! The service as its callers see it: fake producers, real logs and servers.

mod access;
mod counting;
pub(crate) mod env;
mod figures;
mod freshness;
mod past;
mod selecting;
pub(crate) mod story;
