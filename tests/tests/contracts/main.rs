//! What a service promises to whoever calls, starts or watches it, seen from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod programs;
mod sockets;
mod starts;
