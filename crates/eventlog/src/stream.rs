//! The streams of Redis: each holds the entries of one shard, sealed, under their
//! positions.

use std::{fs, sync::Arc, time::Duration};

#[cfg(feature = "mutants")]
use platform::mutant::Mutant;
use platform::{SealingKey, StartError};
use prost::Message as _;
use proto::eventlog::v1::CloudEvent;
use redis::{
    AsyncConnectionConfig, RedisError, RedisResult, TlsCertificates, Value,
    aio::MultiplexedConnection, streams::StreamReadReply,
};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::{Event, EventLogConfig, wire};

/// The one field of an entry.
const FIELD: &str = "e";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// A stream that nobody writes or trims any more, such as one of an earlier
/// incarnation, goes away by itself.
const ABANDONED: Duration = Duration::from_hours(48);

/// The way to Redis and the key that seals what goes there.
#[derive(Clone)]
pub struct Streams {
    client: redis::Client,
    key: Arc<SealingKey>,
}

/// One history of one log, whose shards have a stream each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) producer: &'static str,
    pub(crate) incarnation: Uuid,
}

impl Streams {
    /// Reads the configuration; does not connect. `None` when no Redis is
    /// configured.
    pub fn open(config: &EventLogConfig, key: SealingKey) -> Result<Option<Self>, StartError> {
        let Some(url) = &config.redis_url else {
            return Ok(None);
        };
        let url = url.expose_secret();
        let client = match &config.redis_ca_file {
            None => redis::Client::open(url),
            Some(file) => {
                let authority = fs::read(file)
                    .map_err(|cause| StartError::unusable("EVENTLOG_REDIS_CA_FILE", cause))?;
                redis::Client::build_with_tls(
                    url,
                    TlsCertificates {
                        client_tls: None,
                        root_cert: Some(authority),
                    },
                )
            }
        };
        // The error of the parser could repeat the URL and its password.
        let client =
            client.map_err(|_| StartError::unusable("EVENTLOG_REDIS_URL", "not a Redis URL"))?;
        Ok(Some(Self {
            client,
            key: Arc::new(key),
        }))
    }

    /// A connection that writes, trims and asks.
    pub(crate) async fn connect(&self) -> RedisResult<Connection> {
        self.connect_within(ANSWER_TIMEOUT).await
    }

    /// A connection for reads that block for at most `block`, of its own: a
    /// blocking read would hold up everybody else's answers.
    pub(crate) async fn connect_blocking(&self, block: Duration) -> RedisResult<Connection> {
        self.connect_within(block + ANSWER_TIMEOUT).await
    }

    async fn connect_within(&self, answer: Duration) -> RedisResult<Connection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(answer));
        Ok(Connection {
            redis: self
                .client
                .get_multiplexed_async_connection_with_config(&config)
                .await?,
            key: Arc::clone(&self.key),
        })
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

/// A connection to Redis.
pub(crate) struct Connection {
    redis: MultiplexedConnection,
    key: Arc<SealingKey>,
}

impl Connection {
    /// The last position of each of these shards' streams; `None` for an empty
    /// stream.
    pub(crate) async fn last(
        &mut self,
        history: &History,
        shards: &[u16],
    ) -> RedisResult<Vec<Option<u64>>> {
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        for &shard in shards {
            pipe.cmd("XINFO").arg("STREAM").arg(history.stream(shard));
        }
        let answers: Vec<RedisResult<Vec<Value>>> = pipe.query_async(&mut self.redis).await?;
        answers
            .into_iter()
            .map(|answer| match answer {
                Ok(fields) => Ok(last_generated_id(&fields)),
                Err(error) if says(&error, "no such key") => Ok(None),
                Err(error) => Err(error),
            })
            .collect()
    }

    /// Adds events under their positions. Those that are there already, by
    /// another relay, are refused by Redis, which is as good.
    pub(crate) async fn publish(&mut self, history: &History, events: &[Event]) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        pipe.ignore_errors();
        for event in events {
            #[cfg(feature = "mutants")]
            if Mutant::IgnoreGaps.is_alive() && event.position % 16 == 0 {
                continue;
            }
            let place = history.place(event.shard, event.position);
            let plain = wire::to_cloud_event(event).encode_to_vec();
            pipe.cmd("XADD")
                .arg(history.stream(event.shard))
                .arg(format!("{}-0", event.position))
                .arg(FIELD)
                .arg(self.key.seal(place.as_bytes(), &plain));
        }
        let answers: Vec<RedisResult<String>> = pipe.query_async(&mut self.redis).await?;
        for answer in answers {
            match answer {
                Err(error) if !says(&error, "equal or smaller") => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Forgets the entries below these positions.
    pub(crate) async fn trim(
        &mut self,
        history: &History,
        keep_from: &[(u16, u64)],
    ) -> RedisResult<()> {
        let mut pipe = redis::pipe();
        for &(shard, position) in keep_from {
            let stream = history.stream(shard);
            pipe.cmd("XTRIM")
                .arg(&stream)
                .arg("MINID")
                .arg(position)
                .ignore();
            pipe.cmd("EXPIRE")
                .arg(&stream)
                .arg(ABANDONED.as_secs())
                .ignore();
        }
        pipe.exec_async(&mut self.redis).await
    }

    /// Waits for what follows these positions, for at most `block`, and opens
    /// the seals. Only shards with entries are answered.
    pub(crate) async fn read(
        &mut self,
        history: &History,
        after: &[(u16, u64)],
        limit: u16,
        block: Duration,
    ) -> RedisResult<Vec<Entries>> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(limit);
        // A block of 0 would wait for ever.
        command
            .arg("BLOCK")
            .arg(u64::try_from(block.as_millis()).unwrap_or(1000).max(1));
        command.arg("STREAMS");
        for &(shard, _) in after {
            command.arg(history.stream(shard));
        }
        for &(_, position) in after {
            command.arg(format!("{position}-0"));
        }
        let reply: Option<StreamReadReply> = command.query_async(&mut self.redis).await?;
        let mut answers = Vec::new();
        for stream in reply.into_iter().flat_map(|reply| reply.keys) {
            let asked = after
                .iter()
                .find(|(shard, _)| history.stream(*shard) == stream.key);
            let Some(&(shard, position)) = asked else {
                continue;
            };
            let entries = stream
                .ids
                .into_iter()
                .map(|mut entry| (entry.id, entry.map.remove(FIELD)));
            answers.push(self.open(history, shard, position, entries));
        }
        Ok(answers)
    }

    /// Opens the entries up to the first that does not follow.
    fn open(
        &self,
        history: &History,
        shard: u16,
        after: u64,
        entries: impl Iterator<Item = (String, Option<Value>)>,
    ) -> Entries {
        let mut events = Vec::new();
        let mut continuity = Continuity::Whole;
        for (position, (id, sealed)) in (after + 1..).zip(entries) {
            #[cfg(feature = "mutants")]
            let position = match id.strip_suffix("-0").and_then(|id| id.parse().ok()) {
                Some(found) if Mutant::IgnoreGaps.is_alive() => found,
                _ => position,
            };
            let event = match sealed {
                Some(Value::BulkString(sealed)) if id == format!("{position}-0") => {
                    open_event(&self.key, history, shard, position, &sealed)
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
}

fn open_event(
    key: &SealingKey,
    history: &History,
    shard: u16,
    position: u64,
    sealed: &[u8],
) -> Option<Event> {
    let plain = key
        .open(history.place(shard, position).as_bytes(), sealed)
        .ok()?;
    let envelope = CloudEvent::decode(plain.as_slice()).ok()?;
    wire::from_cloud_event(shard, position, envelope).ok()
}

/// Reads the field out of the flat list that `XINFO STREAM` answers.
fn last_generated_id(fields: &[Value]) -> Option<u64> {
    let mut pairs = fields.chunks_exact(2);
    let id = pairs.find_map(|pair| match pair {
        [name, Value::BulkString(id)] if is_text(name, "last-generated-id") => Some(id),
        _ => None,
    })?;
    let (position, _) = std::str::from_utf8(id).ok()?.split_once('-')?;
    position.parse().ok().filter(|&position| position > 0)
}

fn is_text(value: &Value, text: &str) -> bool {
    match value {
        Value::BulkString(bytes) => bytes == text.as_bytes(),
        Value::SimpleString(value) => value == text,
        _ => false,
    }
}

fn says(error: &RedisError, words: &str) -> bool {
    error.detail().is_some_and(|detail| detail.contains(words))
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
