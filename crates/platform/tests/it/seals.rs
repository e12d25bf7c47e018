//! The seals of the audit trail, and what is found of somebody who has the database.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use platform::{
    AuditEntry, AuditSealer, Break, Caller, Checkpoint, Files, Findings, Metrics, Outcome,
    SealingKey, Tasks, audit_many, verify_audit,
};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use testkit::{eventually, eventually_some};
use tokio_util::sync::CancellationToken;

use crate::database::pool;

const KEY: [u8; 32] = [5; 32];

/// An audit trail that is sealed while entries come.
struct Trail {
    pool: PgPool,
    metrics: Metrics,
    shutdown: CancellationToken,
    tasks: Tasks,
}

impl Trail {
    async fn start(name: &str) -> Self {
        Self::over(&pool(name).await, KEY)
    }

    /// Seals, beside whoever else does.
    fn over(pool: &PgPool, key: [u8; 32]) -> Self {
        let metrics = Metrics::new();
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        let key = SealingKey::from_bytes(key);
        let sealer = AuditSealer::new("example", pool.clone(), key, &metrics);
        tasks.spawn("sealer", sealer.run(shutdown.clone()));
        Self {
            pool: pool.clone(),
            metrics,
            shutdown,
            tasks,
        }
    }

    /// Records entries on these objects and waits for their seal.
    async fn record(&self, objects: &[&str]) {
        let mut conn = self.pool.acquire().await.unwrap();
        record(&mut conn, objects).await;
        self.settle().await;
    }

    /// Waits until every entry is sealed.
    async fn settle(&self) {
        eventually(async || {
            let found = self.verify(None).await;
            found.waiting == 0
        })
        .await;
    }

    async fn verify(&self, checkpoint: Option<&Checkpoint>) -> Findings {
        let key = SealingKey::from_bytes(KEY);
        verify_audit(&self.pool, "example", &key, checkpoint)
            .await
            .unwrap()
    }

    async fn breaks(&self) -> Vec<Break> {
        self.verify(None).await.breaks
    }

    /// Does what somebody with the password of the database can.
    async fn tamper(&self, statement: &'static str) {
        let done = sqlx::query(statement).execute(&self.pool).await.unwrap();
        assert_ne!(done.rows_affected(), 0, "{statement}");
    }

    /// Stops sealing, so that what is tampered with is not found at once.
    async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks
            .join(std::time::Duration::from_secs(5))
            .await
            .unwrap();
    }

    fn metric(&self, name: &str) -> f64 {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn record(conn: &mut PgConnection, objects: &[&str]) {
    let anna = Caller {
        subject: "anna".to_owned(),
        ..Caller::anonymous()
    };
    let entries: Vec<_> = objects
        .iter()
        .map(|object| AuditEntry {
            caller: &anna,
            action: "case.read",
            object,
            outcome: Outcome::Done,
            detail: json!({ "z": 1, "a": [1.50, "é"] }),
            at: platform::now(),
        })
        .collect();
    audit_many(conn, &entries).await.unwrap();
}

#[tokio::test]
async fn entries_are_sealed_once_in_the_order_of_their_transactions_also_by_two_replicas() {
    let trail = Trail::start("sealed_once").await;
    let _replica = Trail::over(&trail.pool, KEY);
    trail.record(&["case:1", "case:2"]).await;
    trail.record(&["case:3"]).await;
    let found = trail.verify(None).await;
    assert_eq!((found.sealed, found.before), (3, 0));
    assert_eq!(found.breaks, []);
    eventually(async || trail.metric("vigie_audit_unsealed_age_seconds") <= 0.0).await;
}

#[tokio::test]
async fn an_entry_whose_transaction_is_still_open_is_sealed_when_it_ends() {
    let trail = Trail::start("still_open").await;
    let mut early = trail.pool.begin().await.unwrap();
    record(&mut early, &["case:early"]).await;
    let mut conn = trail.pool.acquire().await.unwrap();
    record(&mut conn, &["case:late"]).await;
    // It waits, or the early one would come in below its seal.
    eventually(async || trail.metric("vigie_audit_unsealed_age_seconds") > 0.5).await;
    let found = trail.verify(None).await;
    assert_eq!((found.sealed, found.waiting), (0, 1));

    early.commit().await.unwrap();
    trail.settle().await;
    let found = trail.verify(None).await;
    assert_eq!((found.sealed, found.breaks.len()), (2, 0));
    assert_eq!(found.checkpoint.to_string().split_once(':').unwrap().0, "1");
}

#[tokio::test]
async fn whoever_edits_removes_adds_or_moves_an_entry_is_found() {
    let trail = Trail::start("tampered").await;
    trail.record(&["case:1", "case:2"]).await;
    trail.record(&["case:3"]).await;
    trail.stop().await;
    sqlx::query("create table kept as select * from audit_entry")
        .execute(&trail.pool)
        .await
        .unwrap();
    for statement in [
        "update audit_entry set caller_subject = 'bob' where object = 'case:1'",
        "update audit_entry set outcome = 'refused' where object = 'case:1'",
        "update audit_entry set detail = detail || '{\"z\": 2}' where object = 'case:1'",
        "update audit_entry set recorded_at = recorded_at + interval '1 us' where object = 'case:1'",
        "update audit_entry set caller_roles = '{analyst}' where object = 'case:1'",
        "update audit_entry set trace_id = repeat('0', 32) where object = 'case:1'",
        "update audit_entry set audit_entry_id = gen_random_uuid() where object = 'case:1'",
        "delete from audit_entry where object = 'case:1'",
        "insert into audit_entry select gen_random_uuid(), recorded_at, 'eve', caller_roles, action,
             object, outcome, detail, trace_id, transaction_id
         from audit_entry where object = 'case:1'",
        "update audit_entry set transaction_id = (
             select max(transaction_id) from audit_entry) where object = 'case:1'",
    ] {
        trail.tamper(statement).await;
        let breaks = trail.breaks().await;
        assert!(matches!(breaks[..], [Break::Entries(1, _), ..]), "{statement}: {breaks:?}");
        trail.tamper("delete from audit_entry").await;
        trail.tamper("insert into audit_entry select * from kept").await;
        assert_eq!(trail.breaks().await, []);
    }
}

#[tokio::test]
async fn entries_hidden_from_the_seals_are_found() {
    let trail = Trail::start("hidden").await;
    trail.record(&["case:1", "case:2"]).await;
    trail.stop().await;
    trail
        .tamper("update audit_entry set transaction_id = null where object = 'case:1'")
        .await;
    let breaks = trail.breaks().await;
    assert!(
        matches!(breaks[..], [Break::Entries(1, _), Break::Before]),
        "{breaks:?}"
    );
    trail
        .tamper("update audit_entry set transaction_id = -1 where object = 'case:1'")
        .await;
    let breaks = trail.breaks().await;
    assert!(
        matches!(breaks[..], [Break::Missing(0), Break::Entries(1, _)]),
        "{breaks:?}"
    );
}

#[tokio::test]
async fn entries_from_before_there_were_seals_are_bound_by_their_number() {
    let trail = Trail::start("before").await;
    trail.stop().await;
    // As the migration finds the trail of an earlier release.
    let mut conn = trail.pool.acquire().await.unwrap();
    record(&mut conn, &["case:1", "case:2"]).await;
    trail
        .tamper("update audit_entry set transaction_id = null")
        .await;
    trail
        .tamper("update audit_seal set entries = 2, total = 2 where number = 0")
        .await;
    let found = trail.verify(None).await;
    assert_eq!((found.sealed, found.before, found.breaks.len()), (0, 2, 0));
    let _sealed = Trail::over(&trail.pool, KEY);
    trail.record(&["case:3"]).await;
    trail
        .tamper("delete from audit_entry where object = 'case:1'")
        .await;
    assert_eq!(trail.breaks().await, [Break::Before]);
    trail
        .tamper("update audit_seal set entries = 1 where number = 0")
        .await;
    assert_eq!(trail.breaks().await, [Break::Missing(0)]);
    trail
        .tamper("update audit_seal set total = 1 where number = 0")
        .await;
    let breaks = trail.breaks().await;
    assert!(matches!(breaks[..], [Break::Entries(1, _)]), "{breaks:?}");
}

#[tokio::test]
async fn a_trail_without_any_seal_is_no_trail_that_waits() {
    let trail = Trail::start("no_seals").await;
    trail.record(&["case:1"]).await;
    trail.tamper("delete from audit_seal").await;
    let mut conn = trail.pool.acquire().await.unwrap();
    record(&mut conn, &["case:2"]).await;
    eventually(async || trail.metric("vigie_audit_breaks_total") > 0.0).await;
    assert_eq!(trail.breaks().await, [Break::Missing(0)]);
}

#[tokio::test]
async fn a_database_that_counts_transactions_anew_is_told_apart_from_tampering() {
    let trail = Trail::start("counted_anew").await;
    trail.record(&["case:1"]).await;
    trail.stop().await;
    trail
        .tamper("update audit_seal set until = until + 1000000000 where number = 1")
        .await;
    assert_eq!(trail.breaks().await[0], Break::CountedAnew);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_seal_while_many_write_leave_one_chain_with_every_entry() {
    let trail = Trail::start("contended").await;
    let replicas = [Trail::over(&trail.pool, KEY), Trail::over(&trail.pool, KEY)];
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..6 {
        let pool = trail.pool.clone();
        writers.spawn(async move {
            for round in 0..200 {
                let mut transaction = pool.begin().await.unwrap();
                record(&mut transaction, &["case:1", "case:2"]).await;
                // Some never were, and some take their time.
                if (writer + round) % 7 == 0 {
                    transaction.rollback().await.unwrap();
                } else {
                    tokio::task::yield_now().await;
                    transaction.commit().await.unwrap();
                }
            }
        });
    }
    writers.join_all().await;
    trail.settle().await;
    let written: i64 = sqlx::query_scalar("select count(*) from audit_entry")
        .fetch_one(&trail.pool)
        .await
        .unwrap();
    let found = trail.verify(None).await;
    assert_eq!((found.sealed, found.breaks), (written, vec![]));
    for each in [&trail, &replicas[0], &replicas[1]] {
        assert_eq!(each.metric("vigie_audit_breaks_total").to_bits(), 0);
    }
}

#[tokio::test]
async fn a_seal_taken_out_is_missed_and_the_end_cut_off_is_told_by_a_checkpoint() {
    let trail = Trail::start("cut").await;
    trail.record(&["case:1"]).await;
    trail.record(&["case:2"]).await;
    trail.record(&["case:3"]).await;
    trail.stop().await;
    let checkpoint = trail.verify(None).await.checkpoint;
    assert_eq!(trail.verify(Some(&checkpoint)).await.breaks, []);

    // The end goes without a trace of its own; what was written down knows better.
    trail
        .tamper("delete from audit_entry where object = 'case:3'")
        .await;
    trail
        .tamper("delete from audit_seal where number = 3")
        .await;
    assert_eq!(trail.breaks().await, []);
    let breaks = trail.verify(Some(&checkpoint)).await.breaks;
    assert_eq!(breaks, [Break::Checkpoint(3)]);

    trail
        .tamper("delete from audit_entry where object = 'case:1'")
        .await;
    trail
        .tamper("delete from audit_seal where number = 1")
        .await;
    let breaks = trail.breaks().await;
    assert!(
        matches!(breaks[..], [Break::Missing(1), Break::Entries(2, _)]),
        "{breaks:?}"
    );
}

#[tokio::test]
async fn a_trail_made_anew_without_the_key_is_found() {
    let trail = Trail::start("made_anew").await;
    trail.record(&["case:1"]).await;
    trail.record(&["case:2"]).await;
    trail.stop().await;
    let checkpoint = trail.verify(None).await.checkpoint;
    // Somebody removes an entry and seals what is left, as the service would.
    trail
        .tamper("delete from audit_entry where object = 'case:1'")
        .await;
    trail
        .tamper("delete from audit_seal where number > 0")
        .await;
    let forger = Trail::over(&trail.pool, [6; 32]);
    forger.settle().await;
    forger.stop().await;
    assert_eq!(trail.breaks().await, [Break::Signature(1)]);
    // The service goes on from there: it says so, and its own seals make nothing good.
    let service = Trail::over(&trail.pool, KEY);
    service.record(&["case:3"]).await;
    eventually(async || service.metric("vigie_audit_breaks_total") > 0.0).await;
    assert_eq!(trail.breaks().await, [Break::Signature(1)]);
    let breaks = trail.verify(Some(&checkpoint)).await.breaks;
    assert!(
        breaks.contains(&Break::Checkpoint(checkpoint_seal(&checkpoint))),
        "{breaks:?}"
    );
}

#[tokio::test]
async fn seals_under_a_key_that_was_given_up_need_a_checkpoint() {
    let trail = Trail::start("earlier_key").await;
    trail.record(&["case:1"]).await;
    trail.stop().await;
    let checkpoint = trail.verify(None).await.checkpoint;
    let renewed = Trail::over(&trail.pool, [9; 32]);
    renewed.record(&["case:2"]).await;
    renewed.stop().await;

    // With both keys in the file, newest first, all is checked.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let encode = |key: [u8; 32]| STANDARD.encode(key);
    std::fs::write(&file, [encode([9; 32]), encode(KEY)].join("\n")).unwrap();
    let both = SealingKey::of_file("SEALING_LOG_KEY_FILE", &file, &Files::default()).unwrap();
    let verify = async |key: &SealingKey, checkpoint: Option<&Checkpoint>| {
        verify_audit(&trail.pool, "example", key, checkpoint)
            .await
            .unwrap()
            .breaks
    };
    assert_eq!(verify(&both, None).await, []);
    // Without the earlier one its seals are nobody's, but for a checkpoint after them.
    let newer = SealingKey::from_bytes([9; 32]);
    assert_eq!(verify(&newer, None).await, [Break::Signature(1)]);
    assert_eq!(verify(&newer, Some(&checkpoint)).await, []);
    assert_eq!(trail.breaks().await, [Break::Signature(2)]);
}

#[tokio::test]
async fn a_service_that_runs_notices_that_its_last_seal_is_gone() {
    let trail = Trail::start("noticed").await;
    trail.record(&["case:1"]).await;
    trail.record(&["case:2"]).await;
    assert_eq!(trail.metric("vigie_audit_breaks_total").to_bits(), 0);
    trail
        .tamper("delete from audit_seal where number = 2")
        .await;
    trail
        .tamper("delete from audit_entry where object = 'case:2'")
        .await;
    let mut conn = trail.pool.acquire().await.unwrap();
    record(&mut conn, &["case:3"]).await;
    eventually(async || trail.metric("vigie_audit_breaks_total") > 0.0).await;
    // And goes on sealing.
    trail.settle().await;
}

#[tokio::test]
async fn a_transaction_of_more_entries_than_a_seal_takes_is_sealed_whole() {
    let trail = Trail::start("large").await;
    let objects: Vec<String> = (0..5_100).map(|number| format!("case:{number}")).collect();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    trail.record(&objects).await;
    trail.record(&["case:last"]).await;
    let found = eventually_some(async || {
        Some(trail.verify(None).await).filter(|found| found.sealed == 5_101)
    })
    .await;
    assert_eq!(found.breaks, []);
}

fn checkpoint_seal(checkpoint: &Checkpoint) -> i64 {
    let text = checkpoint.to_string();
    text.split_once(':').unwrap().0.parse().unwrap()
}
