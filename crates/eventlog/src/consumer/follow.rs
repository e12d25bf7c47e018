//! Follows a log from where the offsets stand.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    ConsumerContext, StepError,
    batch::{self, End, Progress},
    fetch::{BATCH, BLOCK, Producer, StreamRead},
    offset::{self, Offset, Offsets},
    parked,
};
use crate::{
    backoff::{self, Backoff},
    segment::Segment,
    stream::Continuity,
};

/// How long a shard may be silent before the producer is asked.
const IDLE: Duration = Duration::from_secs(1);
/// How often the producer is asked when there is no Redis.
const POLL: Duration = Duration::from_millis(200);
const REPORT: Duration = Duration::from_secs(5);
/// After a batch, others may work for as long as it took, within these limits. What
/// comes meanwhile goes into the next one: by ones, the same events would cost many
/// times the work, and declarants would wait for it.
const SHORTEST_REST: Duration = Duration::from_millis(5);
const LONGEST_REST: Duration = Duration::from_millis(50);
/// Batches that are applied at once.
const AT_ONCE: usize = 4;

/// A consumer that knows where it stands.
pub(super) struct Following {
    incarnation: Uuid,
    shards: Vec<Shard>,
    /// The streams are not enough: ask the producer.
    asking: bool,
    ask_at: Instant,
    /// The shard that comes first in the next question: a page may not reach the
    /// last.
    turn: usize,
    backoff: Backoff,
    report_at: Instant,
    reported: Option<Offsets>,
    /// When the next batch may be taken.
    rested_at: Instant,
}

struct Shard {
    number: u16,
    position: u64,
    /// When news of it, or that there is none, came last.
    heard: Instant,
    /// Whether its stream follows the position; with a gap, it is not listened to
    /// until the producer was asked.
    stream: Continuity,
    /// Left alone until then: another replica has it, or it failed.
    resume_at: Instant,
    failures: u32,
}

impl Following {
    pub(super) fn new(context: &ConsumerContext, incarnation: Uuid, offsets: &Offsets) -> Self {
        let now = Instant::now();
        let shards = offsets.shards.iter().map(|offset| Shard {
            number: offset.shard,
            position: offset.position,
            heard: now,
            stream: Continuity::Whole,
            resume_at: now,
            failures: 0,
        });
        Self {
            incarnation,
            shards: shards.collect(),
            asking: true,
            ask_at: now,
            turn: 0,
            backoff: Backoff::new(format!("the producer {}", context.producer)),
            report_at: now,
            reported: None,
            rested_at: now,
        }
    }

    /// The offsets as far as known.
    pub(super) fn offsets(&self) -> Offsets {
        let offsets = self.shards.iter().map(|shard| Offset {
            shard: shard.number,
            incarnation: Some(self.incarnation),
            position: shard.position,
        });
        Offsets {
            shards: offsets.collect(),
            stopped: None,
        }
    }

    /// Waits for events and applies them; returns how many.
    pub(super) async fn step(
        &mut self,
        context: &ConsumerContext,
        producer: &mut Producer,
    ) -> Result<usize, StepError> {
        self.report(context, producer).await?;
        tokio::time::sleep_until(self.rested_at).await;
        let now = Instant::now();
        let awake: Vec<usize> = (0..self.shards.len())
            .filter(|&i| self.shards[i].resume_at <= now)
            .collect();
        if awake.is_empty() {
            if let Some(first) = self.shards.iter().map(|shard| shard.resume_at).min() {
                tokio::time::sleep_until(first).await;
            }
            return Ok(0);
        }
        let unheard = awake.iter().map(|&i| &self.shards[i]).any(|shard| {
            now.duration_since(shard.heard) >= IDLE || shard.stream == Continuity::Gap
        });
        let segments = if (self.asking || unheard) && self.ask_at <= now {
            self.ask(context, producer, &awake).await?
        } else {
            self.listen(context, producer, &awake).await
        };
        let began = Instant::now();
        let covered: u64 = segments
            .iter()
            .map(|segment| segment.end - segment.after)
            .sum();
        let done = self.apply(context, segments).await?;
        // With a backlog there is nothing to wait for.
        if (1..u64::from(BATCH)).contains(&covered) {
            // What was for others only moves the offset, for which nobody waits.
            let rest = match done {
                0 => LONGEST_REST,
                _ => began.elapsed().clamp(SHORTEST_REST, LONGEST_REST),
            };
            self.rested_at = Instant::now() + rest;
        }
        Ok(done)
    }

    /// Waits for the streams.
    async fn listen(
        &mut self,
        context: &ConsumerContext,
        producer: &mut Producer,
        awake: &[usize],
    ) -> Vec<Segment> {
        let now = Instant::now();
        let whole = awake.iter().map(|&i| &self.shards[i]);
        let after: Vec<(u16, u64)> = whole
            .filter(|shard| shard.stream == Continuity::Whole)
            .map(Shard::place)
            .collect();
        if after.is_empty() {
            tokio::time::sleep_until(self.ask_at).await;
            return Vec::new();
        }
        let due = self.shards.iter().map(|shard| {
            if shard.resume_at > now {
                shard.resume_at
            } else if self.asking || shard.stream == Continuity::Gap {
                self.ask_at
            } else {
                (shard.heard + IDLE).max(self.ask_at)
            }
        });
        let block = due
            .min()
            .map_or(BLOCK, |due| due.saturating_duration_since(now));
        let entries = match producer.listen(self.incarnation, &after, block).await {
            StreamRead::Entries(entries) => entries,
            StreamRead::Nothing => return Vec::new(),
            StreamRead::Unavailable => {
                tokio::time::sleep_until(self.ask_at.max(now + POLL)).await;
                self.asking = true;
                return Vec::new();
            }
        };
        let mut segments = Vec::new();
        for mut entries in entries {
            let Some(index) = self
                .shards
                .iter()
                .position(|shard| shard.number == entries.shard)
            else {
                continue;
            };
            self.shards[index].stream = entries.continuity;
            if entries.continuity == Continuity::Gap {
                context.metrics.gaps.get_or_create(&context.labels()).inc();
            }
            if let Some(last) = entries.events.last() {
                let shard = &mut self.shards[index];
                shard.heard = Instant::now();
                let end = last.position;
                entries
                    .events
                    .retain(|event| event.is_for(context.service()));
                segments.push(Segment {
                    shard: shard.number,
                    after: shard.position,
                    end,
                    events: entries.events,
                });
            }
        }
        note_read(context, "redis", &segments);
        segments
    }

    /// Asks the producer, once for all shards. When it is away, the streams go on.
    async fn ask(
        &mut self,
        context: &ConsumerContext,
        producer: &mut Producer,
        awake: &[usize],
    ) -> Result<Vec<Segment>, StepError> {
        let mut after: Vec<(u16, u64)> = awake.iter().map(|&i| self.shards[i].place()).collect();
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn % after.len();
        after.rotate_left(first);
        let mut answer = match producer.read(self.incarnation, &after).await {
            Ok(answer) => answer,
            Err(StepError::Retry(error)) => {
                self.ask_at = Instant::now() + self.backoff.failed(&error);
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        self.backoff.reset();
        self.asking = false;
        let mut segments = Vec::new();
        for &index in awake {
            let shard = &mut self.shards[index];
            shard.heard = Instant::now();
            shard.stream = Continuity::Whole;
            let segment = answer.segments.remove(&shard.number);
            let reached = segment.as_ref().map_or(shard.position, |found| found.end);
            if let Some(&head) = answer.heads.get(&shard.number) {
                context.saw_head(shard.number, head, shard.position);
                self.asking |= reached < head;
            }
            segments.extend(segment);
        }
        if segments.is_empty() {
            // A stream may hold what the log does not: asking again at once would
            // bring no more.
            self.ask_at = Instant::now() + POLL;
        }
        note_read(context, "grpc", &segments);
        Ok(segments)
    }

    /// Applies what follows the positions of some shards.
    async fn apply(
        &mut self,
        context: &ConsumerContext,
        segments: Vec<Segment>,
    ) -> Result<usize, StepError> {
        let incarnation = self.incarnation;
        let work = share(segments).into_iter().map(|segments| async move {
            let progress = batch::apply(context, incarnation, &segments).await;
            (segments, progress)
        });
        let outcomes: Vec<(Vec<Segment>, Vec<Progress>)> =
            stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
        let mut done = 0;
        for (segments, progress) in outcomes {
            for (segment, progress) in segments.iter().zip(progress) {
                done += progress.done;
                let shard = self.shards.iter_mut().find(|s| s.number == segment.shard);
                if let Some(shard) = shard {
                    shard.record_progress(context, segment, progress)?;
                }
            }
        }
        Ok(done)
    }

    /// Tells the producer how far the consumer is, from time to time.
    async fn report(
        &mut self,
        context: &ConsumerContext,
        producer: &mut Producer,
    ) -> Result<(), StepError> {
        if Instant::now() < self.report_at {
            return Ok(());
        }
        self.report_at = Instant::now() + REPORT;
        let parked = parked::count(context).await?;
        context
            .metrics
            .parked
            .get_or_create(&context.labels())
            .set(parked);
        let offsets = offset::load(context).await?;
        if offsets.incarnation() != Some(self.incarnation) {
            return Err(StepError::Moved);
        }
        if self.reported.as_ref() == Some(&offsets) {
            return Ok(());
        }
        let applied: Vec<(u16, u64)> = offsets
            .shards
            .iter()
            .map(|offset| (offset.shard, offset.position))
            .collect();
        match producer.report(self.incarnation, &applied).await {
            Ok(()) => self.reported = Some(offsets),
            // A read finds out what is wrong and says so.
            Err(status) => tracing::debug!(code = ?status.code(), "could not report offsets"),
        }
        Ok(())
    }
}

impl Shard {
    fn place(&self) -> (u16, u64) {
        (self.number, self.position)
    }

    fn record_progress(
        &mut self,
        context: &ConsumerContext,
        segment: &Segment,
        progress: Progress,
    ) -> Result<(), StepError> {
        self.position = segment.whole().reached(progress.done);
        match progress.end {
            End::At(position) => {
                self.position = position;
                self.failures = 0;
            }
            End::Busy => {
                context
                    .metrics
                    .skipped_locked
                    .get_or_create(&context.labels())
                    .inc();
                self.back_off();
            }
            End::Failed(error) => {
                context
                    .metrics
                    .failures
                    .get_or_create(&context.labels())
                    .inc();
                if self.failures == 0 {
                    tracing::warn!(
                        eventlog.consumer = context.name,
                        eventlog.producer = context.producer,
                        eventlog.shard = self.number,
                        eventlog.position = self.position,
                        error = &error as &dyn std::error::Error,
                        "events could not be applied now; retrying for ever",
                    );
                }
                self.back_off();
            }
            End::Moved => return Err(StepError::Moved),
        }
        context.saw_head(self.number, segment.end.max(self.position), self.position);
        Ok(())
    }

    /// Leaves the shard alone for a while.
    fn back_off(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.resume_at = Instant::now() + backoff::delay(self.failures);
    }
}

/// Puts shards together that fit into one transaction. With little to do that is
/// all of them, and one commit; with much, each is by itself, and other replicas find
/// shards to work on.
fn share(segments: Vec<Segment>) -> Vec<Vec<Segment>> {
    let mut batches: Vec<Vec<Segment>> = Vec::new();
    let mut events = 0;
    for segment in segments {
        events += segment.events.len();
        match batches.last_mut() {
            Some(batch) if events <= usize::from(BATCH) => batch.push(segment),
            _ => {
                events = segment.events.len();
                batches.push(vec![segment]);
            }
        }
    }
    batches
}

fn note_read(context: &ConsumerContext, source: &'static str, segments: &[Segment]) {
    let events: usize = segments.iter().map(|segment| segment.events.len()).sum();
    context
        .metrics
        .read
        .get_or_create(&context.source_labels(source))
        .inc_by(events as u64);
}
