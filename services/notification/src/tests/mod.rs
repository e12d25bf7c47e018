//! The service among its neighbours: producers with logs of their own, Redis,
//! a mail server and callers with tokens.

mod announcing;
mod delivering;
mod env;
mod messages;
mod story;
mod watching;
