//! Waiting for what comes into the streams.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, try_join_all},
    stream::FuturesUnordered,
};
use platform::SealingKey;
use redis::{
    Cmd, RedisResult,
    aio::MultiplexedConnection,
    streams::{StreamId, StreamReadReply},
};
use tokio::time::{Instant, timeout_at};

use super::{ANSWER_TIMEOUT, Entries, History, Origin, cluster::Cluster, in_time_of_a_step};

/// Connections for blocking reads.
pub(crate) struct Listener {
    readers: StreamReaders,
    origin: Origin,
    key: SealingKey,
}

pub(super) enum StreamReaders {
    /// One read of all streams.
    Shared(MultiplexedConnection),
    /// One read of each stream, as they live on different nodes.
    PerStream(Box<PerStream>),
}

/// A connection for each stream of a cluster. A read outlives the wait for it, so
/// that the stream that speaks first does not end the reads of the others.
pub(super) struct PerStream {
    cluster: Arc<Cluster>,
    /// How long a read blocks.
    block: Duration,
    /// The connections over which nothing is read, by shard.
    idle: BTreeMap<u16, MultiplexedConnection>,
    /// The shards of the reads under way.
    busy: BTreeSet<u16>,
    reads: FuturesUnordered<BoxFuture<'static, RedisResult<Read>>>,
}

/// The outcome of a read of one stream.
struct Read {
    history: History,
    shard: u16,
    after: u64,
    connection: MultiplexedConnection,
    entries: Vec<StreamId>,
}

impl StreamReaders {
    pub(super) fn shared(connection: MultiplexedConnection) -> Self {
        Self::Shared(connection)
    }

    pub(super) fn per_stream(cluster: Arc<Cluster>, block: Duration) -> Self {
        Self::PerStream(Box::new(PerStream {
            cluster,
            block,
            idle: BTreeMap::new(),
            busy: BTreeSet::new(),
            reads: FuturesUnordered::new(),
        }))
    }
}

impl Listener {
    pub(super) fn new(readers: StreamReaders, origin: Origin, key: SealingKey) -> Self {
        Self {
            readers,
            origin,
            key,
        }
    }

    /// Whether Redis is still reached as it is now.
    pub(crate) fn is_current(&self) -> bool {
        self.origin.is_current()
    }

    /// Waits for what follows these positions, for at most `block`, and opens
    /// the seals. Only shards with entries are answered. After an error, the
    /// listener is of no more use.
    pub(crate) async fn read(
        &mut self,
        history: &History,
        after: &[(u16, u64)],
        limit: u16,
        block: Duration,
    ) -> RedisResult<Vec<Entries>> {
        let found = match &mut self.readers {
            StreamReaders::Shared(connection) => {
                let command = read_command(history, after, limit, Some(block));
                let reply = command.query_async(connection).await?;
                by_shard(history, after, reply)
            }
            StreamReaders::PerStream(per_stream) => {
                per_stream.read(history, after, limit, block).await?
            }
        };
        let opened = found
            .into_iter()
            .map(|((shard, after), entries)| history.open(&self.key, shard, after, entries));
        Ok(opened.collect())
    }
}

impl PerStream {
    async fn read(
        &mut self,
        history: &History,
        after: &[(u16, u64)],
        limit: u16,
        block: Duration,
    ) -> RedisResult<Vec<((u16, u64), Vec<StreamId>)>> {
        self.find(history, after).await?;
        let until = Instant::now() + block;
        loop {
            for &place in after {
                self.start(history, place, limit);
            }
            let Ok(Some(first)) = timeout_at(until, self.reads.next()).await else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            let mut next = Some(first);
            while let Some(read) = next {
                let read = read?;
                self.busy.remove(&read.shard);
                self.idle.insert(read.shard, read.connection);
                let place = (read.shard, read.after);
                // A read that began before the position moved tells what is known.
                let wanted = read.history == *history && after.contains(&place);
                if wanted && !read.entries.is_empty() {
                    found.push((place, read.entries));
                }
                next = self.reads.next().now_or_never().flatten();
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }

    /// Connects each new stream to the node that holds it. It is waited for, so that
    /// whoever listens learns that a node is away.
    async fn find(&mut self, history: &History, after: &[(u16, u64)]) -> RedisResult<()> {
        let known = |shard| self.idle.contains_key(shard) || self.busy.contains(shard);
        let new = after.iter().filter(|(shard, _)| !known(shard));
        let found = new.map(|&place| {
            let (cluster, answer) = (&self.cluster, self.block + ANSWER_TIMEOUT);
            async move {
                let command = read_command(history, &[place], 1, None);
                let (connection, _) = cluster
                    .ask::<Option<StreamReadReply>>(None, &command, answer)
                    .await?;
                Ok::<_, redis::RedisError>((place.0, connection))
            }
        });
        self.idle
            .extend(in_time_of_a_step(try_join_all(found)).await?);
        Ok(())
    }

    /// Begins to read a stream, unless that is under way.
    fn start(&mut self, history: &History, (shard, after): (u16, u64), limit: u16) {
        if !self.busy.insert(shard) {
            return;
        }
        let connection = self.idle.remove(&shard);
        let cluster = Arc::clone(&self.cluster);
        let history = history.clone();
        let (block, answer) = (self.block, self.block + ANSWER_TIMEOUT);
        let read = async move {
            let place = [(shard, after)];
            let command = read_command(&history, &place, limit, Some(block));
            let (connection, reply) = cluster.ask(connection, &command, answer).await?;
            let mut found = by_shard(&history, &place, reply);
            Ok(Read {
                entries: found.pop().map(|(_, entries)| entries).unwrap_or_default(),
                history,
                shard,
                after,
                connection,
            })
        };
        self.reads.push(read.boxed());
    }
}

/// A read of what follows these positions, which waits if it may.
fn read_command(
    history: &History,
    after: &[(u16, u64)],
    limit: u16,
    block: Option<Duration>,
) -> Cmd {
    let mut command = redis::cmd("XREAD");
    command.arg("COUNT").arg(limit);
    if let Some(block) = block {
        // A block of 0 would wait for ever.
        command
            .arg("BLOCK")
            .arg(u64::try_from(block.as_millis()).unwrap_or(1000).max(1));
    }
    command.arg("STREAMS");
    for &(shard, _) in after {
        command.arg(history.stream(shard));
    }
    for &(_, position) in after {
        command.arg(format!("{position}-0"));
    }
    command
}

/// What was found for each of the places asked for.
fn by_shard(
    history: &History,
    after: &[(u16, u64)],
    reply: Option<StreamReadReply>,
) -> Vec<((u16, u64), Vec<StreamId>)> {
    let streams = reply.into_iter().flat_map(|reply| reply.keys);
    let found = streams.filter_map(|stream| {
        let asked = after
            .iter()
            .find(|(shard, _)| history.stream(*shard) == stream.key)?;
        Some((*asked, stream.ids))
    });
    found.collect()
}
