//! The one server that holds all streams.

use std::time::Duration;

use redis::{
    Client, ConnectionAddr, ConnectionInfo, RedisResult, TlsCertificates, TlsMode,
    aio::MultiplexedConnection,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use secrecy::{ExposeSecret as _, SecretString};

use super::answering_within;

/// How to find the server.
pub(super) enum Server {
    /// It is always the same.
    Fixed(Client),
    /// Sentinels choose it and are asked for every connection.
    Elected(Sentinels),
}

/// Sentinels, who watch over a master.
pub(super) struct Sentinels {
    /// Where they are, and how to reach the master: as whom, and by TLS or not.
    pub(super) known: Vec<ConnectionInfo>,
    /// What they call the master.
    pub(super) master: String,
    /// Who we are to them, where they ask.
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) authority: Option<TlsCertificates>,
}

impl Server {
    /// A connection that waits so long for an answer.
    pub(super) async fn connect(&self, answer: Duration) -> RedisResult<MultiplexedConnection> {
        let config = answering_within(answer);
        match self {
            Self::Fixed(client) => {
                client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await
            }
            Self::Elected(sentinels) => {
                let mut client = sentinels.client()?;
                client.get_async_connection_with_config(&config).await
            }
        }
    }
}

impl Sentinels {
    fn client(&self) -> RedisResult<SentinelClient> {
        let addresses = self.known.iter().map(|known| known.addr().clone());
        let mut builder =
            SentinelClientBuilder::new(addresses, &self.master, SentinelServerType::Master)?;
        if let Some(username) = &self.username {
            builder = builder.set_client_to_sentinel_username(username);
        }
        if let Some(password) = &self.password {
            builder = builder.set_client_to_sentinel_password(password.expose_secret());
        }
        let Some(like_all) = self.known.first() else {
            return builder.build();
        };
        let settings = like_all.redis_settings();
        builder = builder
            .set_client_to_redis_db(settings.db())
            .set_client_to_redis_protocol(settings.protocol());
        if let Some(username) = settings.username() {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = settings.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let ConnectionAddr::TcpTls { .. } = like_all.addr() {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        }
        if let Some(authority) = &self.authority {
            builder = builder.set_client_to_redis_certificates(authority.clone());
        }
        builder.build()
    }
}
