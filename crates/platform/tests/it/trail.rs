//! The audit trail.

use platform::{AuditEntry, Caller, Outcome, audit, audit_many};
use serde_json::{Value, json};
use sqlx::Row as _;
use time::{OffsetDateTime, macros::datetime};
use tracing::Instrument as _;
use vocabulary::Role;

use crate::{database::pool, env::trace};

const NOW: OffsetDateTime = datetime!(2026-11-02 12:00:00.123456 UTC);

fn entry<'a>(caller: &'a Caller, object: &'a str) -> AuditEntry<'a> {
    AuditEntry {
        caller,
        action: "report.read",
        object,
        outcome: Outcome::Done,
        detail: json!({ "filter": "region=76" }),
        at: NOW,
    }
}

#[tokio::test]
async fn an_entry_says_who_did_what_when_and_in_which_trace() {
    trace();
    let pool = pool("trail").await;
    let mut anna = Caller {
        subject: "anna".to_owned(),
        ..Caller::anonymous()
    };
    anna.roles.insert(Role::Analyst);
    let mut tx = pool.begin().await.unwrap();
    let refused = AuditEntry {
        outcome: Outcome::NotVisible,
        ..entry(&anna, "report:1")
    };
    let span = tracing::info_span!("call");
    audit(&mut tx, refused).instrument(span).await.unwrap();
    tx.commit().await.unwrap();

    let row = sqlx::query("select * from audit_entry")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(row.get::<OffsetDateTime, _>("recorded_at"), NOW);
    assert_eq!(row.get::<String, _>("caller_subject"), "anna");
    assert_eq!(
        row.get::<Vec<String>, _>("caller_roles"),
        ["analyst", "anyone"]
    );
    assert_eq!(row.get::<String, _>("action"), "report.read");
    assert_eq!(row.get::<String, _>("object"), "report:1");
    assert_eq!(row.get::<String, _>("outcome"), "not_visible");
    assert_eq!(
        row.get::<Value, _>("detail"),
        json!({ "filter": "region=76" })
    );
    assert_eq!(row.get::<String, _>("trace_id").len(), 32);
}

#[tokio::test]
async fn an_entry_goes_with_its_transaction() {
    let pool = pool("with_its_transaction").await;
    let anna = Caller::anonymous();
    let mut tx = pool.begin().await.unwrap();
    audit(&mut tx, entry(&anna, "report:1")).await.unwrap();
    tx.rollback().await.unwrap();
    let count: i64 = sqlx::query_scalar("select count(*) from audit_entry")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn an_object_that_a_client_made_up_is_cut_and_kept() {
    let pool = pool("made_up").await;
    let anna = Caller::anonymous();
    // Random, so that the index cannot make it smaller.
    let mut object: String = (0..200).map(|_| uuid::Uuid::new_v4().to_string()).collect();
    object.insert(3, '\0');
    let mut conn = pool.acquire().await.unwrap();
    audit(&mut conn, entry(&anna, &object)).await.unwrap();
    let kept: String = sqlx::query_scalar("select object from audit_entry")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    let begin: String = object[..200].replace('\0', "\u{fffd}");
    assert!(kept.starts_with(&begin), "{kept}");
    assert!(kept.ends_with('…') && kept.len() < 2_000, "{kept}");
}

#[tokio::test]
async fn entries_of_one_moment_keep_their_order() {
    let pool = pool("order").await;
    let anna = Caller::anonymous();
    let objects: Vec<String> = (0..200)
        .map(|number| format!("report:{number:03}"))
        .collect();
    let entries: Vec<AuditEntry<'_>> = objects.iter().map(|object| entry(&anna, object)).collect();
    let mut conn = pool.acquire().await.unwrap();
    audit_many(&mut conn, &entries).await.unwrap();
    audit_many(&mut conn, &[]).await.unwrap();
    let kept: Vec<String> =
        sqlx::query_scalar("select object from audit_entry order by audit_entry_id")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
    assert_eq!(kept, objects);
}
