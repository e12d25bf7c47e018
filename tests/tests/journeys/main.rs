//! Each role does its part, over real sockets; what it may not see does not
//! exist for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod amended;
mod care;
mod not_announced;
mod outage;
mod reading;
mod treated;
mod visibility;
