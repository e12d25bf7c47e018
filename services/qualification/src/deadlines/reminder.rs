//! Reminders of deadlines: one before each and one when it has lapsed, jobs that are due then.

use std::collections::HashSet;

use async_trait::async_trait;
use eventlog::{Log, in_transaction};
use futures::FutureExt as _;
use platform::Result;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Deadlines,
    jobs::{Failure, Handler, Job, NewJob, add_jobs},
};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocabulary::{Role, derived_id};

use super::{Duty, Reminder, ReportClock, Side, store};
use crate::cases::{self, Activity, Audience, activity};

/// The kind of the jobs.
const KIND: &str = "remind/deadline";

/// How long a process without a rule pack leaves a reminder to one that has it: the processes of
/// an installation are told one after the other.
const DEFERRED: Duration = Duration::minutes(10);
/// How often: for a day, then there is none.
const DEFERRALS: u32 = 144;

/// What the job of a reminder says.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    #[serde(flatten)]
    reminder: Reminder,
    /// How often it was left to another process.
    #[serde(default)]
    deferrals: u32,
}

/// Has the structures of cases be reminded of what their clocks say. What is asked for again is
/// there already, or was done; but for the cases that count `anew`.
pub(crate) async fn remind_of(
    conn: &mut PgConnection,
    clocks: &[(Uuid, &ReportClock)],
    anew: &HashSet<Uuid>,
    now: OffsetDateTime,
) -> Result<()> {
    let jobs = clocks.iter().flat_map(|(case_id, clock)| {
        let reminders = clock.reminders().into_iter();
        reminders.map(|reminder| (*case_id, reminder, job(*case_id, &reminder)))
    });
    let jobs: Vec<_> = jobs.collect();
    let past = jobs
        .iter()
        .filter(|(case_id, reminder, _)| reminder.at <= now && !anew.contains(case_id));
    let past: Vec<_> = past.map(|(.., job)| job).collect();
    let done = store::done(conn, &past).await?;
    let jobs = jobs.into_iter().map(|(.., job)| job);
    let jobs: Vec<_> = jobs.filter(|job| !done.contains(&job.job_id)).collect();
    Ok(add_jobs(conn, &jobs, now).await?)
}

/// Has the structure of a case that goes on again be reminded of what is still to come.
pub(crate) async fn remind_again(
    conn: &mut PgConnection,
    case_id: Uuid,
    now: OffsetDateTime,
) -> Result<()> {
    let Some(clock) = store::find(conn, &[case_id]).await?.remove(&case_id) else {
        return Ok(());
    };
    let reminders = clock.reminders().into_iter().filter(|it| it.at > now);
    let jobs: Vec<_> = reminders.map(|it| job(case_id, &it)).collect();
    Ok(add_jobs(conn, &jobs, now).await?)
}

fn job(case_id: Uuid, reminder: &Reminder) -> NewJob {
    NewJob {
        job_id: reminder.id("deadline_reminder", case_id),
        kind: KIND.to_owned(),
        subject: format!("case/{case_id}"),
        urgent: false,
        due_at: reminder.at,
        traceparent: platform::traceparent(),
        payload: json!(reminder),
    }
}

/// The job of a reminder, to be tried later and perhaps by another process.
fn deferred(case_id: Uuid, asked: &Asked, now: OffsetDateTime) -> NewJob {
    let first = job(case_id, &asked.reminder);
    let next = Asked {
        reminder: asked.reminder,
        deferrals: asked.deferrals + 1,
    };
    let parts: [&[u8]; 2] = [first.job_id.as_bytes(), &next.deferrals.to_be_bytes()];
    NewJob {
        job_id: derived_id("deadline_reminder_deferred", &parts),
        due_at: now + DEFERRED,
        payload: json!(next),
        ..first
    }
}

impl Reminder {
    /// The same for what is about the same deadline of a case, from the same side.
    fn id(&self, of: &str, case_id: Uuid) -> Uuid {
        let duty = match self.of {
            Duty::Report => b"report".as_slice(),
            Duty::Cnil => b"cnil",
        };
        let side = match self.side {
            Side::Before => b"before".as_slice(),
            Side::After => b"after",
        };
        let due_at = self.due_at.unix_timestamp_nanos().to_be_bytes();
        derived_id(of, &[case_id.as_bytes(), duty, side, &due_at])
    }
}

/// Tells structures what is due, if it still is when its moment comes.
pub(crate) struct DeadlineReminders {
    /// Where the clocks rest.
    pub(crate) pool: PgPool,
    /// Where it is announced.
    pub(crate) log: Log,
    /// Whether the installation has deadlines.
    pub(crate) deadlines: Deadlines,
}

#[async_trait]
impl Handler for DeadlineReminders {
    fn kinds(&self) -> Vec<String> {
        vec![KIND.to_owned()]
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let rejected = |class: &str| Failure::Rejected(class.to_owned());
        let case_id = job.subject.strip_prefix("case/");
        let case_id = case_id.and_then(|id| Uuid::try_parse(id).ok());
        let case_id = case_id.ok_or_else(|| rejected("subject"))?;
        let asked: Asked =
            serde_json::from_value(job.payload.clone()).map_err(|_| rejected("payload"))?;
        let (reminder, now) = (asked.reminder, platform::now());
        if reminder.of == Duty::Report && !self.deadlines.are_on() {
            if asked.deferrals < DEFERRALS {
                let mut conn = self.pool.acquire().await.map_err(unreachable)?;
                let later = deferred(case_id, &asked, now);
                let added = add_jobs(&mut conn, &[later], now).await;
                added.map_err(unreachable)?;
            }
            return Ok(());
        }
        let with = (&self.log, case_id, reminder, now);
        in_transaction(&self.pool, &with, |conn, &(log, case_id, reminder, now)| {
            remind(conn, log, case_id, reminder, now).boxed()
        })
        .await
        .map_err(|error| Failure::of_transaction(&error))?;
        self.log.committed();
        Ok(())
    }
}

fn unreachable(error: sqlx::Error) -> Failure {
    Failure::of_transaction(&error.into())
}

/// Announces that something is due or overdue. Done again, it announces the same event, which
/// nobody applies twice.
async fn remind(
    conn: &mut PgConnection,
    log: &Log,
    case_id: Uuid,
    reminder: Reminder,
    now: OffsetDateTime,
) -> Result<()> {
    let Some(case) = cases::read_case(conn, case_id).await? else {
        return Ok(());
    };
    let clock = store::find(conn, &[case_id]).await?.remove(&case_id);
    // What another release applied may be what it would remind of.
    let clock = clock.filter(|clock| clock.knows(&case));
    let says = clock.and_then(|clock| clock.says(&reminder, now));
    let Some(kind) = says.filter(|_| !case.is_ended()) else {
        return Ok(());
    };
    let told = Activity {
        kind,
        id: reminder.id("deadline", case_id),
        actor: Role::Service,
        audience: Audience::Structure,
        // Of the same moment, whenever it is announced.
        at: reminder.at,
        due_at: Some(reminder.due_at),
    };
    log.append(conn, &[activity(&case, &told)]).await
}
