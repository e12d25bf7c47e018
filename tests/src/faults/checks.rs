//! Compares what clients and receivers saw with what the services keep.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use testkit::Database;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    invariants::{Invariant, invariants},
    ledger::{Ledger, Line, Said},
    mailbox::Mailbox,
    reader::Reader,
    servers::Undone,
};

/// An invariant that was found broken, and by how many.
#[derive(Clone, Debug, Serialize)]
pub struct Broken {
    /// Its name.
    pub invariant: &'static str,
    /// What it claims.
    pub claim: &'static str,
    /// What is not there.
    pub lost: usize,
    /// What is there more than once.
    pub twice: usize,
    /// What is otherwise than it should be.
    pub wrong: usize,
    /// One of them.
    pub such_as: String,
}

/// The books of all services, seen as no service may see them.
pub(super) struct Books(PgConnection);

/// How much was acknowledged and not undone.
pub(super) struct Acknowledged {
    /// Reports.
    pub(super) reports: usize,
    /// What was said of them, by its kind.
    pub(super) said: BTreeMap<String, usize>,
}

/// How often messages were tried and arrived.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Post {
    /// Messages to one address each.
    pub messages: i64,
    /// Tries beyond the first of a message.
    pub further_tries: i64,
    /// Tries of which nothing was recorded: their process or database was
    /// interrupted meanwhile.
    pub unrecorded_tries: i64,
    /// Copies beyond the first of a message.
    pub duplicates: i64,
}

impl Books {
    /// Opens the books.
    pub(super) async fn open(database: &Database) -> Self {
        let connection = PgConnection::connect(&database.superuser_url()).await;
        Self(connection.expect("the database answers"))
    }

    /// Waits until every event is applied everywhere and every message is sent;
    /// returns how long that took, or nothing if it took longer than `patience`.
    pub(super) async fn calm(&mut self, patience: Duration) -> Option<Duration> {
        let started = Instant::now();
        testkit::some_within(patience, async || {
            let behind: i64 = sqlx::query_scalar(include_str!("sql/behind.sql"))
                .fetch_one(&mut self.0)
                .await
                .expect("the database answers");
            (behind == 0).then(|| started.elapsed())
        })
        .await
    }

    /// Lays what clients and receivers saw beside the books; returns what was acknowledged
    /// and not undone.
    pub(super) async fn compare_with(
        &mut self,
        ledger: &Ledger,
        mailbox: &Mailbox,
        reader: &Reader,
        undone: &Undone,
        rejoined_at: &[(&str, OffsetDateTime)],
    ) -> Acknowledged {
        let mut taken_back = vec![];
        let (mut saying, mut said, mut refused) = (vec![], vec![], vec![]);
        let (mut requests, mut reports, mut references) = (vec![], vec![], vec![]);
        let (mut acted_on, mut actions, mut asked) = (vec![], vec![], vec![]);
        for (number, line) in ledger.read().into_iter().enumerate() {
            match line {
                Line::Declared { reference, .. } if undone.lines.contains(&number) => {
                    taken_back.push(reference);
                }
                Line::Acted { .. } | Line::Said(_) if undone.lines.contains(&number) => {}
                Line::Saying { words } => saying.push(words),
                Line::Said(item) => said.push(item),
                Line::Refused { words } => refused.push(words),
                Line::Asked { request_key } => asked.push(request_key),
                Line::Declared {
                    request_id,
                    report_id,
                    reference,
                } => {
                    requests.push(request_id);
                    reports.push(report_id);
                    references.push(reference);
                }
                Line::Acted { report_id, action } => {
                    acted_on.push(report_id);
                    actions.push(action);
                }
            }
        }
        let (deliveries, copies): (Vec<Uuid>, Vec<i32>) = mailbox.copies().into_iter().unzip();
        let meanwhile = |delivery| undone.mails.get(delivery).copied().unwrap_or_default();
        let meanwhile: Vec<i32> = deliveries.iter().map(meanwhile).collect();
        sqlx::raw_sql(include_str!("sql/seen.sql"))
            .execute(&mut self.0)
            .await
            .unwrap();
        sqlx::query("insert into asked select * from unnest($1::uuid[])")
            .bind(&asked)
            .execute(&mut self.0)
            .await
            .unwrap();
        sqlx::query(
            "insert into acknowledged select * from unnest($1::uuid[], $2::uuid[], $3::text[])",
        )
        .bind(&requests)
        .bind(&reports)
        .bind(&references)
        .execute(&mut self.0)
        .await
        .unwrap();
        sqlx::query("insert into acted select * from unnest($1::uuid[], $2::text[])")
            .bind(&acted_on)
            .bind(&actions)
            .execute(&mut self.0)
            .await
            .unwrap();
        sqlx::query("insert into undone select * from unnest($1::text[])")
            .bind(&taken_back)
            .execute(&mut self.0)
            .await
            .unwrap();
        let (producers, moments): (Vec<_>, Vec<_>) = rejoined_at.iter().copied().unzip();
        sqlx::query("insert into rejoined select * from unnest($1::text[], $2::timestamptz[])")
            .bind(&producers)
            .bind(&moments)
            .execute(&mut self.0)
            .await
            .unwrap();
        sqlx::query("insert into mail select * from unnest($1::uuid[], $2::int[], $3::int[])")
            .bind(&deliveries)
            .bind(&copies)
            .bind(&meanwhile)
            .execute(&mut self.0)
            .await
            .unwrap();
        self.compare_conversations(reader, (&saying, &said, &refused))
            .await;
        let mut kinds = BTreeMap::new();
        for item in said {
            *kinds.entry(item.kind).or_default() += 1;
        }
        Acknowledged {
            reports: requests.len(),
            said: kinds,
        }
    }

    /// Lays what was said of reports beside the books, and what the services show of it.
    async fn compare_conversations(
        &mut self,
        reader: &Reader,
        (saying, said, refused): (&[String], &[Said], &[String]),
    ) {
        let references: Vec<String> =
            sqlx::query_scalar("select distinct reference from conversation")
                .fetch_all(&mut self.0)
                .await
                .unwrap();
        let shown = reader.read(references.into_iter().collect()).await;
        for (table, words) in [("saying", saying), ("refused", refused)] {
            let insert = format!("insert into {table} select * from unnest($1::text[])");
            sqlx::query(AssertSqlSafe(insert))
                .bind(words)
                .execute(&mut self.0)
                .await
                .unwrap();
        }
        for (table, items) in [("said", said), ("shown", &shown[..])] {
            let of = |field: fn(&Said) -> &String| -> Vec<String> {
                items.iter().map(field).cloned().collect()
            };
            let insert = format!(
                "insert into {table}
                 select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])"
            );
            sqlx::query(AssertSqlSafe(insert))
                .bind(of(|item| &item.reference))
                .bind(of(|item| &item.kind))
                .bind(of(|item| &item.item))
                .bind(of(|item| &item.words))
                .execute(&mut self.0)
                .await
                .unwrap();
        }
    }

    /// Says which invariants are broken, and by what.
    pub(super) async fn broken_invariants(&mut self) -> Vec<Broken> {
        let mut broken = Vec::new();
        for invariant in invariants() {
            let offenders = offenders(&mut self.0, invariant).await;
            let count = |wanted| offenders.iter().filter(|(_, how)| how == wanted).count();
            if let Some((first, _)) = offenders.first() {
                broken.push(Broken {
                    invariant: invariant.name,
                    claim: invariant.claim,
                    lost: count("lost"),
                    twice: count("twice"),
                    wrong: count("wrong"),
                    such_as: first.clone(),
                });
            }
        }
        broken
    }

    /// Breaks each invariant, and fails unless that is told.
    pub(super) async fn assert_that_violations_are_told(&mut self) {
        for invariant in invariants() {
            let mut violation = self.0.begin().await.unwrap();
            sqlx::query(invariant.violation)
                .execute(&mut *violation)
                .await
                .unwrap();
            let offenders = offenders(&mut violation, invariant).await;
            assert!(
                !offenders.is_empty(),
                "a violation goes unseen: {}",
                invariant.claim
            );
            violation.rollback().await.unwrap();
        }
    }

    /// Counts tries and copies of messages.
    pub(super) async fn post(&mut self) -> Post {
        let (messages, further_tries, unrecorded_tries, duplicates) = sqlx::query_as(
            // What was tried before a restore and is recorded after it has no attempt that is
            // known: that makes up for none of another message.
            "select count(*), sum(greatest(attempts - 1, 0)),
                    sum(greatest(attempts - recorded, 0))::bigint,
                    sum(greatest(copies - undone - 1, 0))
             from message
             join mail using (delivery_id)
             join (
                 select delivery_id, count(*) as recorded
                 from (
                     select job_id as delivery_id from notification.job_attempt
                     union all select delivery_id from notification.delivery_attempt
                 ) as attempt group by delivery_id
             ) as attempt using (delivery_id)",
        )
        .fetch_one(&mut self.0)
        .await
        .unwrap();
        Post {
            messages,
            further_tries,
            unrecorded_tries,
            duplicates,
        }
    }
}

async fn offenders(connection: &mut PgConnection, invariant: &Invariant) -> Vec<(String, String)> {
    sqlx::query_as(invariant.offenders)
        .fetch_all(connection)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", invariant.claim))
}
