//! The calls of escalations: each a job, whose one transaction takes the step, announces it
//! and adds the next.

use async_trait::async_trait;
use eventlog::{Log, NewEvent, in_transaction};
use futures::FutureExt as _;
use platform::{Error, Result, SealingKey};
use serde_json::json;
use service::jobs::{Failure, Handler, Job, NewJob, add_jobs};
use sqlx::{PgConnection, PgPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vocabulary::{CaseActivity, Role, derived_id};

use super::{
    Call, Cause, Escalation, State, call_id,
    decide::{self, Hours, Step},
    events::{self, CalledPerson},
    name_purpose, rota,
    store::{self, NewEscalation},
};
use crate::cases::{self, Activity, Audience, Case, activity};

/// The kind of the jobs.
const KIND: &str = "call/escalation";

/// How escalations are led.
#[derive(Clone, Debug)]
pub(crate) struct Escalations {
    /// At which hours people are called.
    pub(crate) hours: Hours,
    /// How long an answer is waited for until the next one is called.
    pub(crate) delay: Duration,
    /// Where links lead that acknowledge, without a slash at the end.
    pub(crate) public_url: Option<String>,
    /// Opens and wraps the keys under which people are sealed.
    pub(crate) master_key: SealingKey,
}

impl Escalations {
    /// Begins the escalation of cases, each by something that came at a moment, where there
    /// is somebody to call until it lapses, at once or after a gap, and none is running.
    pub(crate) async fn begin(
        &self,
        conn: &mut PgConnection,
        cases: &[(&Case, Cause, OffsetDateTime)],
        now: OffsetDateTime,
    ) -> Result<()> {
        let escalated = cases.iter().filter_map(|&(case, cause, came_at)| {
            let lapses_at = decide::lapses_at(case, came_at, self.hours, now)?;
            // The same change of a case begins one escalation.
            let parts: [&[u8]; 2] = [case.id.as_bytes(), &case.revision.to_be_bytes()];
            Some(NewEscalation {
                id: derived_id("escalation", &parts),
                case_id: case.id,
                cause,
                begun_at: now,
                lapses_at,
            })
        });
        let escalated: Vec<_> = escalated.collect();
        if escalated.is_empty() {
            return Ok(());
        }
        let shifts = store::shifts(conn).await?;
        if shifts.is_empty() {
            // No rota is kept: the on-call chain of notification hears of it alone.
            return Ok(());
        }
        for escalation in &escalated {
            let mut shifts = shifts.iter();
            if !shifts.any(|&(starts, ends)| starts < escalation.lapses_at && now < ends) {
                tracing::error!(
                    case.id = %escalation.case_id,
                    "nobody is on call until this case is escalated no more: complete the rota \
                     and call somebody",
                );
                continue;
            }
            if store::begin(conn, escalation).await? {
                add_jobs(conn, &[job(escalation.id, 1, now)], now).await?;
            }
        }
        Ok(())
    }
}

/// The job of a step of an escalation.
fn job(id: Uuid, step: i32, due_at: OffsetDateTime) -> NewJob {
    NewJob {
        job_id: derived_id("escalation_step", &[id.as_bytes(), &step.to_be_bytes()]),
        kind: KIND.to_owned(),
        subject: format!("escalation/{id}"),
        urgent: true,
        due_at,
        traceparent: platform::traceparent(),
        payload: json!({ "step": step }),
    }
}

/// Takes the steps of escalations.
pub(crate) struct Calls {
    /// Where the escalations rest.
    pub(crate) pool: PgPool,
    /// Where calls are announced.
    pub(crate) log: Log,
    /// How escalations are led.
    pub(crate) escalations: Escalations,
}

#[async_trait]
impl Handler for Calls {
    fn kinds(&self) -> Vec<String> {
        vec![KIND.to_owned()]
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let rejected = |class: &str| Failure::Rejected(class.to_owned());
        let id = job.subject.strip_prefix("escalation/");
        let id = id.and_then(|id| Uuid::try_parse(id).ok());
        let id = id.ok_or_else(|| rejected("subject"))?;
        let step = job.payload["step"].as_i64();
        let step = step.and_then(|step| i32::try_from(step).ok());
        let step = step.ok_or_else(|| rejected("payload"))?;
        let with = (self, id, step, platform::now());
        in_transaction(&self.pool, &with, |conn, &(calls, id, step, now)| {
            calls.take_step(conn, id, step, now).boxed()
        })
        .await
        .map_err(|error| Failure::of_transaction(&error))?;
        self.log.committed();
        Ok(())
    }
}

impl Calls {
    /// Takes a step of an escalation, unless it was taken.
    async fn take_step(
        &self,
        conn: &mut PgConnection,
        id: Uuid,
        step: i32,
        now: OffsetDateTime,
    ) -> Result<()> {
        let Some(escalation) = store::lock(conn, id).await? else {
            return Ok(());
        };
        let Some(case) = cases::read_case(conn, escalation.case_id).await? else {
            return Ok(());
        };
        match decide::step(&escalation, step, &case, now) {
            Step::Nothing => Ok(()),
            Step::Call => self.call(conn, &escalation, &case, now).await,
            Step::End(state) => {
                store::end(conn, &decide::ended(&escalation, state, now)).await?;
                if state == State::Lapsed {
                    let lapsed = lapsed(&case, &escalation);
                    self.log.append(conn, &[lapsed]).await?;
                }
                Ok(())
            }
        }
    }

    /// Calls the next one of those who are on call now, and has the step after it taken in
    /// its time.
    async fn call(
        &self,
        conn: &mut PgConnection,
        escalation: &Escalation,
        case: &Case,
        now: OffsetDateTime,
    ) -> Result<()> {
        let (id, step) = (escalation.id, escalation.next_step);
        let next_due_at = decide::next_due_at(escalation, self.escalations.delay, now);
        store::advance(conn, id, step + 1).await?;
        add_jobs(conn, &[job(id, step + 1, next_due_at)], now).await?;
        let master_key = &self.escalations.master_key;
        let shift = store::shift_at(conn, now).await?;
        let people = shift.as_ref().and_then(|it| rota::people(master_key, it));
        let Some((shift, people)) = shift.zip(people) else {
            let calls = store::calls_since(conn, id, escalation.begun_at).await?;
            if decide::is_first_gap(step, calls) {
                tracing::error!(
                    case.id = %case.id,
                    "nobody is on call now: complete the rota and call somebody",
                );
            }
            return Ok(());
        };
        let calls = store::calls_since(conn, id, shift.starts_at).await?;
        let Some(person) = decide::called(&people, calls) else {
            return Ok(());
        };
        let token = new_token();
        let (name, purpose) = (person.name.as_str(), name_purpose(call_id(id, step)));
        let sealed = shift.people.seal(master_key, &purpose, name.as_bytes());
        let call = Call {
            escalation_id: id,
            step,
            called_at: now,
            sealed_name: sealed.map_err(Error::internal)?,
            data_key: Some(shift.people.data_key.clone()),
        };
        store::insert_call(conn, &call, &token_hash(&token)).await?;
        let link = self.escalations.public_url.as_ref();
        let called = CalledPerson {
            name: name.to_owned(),
            email: person.email.expose().to_owned(),
            link: link
                .map(|url| format!("{url}/escalation/{token}"))
                .unwrap_or_default(),
            token,
        };
        let keys = (master_key, &shift.people);
        let event = events::called(keys, case, escalation, &call, &called, next_due_at)?;
        self.log.append(conn, &[event]).await
    }
}

/// Announces to those who lead and follow the case that nobody acknowledged.
fn lapsed(case: &Case, escalation: &Escalation) -> NewEvent {
    let lapsed = Activity {
        kind: CaseActivity::EscalationLapsed,
        id: escalation.id,
        actor: Role::Service,
        audience: Audience::Agencies,
        // Of the same moment, whenever it is announced.
        at: escalation.lapses_at,
        due_at: None,
    };
    activity(case, &lapsed)
}

/// The secret of a link: 32 random bytes in hexadecimal.
fn new_token() -> String {
    let (one, other) = rand::random::<(u128, u128)>();
    format!("{one:032x}{other:032x}")
}

/// What rests of a token. Every text has one, so that a wrong one is looked up like a right
/// one.
pub(super) fn token_hash(token: &str) -> Vec<u8> {
    service::request_hash(token.as_bytes())
}
