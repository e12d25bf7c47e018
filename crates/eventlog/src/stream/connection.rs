//! The connection of the publisher.

use std::time::Duration;

use futures::future::try_join_all;
use platform::SealingKey;
#[cfg(feature = "mutants")]
use platform::mutant::Mutant;
use redis::{
    Pipeline, RedisError, RedisResult, Value, aio::MultiplexedConnection,
    cluster_async::ClusterConnection,
};

use super::{FIELD, History, Origin, in_time_of_a_step};
use crate::{Event, event::by_shard};

/// A stream that nobody writes or trims any more, such as one of an earlier
/// incarnation, goes away by itself.
const ABANDONED: Duration = Duration::from_hours(48);

/// A connection to Redis that writes, trims and asks.
pub(crate) struct Connection {
    wire: Wire,
    origin: Origin,
    key: SealingKey,
}

/// What commands are sent over.
#[derive(Clone)]
pub(super) enum Wire {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) fn new(wire: Wire, origin: Origin, key: SealingKey) -> Self {
        Self { wire, origin, key }
    }

    /// Whether Redis is still reached as it is now.
    pub(crate) fn is_current(&self) -> bool {
        self.origin.is_current()
    }

    /// The last position of each of these shards' streams; `None` for an empty
    /// stream.
    pub(crate) async fn last(
        &self,
        history: &History,
        shards: &[u16],
    ) -> RedisResult<Vec<Option<u64>>> {
        let answers = self
            .send(shards, |pipe, &shard| {
                pipe.cmd("XINFO").arg("STREAM").arg(history.stream(shard));
            })
            .await?;
        answers
            .into_iter()
            .map(|answer| match answer {
                Ok(fields) => Ok(last_generated_id(&fields)),
                Err(error) if says(&error, "no such key") => Ok(None),
                Err(error) => Err(error),
            })
            .collect()
    }

    /// Adds events under their positions, those of a shard side by side. Those that
    /// are there already, by another publisher, are refused by Redis, which is as good.
    pub(crate) async fn publish(&self, history: &History, events: &[Event]) -> RedisResult<()> {
        let shards: Vec<&[Event]> = by_shard(events).collect();
        let answers = self
            .send(&shards, |pipe, events| {
                for event in *events {
                    #[cfg(feature = "mutants")]
                    if Mutant::IgnoreGaps.is_alive() && event.position % 16 == 0 {
                        continue;
                    }
                    pipe.cmd("XADD")
                        .arg(history.stream(event.shard))
                        .arg(format!("{}-0", event.position))
                        .arg(FIELD)
                        .arg(history.seal(&self.key, event));
                }
            })
            .await?;
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
        &self,
        history: &History,
        keep_from: &[(u16, u64)],
    ) -> RedisResult<()> {
        let answers = self
            .send(keep_from, |pipe, &(shard, position)| {
                let stream = history.stream(shard);
                pipe.cmd("XTRIM").arg(&stream).arg("MINID").arg(position);
                pipe.cmd("EXPIRE").arg(&stream).arg(ABANDONED.as_secs());
            })
            .await?;
        answers.into_iter().try_for_each(|answer| answer.map(drop))
    }

    /// Sends what concerns each shard: all of it together to a server, and shard by
    /// shard at once to a cluster, where streams live on different nodes.
    async fn send<P>(
        &self,
        shards: &[P],
        put: impl Fn(&mut Pipeline, &P),
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        let together = match self.wire {
            Wire::Server(_) => shards.len().max(1),
            Wire::Cluster(_) => 1,
        };
        let answers = shards.chunks(together).map(|shards| {
            let mut pipe = redis::pipe();
            pipe.ignore_errors();
            for shard in shards {
                put(&mut pipe, shard);
            }
            let mut wire = self.wire.clone();
            async move { wire.send(&pipe).await }
        });
        Ok(try_join_all(answers).await?.into_iter().flatten().collect())
    }
}

impl Wire {
    async fn send(&mut self, pipe: &Pipeline) -> RedisResult<Vec<RedisResult<Value>>> {
        match self {
            Self::Server(connection) => pipe.query_async(connection).await,
            Self::Cluster(connection) => in_time_of_a_step(pipe.query_async(connection)).await,
        }
    }
}

/// Reads the field out of what `XINFO STREAM` answers.
fn last_generated_id(answer: &Value) -> Option<u64> {
    let mut fields = answer.as_map_iter()?;
    let id = fields.find_map(|field| match field {
        (name, Value::BulkString(id)) if is_text(name, "last-generated-id") => Some(id),
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
