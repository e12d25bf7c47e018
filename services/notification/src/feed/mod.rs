//! The feed: the service's own log, read once per process for all streams.
//!
//! A [`watcher::Watcher`] is subscribed to what the reader broadcasts before it reads the log
//! itself, and follows each shard position by position: whatever it misses it
//! finds again in the log.

mod cursor;
pub(crate) mod item;
mod log;
mod reader;
mod rpc;
mod snapshot;
mod watcher;

pub(crate) use self::{
    cursor::CURSOR_LIFE, log::Feed, reader::FeedReader, rpc::FeedRpc, snapshot::RecentNotifications,
};
