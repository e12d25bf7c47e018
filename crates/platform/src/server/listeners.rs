//! The sockets, bound before any serious work.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::{ServerConfig, StartError};

/// The bound sockets of a service.
#[derive(Debug)]
pub struct Listeners {
    /// For people and programs outside.
    pub public: TcpListener,
    /// For the other services.
    pub internal: TcpListener,
    /// For metrics and probes.
    pub metrics: TcpListener,
}

impl Listeners {
    /// Binds the configured addresses.
    pub async fn bind(config: &ServerConfig) -> Result<Self, StartError> {
        Ok(Self {
            public: bind("SERVER_LISTEN", config.listen).await?,
            internal: bind("SERVER_INTERNAL_LISTEN", config.internal_listen).await?,
            metrics: bind("SERVER_METRICS_LISTEN", config.metrics_listen).await?,
        })
    }
}

async fn bind(variable: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| StartError::unusable(format!("{variable} ({address})"), cause))
}
