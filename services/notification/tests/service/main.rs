//! The service among its neighbours: producers with logs of their own, Redis,
//! a mail server and callers with tokens.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on stops where it stands"
)]

mod announcing;
mod delivering;
mod env;
mod messages;
mod story;
mod watching;
