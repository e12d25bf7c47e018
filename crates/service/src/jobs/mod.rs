//! Work that is due: claimed, done outside any transaction, and recorded.
//!
//! A job is a row with a kind, what it is about, the moment from which it is due and a
//! payload. Whoever needs it adds it with [`add_jobs`], or [`add_new_jobs`], in the transaction of
//! the fact that asks for it; [`Jobs`] claims what is due, gives it to the [`Handler`] of its kind and
//! records the attempt. What is due and undone is done, however late, by at least one
//! attempt; all attempts carry the same id.

mod retry;
mod store;
mod worker;

use std::error::Error as _;

use async_trait::async_trait;
use platform::Error;
use serde_json::Value;
use sqlx::migrate::Migrator;
use time::OffsetDateTime;
use uuid::Uuid;

pub use self::{
    retry::JobPolicy,
    store::{add_jobs, add_new_jobs, make_job_due},
    worker::{JobMetrics, Jobs},
};

/// The tables of jobs, for the schema of a service that has some.
pub static JOBS_MIGRATOR: Migrator = sqlx::migrate!();

/// A job to be added.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Derived from what asks for it. One that waits in the same place of the queue, of the
    /// same kind, urgency and moment, is left as it is.
    pub job_id: Uuid,
    /// What is to be done, as in `mail/receipt`.
    pub kind: String,
    /// What it is about, as in `report/<id>`.
    pub subject: String,
    /// Goes before everything else that is due.
    pub urgent: bool,
    /// From when on it is due.
    pub due_at: OffsetDateTime,
    /// The trace of the request that led to it.
    pub traceparent: Option<String>,
    /// What its handler needs.
    pub payload: Value,
}

/// A job that this process has claimed.
#[derive(Clone, Debug)]
pub struct Job {
    /// The same at every attempt: a receiver tells a duplicate by it.
    pub job_id: Uuid,
    /// What is to be done.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What its handler needs.
    pub payload: Value,
    /// The trace of the request that led to it.
    pub traceparent: Option<String>,
    /// When it was first due.
    pub first_due_at: OffsetDateTime,
    /// With the kind, where it is in the queue.
    urgent: bool,
    due_at: OffsetDateTime,
    attempts: i32,
    refusals: i32,
    claim_expired: bool,
}

/// Does jobs of some kinds.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The kinds that it does. It may be called for one job more than once.
    fn kinds(&self) -> Vec<String>;

    /// Does a job, outside any transaction.
    async fn run(&self, job: &Job) -> Result<(), Failure>;
}

/// Why a job was not done, with a class for the record, as in `refused_550`: never a text,
/// which may quote an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Refused for now, or broken off without an answer: it is tried again, and given up
    /// when that happened too often.
    Refused(String),
    /// Refused for good, or cannot be done: it is given up.
    Rejected(String),
    /// What it needs was erased on purpose: it is given up, and nobody has to act.
    Erased,
    /// The receiver is away for every job: nothing is said of this one, however often it
    /// happens nothing is given up.
    Away(String),
}

impl Failure {
    /// What the failure of a transaction means for the job that ran it: the database is away,
    /// which says nothing of the job, or the job meets a defect, which is logged.
    pub fn of_transaction(error: &Error) -> Self {
        if error.retryable() {
            return Self::Away("database".to_owned());
        }
        tracing::error!(
            error.message = %error,
            error.cause = error.source().map(ToString::to_string),
            "the transaction of a job failed: this is a defect",
        );
        Self::Refused("internal".to_owned())
    }

    /// The class that is recorded.
    fn class(&self) -> &str {
        match self {
            Self::Refused(class) | Self::Rejected(class) | Self::Away(class) => class,
            Self::Erased => "erased",
        }
    }
}
