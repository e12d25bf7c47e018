//! The service among its neighbours: producers with logs of their own, Redis,
//! a mail server and callers with tokens.

mod amendments;
mod announcing;
mod delivering;
mod escalating;
pub(crate) mod env;
mod messages;
pub(crate) mod story;
mod watching;
