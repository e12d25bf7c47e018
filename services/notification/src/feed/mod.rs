//! The feed: the service's own log, read once per process for all streams.
//!
//! A [`watcher::Watcher`] is subscribed to what the reader broadcasts before it reads the log
//! itself, and follows each shard position by position: whatever it misses it
//! finds again in the log.

mod log;
pub(crate) mod reader;
pub(crate) mod watcher;

pub(crate) use log::Feed;
