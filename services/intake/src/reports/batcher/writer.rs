//! Takes what is queued and commits it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use eventlog::Log;
#[cfg(feature = "mutants")]
use platform::mutant::{Mutant, crash_point};
use platform::{AuditEntry, Error, Outcome, Result, audit_many, in_time, now};
use serde_json::json;
use service::revision_base;
use sqlx::PgPool;
use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Job;
use crate::{
    drafts,
    reports::{
        events::first_revision,
        metrics::IntakeMetrics,
        store::{self, NewReport, Receipt},
    },
};

/// How often a batch is tried while the database says "later".
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Takes what is queued and commits it; several share one queue.
pub(super) struct Writer {
    pub(super) pool: PgPool,
    pub(super) log: Log,
    pub(super) metrics: IntakeMetrics,
    pub(super) queued: Arc<Mutex<mpsc::Receiver<Job>>>,
    pub(super) batch: usize,
}

impl Writer {
    /// Works until `closing`, then until the queue is empty.
    pub(super) async fn run(self, closing: CancellationToken) {
        while let Some(batch) = self.take(&closing).await {
            self.settle(batch).await;
        }
    }

    /// Whatever is queued, at most one batch; nothing when the queue is closed
    /// and empty.
    async fn take(&self, closing: &CancellationToken) -> Option<Vec<Job>> {
        let mut queued = self.queued.lock().await;
        let mut batch = Vec::with_capacity(self.batch);
        let taken = closing
            .run_until_cancelled(queued.recv_many(&mut batch, self.batch))
            .await;
        if taken.is_none() {
            // Nobody may queue any more; what is there is still committed.
            queued.close();
            queued.recv_many(&mut batch, self.batch).await;
        }
        self.metrics
            .queued
            .set(i64::try_from(queued.len()).unwrap_or(i64::MAX));
        (!batch.is_empty()).then_some(batch)
    }

    /// Commits a batch and answers everyone. A report that the database refuses
    /// is found by halves, so that it fails alone.
    async fn settle(&self, batch: Vec<Job>) {
        let mut parts = vec![batch];
        while let Some(mut jobs) = parts.pop() {
            jobs.sort_by_key(|job| job.new.request_key);
            #[cfg(feature = "mutants")]
            if Mutant::AcknowledgeBeforeCommit.is_alive() {
                for job in &mut jobs {
                    let nobody = tokio::sync::oneshot::channel().0;
                    let sender = std::mem::replace(&mut job.answer, nobody);
                    let _ = sender.send(Ok(job.new.receipt.clone()));
                }
                // The answers leave the process before it ends.
                tokio::time::sleep(Duration::from_millis(20)).await;
                crash_point();
            }
            let error = match self.commit_patiently(&jobs).await {
                Ok(receipts) => {
                    for job in jobs {
                        let receipt = receipts.get(&job.new.request_key).cloned();
                        let unknown = "a report was neither stored nor found";
                        answer(job, receipt.ok_or_else(|| Error::internal(unknown)));
                    }
                    continue;
                }
                Err(error) => error,
            };
            if error.retryable() {
                tracing::warn!(
                    error = %error,
                    reports = jobs.len(),
                    "reports could not be committed; their senders will retry",
                );
                for job in jobs {
                    let why = "la base ne répond pas";
                    answer(job, Err(Error::unavailable("DATABASE_UNAVAILABLE", why)));
                }
            } else if jobs.len() > 1 {
                parts.push(jobs.split_off(jobs.len() / 2));
                parts.push(jobs);
            } else if let Some(job) = jobs.pop() {
                self.metrics.isolated.inc();
                answer(job, Err(error));
            }
        }
    }

    async fn commit_patiently(&self, jobs: &[Job]) -> Result<BTreeMap<Uuid, Receipt>> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match in_time(self.commit(jobs)).await {
                Err(error) if error.retryable() => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause *= 2;
        }
        in_time(self.commit(jobs)).await
    }

    /// One transaction: the reports, who sent them, the drafts that they were made of, and
    /// last their events. An unknown outcome of the commit is no harm: run again, it meets
    /// its own rows.
    async fn commit(&self, jobs: &[Job]) -> Result<BTreeMap<Uuid, Receipt>> {
        let started = Instant::now();
        // The first of two twins stands for both.
        let mut firsts: Vec<&Job> = jobs.iter().collect();
        firsts.dedup_by_key(|job| job.new.request_key);
        let reports: Vec<&NewReport> = firsts.iter().map(|job| &job.new).collect();

        let mut transaction = self.pool.begin().await?;
        let inserted = store::insert(&mut transaction, &reports).await?;
        let (new, known): (Vec<&Job>, Vec<&Job>) = firsts
            .iter()
            .partition(|job| inserted.contains(&job.new.report.id));
        let mut receipts: BTreeMap<Uuid, Receipt> = new
            .iter()
            .map(|job| (job.new.request_key, job.new.receipt.clone()))
            .collect();
        if !known.is_empty() {
            let keys: Vec<Uuid> = known.iter().map(|job| job.new.request_key).collect();
            let stored = store::receipts(&mut transaction, &keys).await?.into_iter();
            receipts.extend(stored.map(|receipt| (receipt.request_key, receipt)));
        }

        let at = now();
        // A report that the same request made before is the one that it is about.
        let done: Vec<(&Job, String, bool)> = jobs
            .iter()
            .filter_map(|job| {
                let receipt = receipts.get(&job.new.request_key)?;
                let is_same = receipt.request_hash == job.new.receipt.request_hash;
                let object = format!("report/{}", receipt.report_id);
                is_same.then(|| (job, object, !inserted.contains(&receipt.report_id)))
            })
            .collect();
        let entries: Vec<AuditEntry<'_>> = done
            .iter()
            .map(|(job, object, repeated)| {
                let mut detail = json!({
                    "channel": job.new.report.channel.as_str(),
                    "routing_region": job.new.report.routing_region.to_string(),
                    "repeated": repeated,
                });
                if let Some(draft) = &job.new.sent_draft {
                    detail["draft"] = json!(draft.draft_id);
                }
                AuditEntry {
                    caller: &job.caller,
                    action: "report.submit",
                    object,
                    outcome: Outcome::Done,
                    detail,
                    at,
                }
            })
            .collect();
        audit_many(&mut transaction, &entries).await?;
        let sent = new.iter().filter_map(|job| {
            let draft = job.new.sent_draft.as_ref()?;
            Some((job.new.author.as_str(), draft))
        });
        let sent: Vec<_> = sent.collect();
        if !sent.is_empty() {
            drafts::delete_sent(&mut transaction, &sent).await?;
        }
        let base = revision_base(&self.log, &mut transaction).await?;
        let announced = new.iter().map(|job| {
            let event = job.event.clone();
            if base == 0 {
                return event;
            }
            // What an earlier history told of a report of this id was lost in a restore.
            event.with_payload(&first_revision(&job.new.report, base))
        });
        let events: Vec<_> = announced.collect();
        #[cfg(feature = "mutants")]
        if Mutant::EventsInASecondTransaction.is_alive() {
            platform::mutant::cut(&mut transaction).await?;
        }
        self.log.append(&mut transaction, &events).await?;
        #[cfg(feature = "mutants")]
        if Mutant::HeadCountsAttempts.is_alive() {
            for job in &known {
                let shard = i32::from(self.log.shard_of(&job.new.report.subject()));
                sqlx::query("update eventlog_head set position = position + 1 where shard = $1")
                    .bind(shard)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        #[cfg(feature = "mutants")]
        crash_point();
        transaction.commit().await?;
        #[cfg(feature = "mutants")]
        crash_point();

        if !events.is_empty() {
            self.log.committed();
        }
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.metrics.batch.observe(jobs.len() as f64);
        self.metrics.commit.observe(started.elapsed().as_secs_f64());
        Ok(receipts)
    }
}

fn answer(job: Job, answer: Result<Receipt>) {
    // Whoever went away gets the same answer when he retries.
    let _ = job.answer.send(answer);
}
