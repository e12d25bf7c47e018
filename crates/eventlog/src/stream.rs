//! The streams of Redis: each holds the entries of one shard, sealed, under their
//! positions.

mod cluster;
mod connection;
mod listener;
mod server;
mod settings;

use std::{sync::Arc, time::Duration};

#[cfg(feature = "mutants")]
use platform::mutant::Mutant;
use platform::{Files, SealingKey, StartError, Watched};
use prost::Message as _;
use proto::eventlog::v1::CloudEvent;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, Value, streams::StreamId};
use tokio::time::timeout;
use uuid::Uuid;

use self::listener::StreamReaders;
use self::{cluster::Cluster, connection::Wire, server::Server};
pub(crate) use self::{connection::Connection, listener::Listener};
use crate::{Event, EventLogConfig, wire};

/// The one field of an entry.
const FIELD: &str = "e";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that a step takes which may need several nodes, one after the other.
const STEP_TIMEOUT: Duration = Duration::from_secs(4);

/// How Redis is reached, and the key that seals what goes there.
#[derive(Clone)]
pub struct Streams {
    config: Watched<ConnectionConfig>,
    key: SealingKey,
}

/// How Redis is reached.
enum ConnectionConfig {
    Server(Box<Server>),
    Cluster(Arc<Cluster>),
}

/// The configuration that a connection was made with. It is out of date once a file of it
/// changed: an address left behind may go on answering.
struct Origin {
    made_by: Arc<ConnectionConfig>,
    latest: Watched<ConnectionConfig>,
}

impl Origin {
    fn is_current(&self) -> bool {
        Arc::ptr_eq(&self.made_by, &self.latest.current())
    }
}

/// One history of one log, whose shards have a stream each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) producer: &'static str,
    pub(crate) incarnation: Uuid,
}

/// What a stream gave for one shard.
#[derive(Debug, PartialEq)]
pub(crate) struct Entries {
    pub(crate) shard: u16,
    /// Events that follow the position asked for without a gap.
    pub(crate) events: Vec<Event>,
    /// Whether an entry was missing, foreign or did not open.
    pub(crate) continuity: Continuity,
}

/// Whether what a stream gave follows what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Continuity {
    /// Every entry follows the one before.
    Whole,
    /// Something is missing: only the producer knows.
    Gap,
}

impl Streams {
    /// Reads the configuration; does not connect. `None` when no Redis is
    /// configured.
    pub fn open(
        config: &EventLogConfig,
        key: SealingKey,
        files: &Files,
    ) -> Result<Option<Self>, StartError> {
        let config = settings::read(config, files)?;
        Ok(config.map(|config| Self { config, key }))
    }

    /// A connection that writes, trims and asks.
    pub(crate) async fn connect(&self) -> RedisResult<Connection> {
        let origin = self.origin();
        let wire = match &*origin.made_by {
            ConnectionConfig::Server(server) => {
                Wire::Server(in_time_of_a_step(server.connect(ANSWER_TIMEOUT)).await?)
            }
            ConnectionConfig::Cluster(cluster) => {
                Wire::Cluster(in_time_of_a_step(cluster.connect()).await?)
            }
        };
        Ok(Connection::new(wire, origin, self.key.clone()))
    }

    /// Connections for reads that block for at most `block`, of their own: a
    /// blocking read would hold up everybody else's answers.
    pub(crate) async fn listen(&self, block: Duration) -> RedisResult<Listener> {
        let (origin, key) = (self.origin(), self.key.clone());
        let readers = match &*origin.made_by {
            ConnectionConfig::Server(server) => {
                let connect = server.connect(block + ANSWER_TIMEOUT);
                StreamReaders::shared(in_time_of_a_step(connect).await?)
            }
            ConnectionConfig::Cluster(cluster) => {
                StreamReaders::per_stream(Arc::clone(cluster), block)
            }
        };
        Ok(Listener::new(readers, origin, key))
    }

    fn origin(&self) -> Origin {
        Origin {
            made_by: self.config.current(),
            latest: self.config.clone(),
        }
    }
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl History {
    /// The name of a shard's stream. The braces keep it whole on one node of a
    /// cluster.
    pub(crate) fn stream(&self, shard: u16) -> String {
        format!("vigie:{{{}:{}:{shard}}}", self.producer, self.incarnation)
    }

    /// What the seal of an entry is bound to: an entry moved elsewhere does not
    /// open.
    fn place(&self, shard: u16, position: u64) -> String {
        format!("{}:{}:{shard}:{position}", self.producer, self.incarnation)
    }

    fn seal(&self, key: &SealingKey, event: &Event) -> Vec<u8> {
        let place = self.place(event.shard, event.position);
        let plain = wire::to_cloud_event(event).encode_to_vec();
        key.seal(place.as_bytes(), &plain)
    }

    /// Opens the entries after a position, up to the first that does not follow.
    fn open(&self, key: &SealingKey, shard: u16, after: u64, entries: Vec<StreamId>) -> Entries {
        let mut events = Vec::new();
        let mut continuity = Continuity::Whole;
        for (position, mut entry) in (after + 1..).zip(entries) {
            #[cfg(feature = "mutants")]
            let position = match entry.id.strip_suffix("-0").and_then(|id| id.parse().ok()) {
                Some(found) if Mutant::IgnoreGaps.is_alive() => found,
                _ => position,
            };
            let event = match entry.map.remove(FIELD) {
                Some(Value::BulkString(sealed)) if entry.id == format!("{position}-0") => {
                    self.open_event(key, shard, position, &sealed)
                }
                _ => None,
            };
            let Some(event) = event else {
                continuity = Continuity::Gap;
                break;
            };
            events.push(event);
        }
        Entries {
            shard,
            events,
            continuity,
        }
    }

    fn open_event(
        &self,
        key: &SealingKey,
        shard: u16,
        position: u64,
        sealed: &[u8],
    ) -> Option<Event> {
        let plain = key
            .open(self.place(shard, position).as_bytes(), sealed)
            .ok()?;
        let envelope = CloudEvent::decode(plain.as_slice()).ok()?;
        wire::from_cloud_event(shard, position, envelope).ok()
    }
}

/// Gives up on what waits for one node after the other: a consumer that waits for
/// Redis does not ask the producer.
async fn in_time_of_a_step<T>(step: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| Err(RedisError::from((ErrorKind::Io, "no answer in time")));
    // Boxed: what waits for it need not be as large as the step.
    let step = timeout(STEP_TIMEOUT, Box::pin(step));
    step.await.unwrap_or_else(late)
}

/// How long a connection waits for an answer.
fn answering_within(answer: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_after_its_log_history_and_shard() {
        let history = History {
            producer: "intake",
            incarnation: Uuid::nil(),
        };
        assert_eq!(
            history.stream(3),
            "vigie:{intake:00000000-0000-0000-0000-000000000000:3}"
        );
    }
}
