//! How a service listens and what it bears.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use rustls::ServerConfig as TlsConfig;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Files, StartError, Watched,
    config::number,
    tls::{self, Tls},
};

use super::web;

/// How a service listens and what it bears (`SERVER_*`).
#[derive(Debug, Clone, Deserialize)]
pub struct ServerConfig {
    /// For people and programs outside.
    pub listen: SocketAddr,
    /// For the other services, by mutual TLS.
    pub internal_listen: SocketAddr,
    /// For metrics and probes, in plain HTTP: never beyond the cluster.
    pub metrics_listen: SocketAddr,
    /// The certificate chain of the public listener; plain text when unset, behind a
    /// proxy that ends TLS.
    pub tls_cert_file: Option<PathBuf>,
    /// Its private key.
    pub tls_key_file: Option<PathBuf>,
    /// How many calls run at once; one more is refused at once.
    #[serde(default = "number::<512, _>")]
    pub max_concurrent_requests: usize,
    /// How many streams to clients are open at once.
    #[serde(default = "number::<1_024, _>")]
    pub max_concurrent_streams: usize,
    /// How many connections are open at once on each listener.
    #[serde(default = "number::<4_096, _>")]
    pub max_connections: usize,
    /// The greatest message, in bytes, that services accept.
    #[serde(default = "number::<4_194_304, _>")]
    pub max_message_bytes: usize,
    /// The deadline of a call whose client names none, in milliseconds.
    #[serde(default = "number::<10_000, _>")]
    pub default_deadline_ms: u64,
    /// The longest deadline that a client gets, in milliseconds.
    #[serde(default = "number::<60_000, _>")]
    pub max_deadline_ms: u64,
    /// After how many seconds a connection is asked to be made anew, so that load spreads.
    #[serde(default = "number::<600, _>")]
    pub max_connection_age_seconds: u64,
    /// How long running calls may take after a shutdown was asked, in seconds.
    #[serde(default = "number::<20, _>")]
    pub drain_seconds: u64,
    /// Whether the contract can be asked for; off in production.
    #[serde(default)]
    pub reflection: bool,
    /// The origins of the browsers' pages that may call, as a comma list.
    #[serde(default)]
    pub allowed_origins: String,
}

impl ServerConfig {
    /// How long running calls may take after a shutdown was asked.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// Whether the world outside this machine can reach no listener.
    pub fn is_loopback(&self) -> bool {
        [self.listen, self.internal_listen, self.metrics_listen]
            .iter()
            .all(|address| address.ip().is_loopback())
    }

    /// For tests and for one machine: free ports of the loopback, everything else as usual.
    pub fn loopback() -> Self {
        let free = "127.0.0.1:0";
        let addresses = json!({ "listen": free, "internal_listen": free, "metrics_listen": free });
        serde_json::from_value(addresses).expect("everything else has a default")
    }

    /// Reads the certificate and the origins as [`serve`](super::serve) does.
    pub(crate) fn check(&self, files: &Files) -> Result<(), StartError> {
        self.public_tls(files)?;
        web::cors(self).map(drop)
    }

    pub(super) fn public_tls(
        &self,
        files: &Files,
    ) -> Result<Option<Watched<Tls<TlsConfig>>>, StartError> {
        match (&self.tls_cert_file, &self.tls_key_file) {
            (Some(cert), Some(key)) => Ok(Some(tls::public_server(cert, key, files)?)),
            (None, None) => Ok(None),
            (Some(_), None) => Err(StartError::unusable("SERVER_TLS_KEY_FILE", "is not set")),
            (None, Some(_)) => Err(StartError::unusable("SERVER_TLS_CERT_FILE", "is not set")),
        }
    }
}
