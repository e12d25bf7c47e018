//! The service among its neighbours: producers with logs of their own, Redis,
//! a mail server and callers with tokens.

mod announcing;
mod delivering;
mod story;
mod watching;
mod world;
