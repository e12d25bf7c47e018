//! The service as its callers see it: fake producers, real logs and servers.

mod access;
mod counting;
mod figures;
mod freshness;
mod story;
mod world;
