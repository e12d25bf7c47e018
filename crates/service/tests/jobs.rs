//! Jobs against a database: months, order, operators.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use platform::{DatabaseConfig, Files, Metrics};
use serde_json::json;
use service::jobs::{
    Failure, Handler, JOBS_MIGRATOR, Job, JobMetrics, JobPolicy, Jobs, NewJob, add_jobs,
    add_new_jobs, make_job_due,
};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Answers as it is told, and notes what it was asked.
#[derive(Default)]
struct Receiver {
    answers: Mutex<Vec<Result<(), Failure>>>,
    asked: Mutex<Vec<Uuid>>,
}

impl Receiver {
    fn answering(answers: impl IntoIterator<Item = Result<(), Failure>>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        }
    }
}

#[async_trait]
impl Handler for Receiver {
    fn kinds(&self) -> Vec<String> {
        vec!["known".to_owned(), "other".to_owned()]
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(job.job_id);
        assert!(job.payload["panic"].is_null(), "on purpose");
        self.answers.lock().unwrap().pop().unwrap_or(Ok(()))
    }
}

async fn jobs() -> Jobs {
    let database = testkit::postgres().await.database("jobs").await;
    let config = DatabaseConfig::new(database.url("intake"), "intake");
    platform::migrate(&config, &[&platform::MIGRATOR, &JOBS_MIGRATOR])
        .await
        .unwrap();
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let policy = JobPolicy {
        base: Duration::ZERO,
        refusals: 2,
        claim: Duration::MINUTE,
        grace: std::time::Duration::ZERO,
    };
    Jobs::open(pool, policy, JobMetrics::default())
        .await
        .unwrap()
}

fn job(kind: &str, due_at: OffsetDateTime) -> NewJob {
    NewJob {
        job_id: Uuid::now_v7(),
        kind: kind.to_owned(),
        subject: "report/1".to_owned(),
        urgent: false,
        due_at,
        traceparent: None,
        payload: json!({}),
    }
}

async fn add(jobs: &Jobs, new: &[NewJob]) {
    let mut conn = jobs.pool.acquire().await.unwrap();
    add_jobs(&mut conn, new, platform::now()).await.unwrap();
}

async fn until_idle(jobs: &Jobs, receiver: &Receiver) {
    while jobs.step(receiver).await.unwrap() {}
}

async fn count(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn what_is_due_is_done_once_in_its_turn_and_what_nobody_knows_waits() {
    let (jobs, receiver) = (jobs().await, Receiver::default());
    let now = platform::now();
    let [first, second, later, unknown] = [
        job("known", now - Duration::MINUTE),
        job("other", now),
        job("known", now + Duration::HOUR),
        job("unknown", now - Duration::HOUR),
    ];
    let urgent = NewJob {
        urgent: true,
        ..job("known", now)
    };
    let all = [
        second.clone(),
        later,
        unknown,
        urgent.clone(),
        first.clone(),
    ];
    add(&jobs, &all).await;
    // Added again by a replay.
    add(&jobs, &all).await;
    until_idle(&jobs, &receiver).await;
    let expected = [urgent.job_id, first.job_id, second.job_id];
    assert_eq!(*receiver.asked.lock().unwrap(), expected);
    assert_eq!(count(&jobs.pool, "select count(*) from job_done").await, 3);
    let left = "select count(*) from job where attempts = 0 and claimed_until is null";
    assert_eq!(count(&jobs.pool, left).await, 2);
}

#[tokio::test]
async fn a_job_that_is_said_to_be_new_is_added_once_and_a_second_time_refused() {
    let (jobs, receiver) = (jobs().await, Receiver::default());
    let mut conn = jobs.pool.acquire().await.unwrap();
    let new = job("known", platform::now());
    let twice = [new.clone(), new.clone()];
    add_new_jobs(&mut conn, &twice, platform::now())
        .await
        .unwrap();
    let again = add_new_jobs(&mut conn, &twice, platform::now()).await;
    let refused = again.unwrap_err();
    assert!(refused.as_database_error().unwrap().is_unique_violation());
    until_idle(&jobs, &receiver).await;
    assert_eq!(*receiver.asked.lock().unwrap(), [new.job_id]);
}

#[tokio::test]
async fn a_job_refused_too_often_is_given_up_until_an_operator_makes_it_due() {
    let jobs = jobs().await;
    let refused = || Err(Failure::Refused("refused_450".to_owned()));
    let receiver = Receiver::answering([refused(), refused()]);
    let new = job("known", platform::now());
    add(&jobs, std::slice::from_ref(&new)).await;
    until_idle(&jobs, &receiver).await;
    let dead = "select count(*) from job
                where due_at is null and refusals = 2 and last_error = 'refused_450'";
    assert_eq!(count(&jobs.pool, dead).await, 1);

    let mut conn = jobs.pool.acquire().await.unwrap();
    for due in [true, false] {
        let made = make_job_due(&mut conn, new.job_id, platform::now()).await;
        assert_eq!(made.unwrap(), due, "only what was given up is made due");
    }
    until_idle(&jobs, &receiver).await;
    assert_eq!(*receiver.asked.lock().unwrap(), [new.job_id; 3]);
    let attempts = "select count(*) from job_attempt";
    assert_eq!(count(&jobs.pool, attempts).await, 3);
    let done = "select count(*) from job_done where attempts = 3";
    assert_eq!(count(&jobs.pool, done).await, 1);
}

#[tokio::test]
async fn while_a_receiver_is_away_each_job_waits_its_turn_and_none_is_given_up() {
    let mut jobs = jobs().await;
    jobs.policy.base = Duration::HOUR;
    let receiver = Receiver::answering([(); 8].map(|()| Err(Failure::Away("connect".to_owned()))));
    let new = [job("known", platform::now()), job("known", platform::now())];
    add(&jobs, &new).await;
    // More often than a refusal is borne.
    for asked in [2, 4, 6, 8] {
        until_idle(&jobs, &receiver).await;
        assert_eq!(receiver.asked.lock().unwrap().len(), asked);
        let wait = "select count(*) from job where refusals = 0 and last_error = 'connect'
                    and due_at between now() + interval '7 minutes' and now() + interval '13 minutes'";
        assert_eq!(count(&jobs.pool, wait).await, 2);
        sqlx::raw_sql("update job set due_at = now()")
            .execute(&jobs.pool)
            .await
            .unwrap();
    }
    until_idle(&jobs, &receiver).await;
    assert_eq!(count(&jobs.pool, "select count(*) from job_done").await, 2);
}

#[tokio::test]
async fn a_job_that_panics_is_given_up_and_the_others_are_done() {
    let (jobs, receiver) = (jobs().await, Receiver::default());
    let panics = NewJob {
        payload: json!({ "panic": true }),
        ..job("known", platform::now())
    };
    add(&jobs, &[panics, job("other", platform::now())]).await;
    until_idle(&jobs, &receiver).await;
    let dead = "select count(*) from job
                where due_at is null and refusals = 2 and last_error = 'panic'";
    assert_eq!(count(&jobs.pool, dead).await, 1);
    assert_eq!(count(&jobs.pool, "select count(*) from job_done").await, 1);
}

/// Is overtaken by somebody else, who does this, while it is asked.
struct Overtaken {
    pool: PgPool,
    meanwhile: &'static str,
    answer: Result<(), Failure>,
}

const CLAIMED: &str = "update job set claimed_until = claimed_until + interval '1 minute'";

#[async_trait]
impl Handler for Overtaken {
    fn kinds(&self) -> Vec<String> {
        vec!["known".to_owned()]
    }

    async fn run(&self, _: &Job) -> Result<(), Failure> {
        sqlx::raw_sql(self.meanwhile)
            .execute(&self.pool)
            .await
            .unwrap();
        self.answer.clone()
    }
}

#[tokio::test]
async fn what_was_done_is_recorded_whatever_became_of_it_in_the_queue() {
    let moved = "update job set claimed_until = null, due_at = due_at + interval '1 hour'";
    let given_up = "update job set claimed_until = null, due_at = null";
    for meanwhile in [CLAIMED, moved, given_up] {
        let jobs = jobs().await;
        add(&jobs, &[job("known", platform::now())]).await;
        let overtaken = Overtaken {
            pool: jobs.pool.clone(),
            meanwhile,
            answer: Ok(()),
        };
        assert!(jobs.step(&overtaken).await.unwrap());
        let left = count(&jobs.pool, "select count(*) from job").await;
        let done = count(&jobs.pool, "select count(*) from job_done").await;
        assert_eq!((left, done), (0, 1), "{meanwhile}");
    }
}

#[tokio::test]
async fn only_who_still_has_the_claim_gives_a_job_up_and_tells_of_it() {
    let (mut jobs, metrics) = (jobs().await, Metrics::default());
    jobs.metrics = JobMetrics::register(&metrics);
    let told = || metrics.encode().contains("vigie_job_attempts_total{");
    add(&jobs, &[job("known", platform::now())]).await;
    let overtaken = Overtaken {
        pool: jobs.pool.clone(),
        meanwhile: CLAIMED,
        answer: Err(Failure::Rejected("refused_550".to_owned())),
    };
    assert!(jobs.step(&overtaken).await.unwrap());
    let pending = "select count(*) from job where due_at is not null and refusals = 0";
    assert_eq!(count(&jobs.pool, pending).await, 1);
    assert!(!told());

    sqlx::raw_sql("update job set claimed_until = null")
        .execute(&jobs.pool)
        .await
        .unwrap();
    until_idle(&jobs, &Receiver::default()).await;
    assert!(told());
}

#[tokio::test]
async fn what_was_done_is_kept_by_month_for_a_year_and_dropped_a_month_at_a_time() {
    let (jobs, receiver) = (jobs().await, Receiver::default());
    add(&jobs, &[job("known", platform::now())]).await;
    until_idle(&jobs, &receiver).await;
    let months = "select count(*) from pg_inherits where inhparent = 'job_done'::regclass";
    assert_eq!(count(&jobs.pool, months).await, 2);
    for (later, kept, done) in [(300, 4, 1), (500, 4, 0)] {
        let now = platform::now() + Duration::days(later);
        jobs.keep_months(now).await.unwrap();
        assert_eq!(count(&jobs.pool, months).await, kept, "after {later} days");
        assert_eq!(
            count(&jobs.pool, "select count(*) from job_done").await,
            done
        );
    }
}

#[tokio::test]
async fn replicas_that_start_together_make_the_months_once() {
    let jobs = Arc::new(jobs().await);
    let now = platform::now() + Duration::days(100);
    let made = (0..4).map(|_| jobs.keep_months(now));
    for made in futures::future::join_all(made).await {
        made.unwrap();
    }
    let months = "select count(*) from pg_inherits where inhparent = 'job_attempt'::regclass";
    assert_eq!(count(&jobs.pool, months).await, 4);
}

#[tokio::test]
async fn a_job_that_ends_in_a_month_without_a_table_is_done_once() {
    let (jobs, receiver) = (jobs().await, Receiver::default());
    let months = "select count(*) from pg_inherits
                  where inhparent in ('job_done'::regclass, 'job_attempt'::regclass)";
    sqlx::raw_sql(
        "do $$ declare month regclass; begin
             for month in select inhrelid::regclass from pg_inherits
                          where inhparent in ('job_done'::regclass, 'job_attempt'::regclass)
             loop execute format('drop table %s', month); end loop;
         end $$",
    )
    .execute(&jobs.pool)
    .await
    .unwrap();
    assert_eq!(count(&jobs.pool, months).await, 0);
    add(&jobs, &[job("known", platform::now())]).await;
    until_idle(&jobs, &receiver).await;
    assert_eq!(receiver.asked.lock().unwrap().len(), 1);
    assert_eq!(count(&jobs.pool, "select count(*) from job_done").await, 1);
    assert_eq!(count(&jobs.pool, months).await, 4);
}

#[tokio::test]
async fn an_old_month_that_is_read_is_dropped_later_and_keeps_no_new_one_from_being_made() {
    let jobs = jobs().await;
    let later = platform::now() + Duration::days(500);
    let mut reader = jobs.pool.begin().await.unwrap();
    sqlx::raw_sql("select from job_done; select from job_attempt")
        .execute(&mut *reader)
        .await
        .unwrap();
    let months = "select count(*) from pg_inherits where inhparent = 'job_done'::regclass";
    jobs.keep_months(later).await.unwrap();
    assert_eq!(count(&jobs.pool, months).await, 4);
    reader.rollback().await.unwrap();
    jobs.keep_months(later).await.unwrap();
    assert_eq!(count(&jobs.pool, months).await, 2);
}
