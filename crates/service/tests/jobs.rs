//! Jobs against a database: months, order, operators.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use platform::{DatabaseConfig, Files};
use serde_json::json;
use service::jobs::{
    Failure, Handler, JOBS_MIGRATOR, Job, JobMetrics, JobPolicy, Jobs, NewJob, add_jobs,
    make_job_due,
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
        vec!["known".to_owned()]
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        self.asked.lock().unwrap().push(job.job_id);
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
        job("known", now),
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
async fn a_receiver_that_is_away_is_asked_once_a_turn_and_nothing_is_given_up() {
    let jobs = jobs().await;
    let away = || Err(Failure::Away("connect".to_owned()));
    let receiver = Receiver::answering([away(), away(), away(), away()]);
    add(
        &jobs,
        &[job("known", platform::now()), job("known", platform::now())],
    )
    .await;
    for asked in 1..=4 {
        assert!(jobs.step(&receiver).await.unwrap());
        assert_eq!(receiver.asked.lock().unwrap().len(), asked);
    }
    until_idle(&jobs, &receiver).await;
    assert_eq!(count(&jobs.pool, "select count(*) from job_done").await, 2);
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
