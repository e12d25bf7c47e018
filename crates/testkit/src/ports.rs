//! Free ports of the loopback interface.

use std::net::TcpListener;

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

/// A port that nobody listened on a moment ago.
///
/// Another process may take it before it is used, so whoever starts a server
/// on it tries again with another one.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
