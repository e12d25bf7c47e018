//! Free ports of the loopback interface.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Context, Result};

/// The port asked for, or a free one.
pub(crate) fn choose(wanted: Option<u16>) -> Result<u16> {
    match wanted {
        None => Ok(free_port()?),
        Some(port) => TcpListener::bind(("127.0.0.1", port))
            .map(|_| port)
            .with_context(|| format!("port {port} of 127.0.0.1")),
    }
}

/// Below the ports that systems give to outgoing connections, one of which would
/// take a port between the choice and its use.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port that nobody listens on, and that this process chooses only once.
///
/// Another process may take it before it is used, so whoever starts a server
/// on it tries again with another one.
pub fn free_port() -> std::io::Result<u16> {
    static CHOSEN: AtomicU16 = AtomicU16::new(0);
    // Processes that run at once begin far from each other.
    let begin = u16::try_from(std::process::id().wrapping_mul(61) % u32::from(COUNT))
        .expect("the remainder is below the count");
    let mut refused = None;
    for _ in 0..COUNT {
        let step = CHOSEN.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (begin + step) % COUNT;
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.expect("there is more than one port to try"))
}
