//! What the test kit promises to the tests.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod backup;
mod browser;
mod browser_login;
mod certificates;
mod cleanup;
mod issuer;
mod login_page;
mod otlp;
mod postgres;
mod proxy;
mod redis;
mod redis_many;
mod smtp;
mod standby;
