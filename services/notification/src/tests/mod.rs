//! The service among its neighbours: producers with logs of their own, Redis,
//! a mail server and callers with tokens.

mod amendments;
mod announcing;
mod delivering;
pub(crate) mod env;
mod escalating;
mod messages;
pub(crate) mod story;
mod watching;
