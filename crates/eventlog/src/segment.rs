//! A run of positions of a shard, with what of it a consumer must apply.

use crate::Event;

/// The positions after `after` up to `end`, and all their events that are for the
/// consumer, in order. There may be none: the offset moves past the others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) shard: u16,
    pub(crate) after: u64,
    pub(crate) end: u64,
    pub(crate) events: Vec<Event>,
}

/// A part of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) shard: u16,
    pub(crate) after: u64,
    pub(crate) end: u64,
    pub(crate) events: &'a [Event],
}

impl Segment {
    /// All of it.
    pub(crate) fn whole(&self) -> Part<'_> {
        Part {
            shard: self.shard,
            after: self.after,
            end: self.end,
            events: &self.events,
        }
    }
}

impl<'a> Part<'a> {
    /// At most so many events, from one on; with the last of them it reaches the end.
    pub(crate) fn slice(self, from: usize, count: usize) -> Self {
        let to = self.events.len().min(from.saturating_add(count));
        Self {
            after: self.reached(from),
            end: if to == self.events.len() {
                self.end
            } else {
                self.reached(to)
            },
            events: &self.events[from..to],
            ..self
        }
    }

    /// Where the shard stands after so many of the events.
    pub(crate) fn reached(self, count: usize) -> u64 {
        match count.checked_sub(1) {
            Some(last) => self.events[last].position,
            None => self.after,
        }
    }

    /// The events after an offset; `None` when the part does not follow it.
    pub(crate) fn follow(self, offset: u64) -> Option<&'a [Event]> {
        if offset < self.after || offset >= self.end {
            return None;
        }
        let known = self
            .events
            .partition_point(|event| event.position <= offset);
        Some(&self.events[known..])
    }
}
