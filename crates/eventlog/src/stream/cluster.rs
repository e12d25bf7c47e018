//! A Redis Cluster, whose nodes share the streams among them.

use std::time::Duration;

use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue, RedisError,
    RedisResult, ServerErrorKind, TlsCertificates, aio::MultiplexedConnection,
    cluster::ClusterClient, cluster_async::ClusterConnection,
};

use super::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, answering_within};

/// How often the client sends a command again by itself: for a redirection or two,
/// not for an outage.
const TRIES: u32 = 2;
/// Between such tries, in milliseconds.
const SHORTEST_WAIT: u64 = 50;
const LONGEST_WAIT: u64 = 200;
/// How often a command follows the word of a node that another one holds the
/// stream.
const HOPS: usize = 3;

/// A cluster of which some nodes are known.
pub(super) struct Cluster {
    client: ClusterClient,
    known: Vec<ConnectionInfo>,
}

impl Cluster {
    /// Prepares the way to a cluster; does not connect.
    pub(super) fn new(
        known: Vec<ConnectionInfo>,
        authority: Option<TlsCertificates>,
    ) -> RedisResult<Self> {
        let mut builder = ClusterClient::builder(known.clone())
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(ANSWER_TIMEOUT)
            .retries(TRIES)
            .min_retry_wait(SHORTEST_WAIT)
            .max_retry_wait(LONGEST_WAIT);
        if let Some(authority) = authority {
            builder = builder.certs(authority);
        }
        let client = builder.build()?;
        Ok(Self { client, known })
    }

    /// A connection to all nodes.
    pub(super) async fn connect(&self) -> RedisResult<ClusterConnection> {
        self.client.get_async_connection().await
    }

    /// Sends a command about one stream to the node that holds it, over a
    /// connection of its own, which is handed back. Any node tells which one that
    /// is.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        connection: Option<MultiplexedConnection>,
        command: &Cmd,
        answer: Duration,
    ) -> RedisResult<(MultiplexedConnection, T)> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.any_node(answer).await?,
        };
        let mut hops = 0;
        let mut moving = false;
        loop {
            if moving {
                // Without it, a node sends on who asks for what it is still being given.
                redis::cmd("ASKING").exec_async(&mut connection).await?;
            }
            let error = match command.query_async(&mut connection).await {
                Ok(reply) => return Ok((connection, reply)),
                Err(error) => error,
            };
            let Some((address, _)) = error.redirect_node().filter(|_| hops < HOPS) else {
                return Err(error);
            };
            let node = self.node(address).ok_or_else(|| error.clone())?;
            moving = error.kind() == ErrorKind::Server(ServerErrorKind::Ask);
            connection = connect(node, answer).await?;
            hops += 1;
        }
    }

    /// Connects to the first known node that answers.
    async fn any_node(&self, answer: Duration) -> RedisResult<MultiplexedConnection> {
        let mut refusal = RedisError::from((ErrorKind::Io, "no node is known"));
        for node in &self.known {
            match connect(node.clone(), answer).await {
                Ok(connection) => return Ok(connection),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// A node at an address `host:port`, which otherwise is as the known ones.
    fn node(&self, address: &str) -> Option<ConnectionInfo> {
        let known = self.known.first()?;
        let (host, port) = address.rsplit_once(':')?;
        let (host, port) = (host.to_owned(), port.parse().ok()?);
        let address = match known.addr() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        Some(known.clone().set_addr(address))
    }
}

async fn connect(node: ConnectionInfo, answer: Duration) -> RedisResult<MultiplexedConnection> {
    Client::open(node)?
        .get_multiplexed_async_connection_with_config(&answering_within(answer))
        .await
}
