//! Reminders of what was not answered in time: one each, a job that is due with the answer.

use async_trait::async_trait;
use eventlog::{Log, in_transaction};
use futures::FutureExt as _;
use platform::Result;
use serde_json::Value;
use service::jobs::{Failure, Handler, Job, NewJob};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseActivity, Role, derived_id};

use super::{InformationRequest, store};
use crate::cases::{self, Activity, Audience, activity};

/// The kind of the jobs.
const KIND: &str = "remind/information_request";

/// The job that reminds of a request, if it is due one day.
pub(super) fn job(request: &InformationRequest) -> Option<NewJob> {
    Some(NewJob {
        job_id: derived_id("reminder", &[request.id.as_bytes()]),
        kind: KIND.to_owned(),
        subject: format!("information_request/{}", request.id),
        urgent: false,
        due_at: request.due_at?,
        traceparent: platform::traceparent(),
        payload: Value::Null,
    })
}

/// Tells the structure that an answer is overdue, if it still is when its moment comes.
pub(crate) struct Reminders {
    /// Where the requests rest.
    pub(crate) pool: PgPool,
    /// Where it is announced.
    pub(crate) log: Log,
}

#[async_trait]
impl Handler for Reminders {
    fn kinds(&self) -> Vec<String> {
        vec![KIND.to_owned()]
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let id = job.subject.strip_prefix("information_request/");
        let id = id.and_then(|id| Uuid::try_parse(id).ok());
        let id = id.ok_or_else(|| Failure::Rejected("subject".to_owned()))?;
        let with = (&self.log, id, platform::now());
        in_transaction(&self.pool, &with, |conn, &(log, id, now)| {
            remind(conn, log, id, now).boxed()
        })
        .await
        .map_err(|error| Failure::of_transaction(&error))?;
        self.log.committed();
        Ok(())
    }
}

/// Announces that an answer is overdue. Done again, it announces the same event, which
/// nobody applies twice.
async fn remind(conn: &mut PgConnection, log: &Log, id: Uuid, now: OffsetDateTime) -> Result<()> {
    let Some(request) = store::find(conn, id).await? else {
        return Ok(());
    };
    let case = cases::read_case(conn, request.case_id).await?;
    let Some(case) = case.filter(|case| request.is_overdue(now) && !case.is_ended()) else {
        return Ok(());
    };
    let reminder = Activity {
        kind: CaseActivity::InformationOverdue,
        id: request.id,
        actor: Role::Service,
        audience: Audience::Structure,
        // Of the same moment, whenever it is announced.
        at: request.due_at.unwrap_or(now),
        due_at: request.due_at,
    };
    log.append(conn, &[activity(&case, &reminder)]).await
}
