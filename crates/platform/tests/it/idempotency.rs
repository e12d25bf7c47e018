//! The same request twice.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use platform::{
    Caller, Claim, Error, Files, RequestKey, SealingKey, claim_request, complete_request,
    key_request_hashes, purge_requests,
};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use crate::database::pool;

const NOW: OffsetDateTime = datetime!(2026-11-02 12:00 UTC);

fn caller(subject: &str) -> Caller {
    Caller {
        subject: subject.to_owned(),
        ..Caller::anonymous()
    }
}

fn key(caller: &Caller, request_id: u128) -> RequestKey<'_> {
    RequestKey {
        caller,
        method: "SubmitReport",
        request_id: Uuid::from_u128(request_id),
    }
}

async fn answer(pool: &PgPool, key: &RequestKey<'_>, response: &[u8], now: OffsetDateTime) {
    let mut tx = pool.begin().await.unwrap();
    assert_eq!(
        claim_request(&mut tx, key, b"hash", None, now)
            .await
            .unwrap(),
        Claim::New
    );
    complete_request(&mut tx, key, response).await.unwrap();
    tx.commit().await.unwrap();
}

fn sealing_key() -> SealingKey {
    SealingKey::from_bytes([7; 32])
}

async fn claim(pool: &PgPool, key: &RequestKey<'_>, hash: &[u8]) -> Result<Claim, Error> {
    let mut tx = pool.begin().await.unwrap();
    claim_request(&mut tx, key, hash, Some(&sealing_key()), NOW).await
}

#[tokio::test]
async fn a_retry_gets_the_same_answer() {
    let pool = pool("retry").await;
    let anna = caller("anna");
    answer(&pool, &key(&anna, 1), b"receipt", NOW).await;
    let again = claim(&pool, &key(&anna, 1), b"hash").await.unwrap();
    assert_eq!(again, Claim::Replay(b"receipt".to_vec()));
}

#[tokio::test]
async fn a_key_with_another_content_is_refused() {
    let pool = pool("reused").await;
    let anna = caller("anna");
    answer(&pool, &key(&anna, 1), b"receipt", NOW).await;
    let error = claim(&pool, &key(&anna, 1), b"other").await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists(_)));
    assert_eq!(error.code(), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn callers_and_methods_have_keys_of_their_own() {
    let pool = pool("own_keys").await;
    let (anna, bert) = (caller("anna"), caller("bert"));
    answer(&pool, &key(&anna, 1), b"receipt", NOW).await;
    assert_eq!(
        claim(&pool, &key(&bert, 1), b"other").await.unwrap(),
        Claim::New
    );
    let other = RequestKey {
        method: "WithdrawReport",
        ..key(&anna, 1)
    };
    assert_eq!(claim(&pool, &other, b"other").await.unwrap(), Claim::New);
}

#[tokio::test]
async fn a_twin_waits_for_the_first_and_gets_its_answer() {
    let pool = pool("twin").await;
    let anna = caller("anna");
    let key = key(&anna, 1);
    let mut first = pool.begin().await.unwrap();
    claim_request(&mut first, &key, b"hash", None, NOW)
        .await
        .unwrap();
    let holder: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut *first)
        .await
        .unwrap();
    let twin = async {
        let mut tx = pool.begin().await.unwrap();
        // A busy machine may take its time.
        sqlx::raw_sql("set local lock_timeout = '1min'")
            .execute(&mut *tx)
            .await
            .unwrap();
        let claimed = claim_request(&mut tx, &key, b"hash", None, NOW).await;
        tx.commit().await.unwrap();
        claimed
    };
    let finish = async {
        testkit::eventually(async || {
            sqlx::query_scalar(
                "select exists (
                     select from pg_stat_activity where $1 = any(pg_blocking_pids(pid))
                 )",
            )
            .bind(holder)
            .fetch_one(&pool)
            .await
            .unwrap()
        })
        .await;
        complete_request(&mut first, &key, b"receipt")
            .await
            .unwrap();
        first.commit().await.unwrap();
    };
    let (twin, ()) = tokio::join!(twin, finish);
    assert_eq!(twin.unwrap(), Claim::Replay(b"receipt".to_vec()));
}

#[tokio::test]
async fn a_claim_that_was_rolled_back_never_was() {
    let pool = pool("rolled_back").await;
    let anna = caller("anna");
    let mut tx = pool.begin().await.unwrap();
    claim_request(&mut tx, &key(&anna, 1), b"hash", None, NOW)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(
        claim(&pool, &key(&anna, 1), b"other").await.unwrap(),
        Claim::New
    );
}

#[tokio::test]
async fn answers_are_forgotten_after_thirty_days() {
    let pool = pool("forgotten").await;
    let anna = caller("anna");
    answer(&pool, &key(&anna, 1), b"old", NOW - Duration::days(31)).await;
    answer(&pool, &key(&anna, 2), b"recent", NOW - Duration::days(29)).await;
    assert_eq!(purge_requests(&pool, NOW).await.unwrap(), 1);
    assert_eq!(
        claim(&pool, &key(&anna, 1), b"other").await.unwrap(),
        Claim::New
    );
    let kept = claim(&pool, &key(&anna, 2), b"hash").await.unwrap();
    assert_eq!(kept, Claim::Replay(b"recent".to_vec()));
}

#[tokio::test]
async fn a_purge_takes_all_its_steps() {
    let pool = pool("steps").await;
    sqlx::query(
        "insert into idempotency_key (caller_subject, method, request_id, request_hash, created_at)
         select 'anna', 'm', gen_random_uuid(), '', $1 from generate_series(1, 2500)",
    )
    .bind(NOW - Duration::days(40))
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(purge_requests(&pool, NOW).await.unwrap(), 2_500);
}

#[tokio::test]
async fn a_hash_is_keyed_after_an_hour_and_tells_the_same_requests_apart() {
    let pool = pool("keyed").await;
    let anna = caller("anna");
    let (old, recent) = (key(&anna, 1), key(&anna, 2));
    let (hash, other) = ([1; 32], [2; 32]);
    for (key, at) in [(&old, NOW - Duration::hours(2)), (&recent, NOW)] {
        let mut tx = pool.begin().await.unwrap();
        let claim = claim_request(&mut tx, key, &hash, Some(&sealing_key()), at).await;
        assert_eq!(claim.unwrap(), Claim::New);
        complete_request(&mut tx, key, b"receipt").await.unwrap();
        tx.commit().await.unwrap();
    }
    for expected in [1, 0] {
        let keyed = key_request_hashes(&pool, &sealing_key(), NOW).await;
        assert_eq!(keyed.unwrap(), expected);
    }
    let plain: Vec<Uuid> =
        sqlx::query_scalar("select request_id from idempotency_key where request_hash = $1")
            .bind(hash)
            .fetch_all(&pool)
            .await
            .unwrap();
    // The release before, which runs beside this one, reads no other.
    assert_eq!(plain, [recent.request_id]);
    for key in [&old, &recent] {
        let again = claim(&pool, key, &hash).await.unwrap();
        assert_eq!(again, Claim::Replay(b"receipt".to_vec()));
        let reused = claim(&pool, key, &other).await.unwrap_err();
        assert_eq!(reused.code(), "REQUEST_ID_REUSED");
    }
    // Who has not the key does not tell what was asked.
    let mut tx = pool.begin().await.unwrap();
    let other_key = SealingKey::from_bytes([8; 32]);
    let guessed = claim_request(&mut tx, &old, &hash, Some(&other_key), NOW).await;
    assert!(guessed.is_err());
}

#[tokio::test]
async fn a_retry_is_recognised_after_a_rotation_of_the_key() {
    let pool = pool("rotated").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let line = |byte: u8| STANDARD.encode([byte; 32]);
    std::fs::write(&path, line(7)).unwrap();
    let files = Files::default();
    let sealing_key = SealingKey::of_file("SEALING_MASTER_KEY_FILE", &path, &files).unwrap();
    let (anna, hash) = (caller("anna"), [1; 32]);
    let key = key(&anna, 1);
    let mut tx = pool.begin().await.unwrap();
    let at = NOW - Duration::hours(2);
    let claim = claim_request(&mut tx, &key, &hash, Some(&sealing_key), at).await;
    assert_eq!(claim.unwrap(), Claim::New);
    complete_request(&mut tx, &key, b"receipt").await.unwrap();
    tx.commit().await.unwrap();
    let keyed = key_request_hashes(&pool, &sealing_key, NOW).await;
    assert_eq!(keyed.unwrap(), 1);

    std::fs::write(&path, format!("{}\n{}", line(8), line(7))).unwrap();
    files.poll().await;
    let mut tx = pool.begin().await.unwrap();
    let again = claim_request(&mut tx, &key, &hash, Some(&sealing_key), NOW).await;
    assert_eq!(again.unwrap(), Claim::Replay(b"receipt".to_vec()));
    let reused = claim_request(&mut tx, &key, &[2; 32], Some(&sealing_key), NOW).await;
    assert_eq!(reused.unwrap_err().code(), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn the_hashes_of_many_requests_are_keyed_in_steps() {
    let pool = pool("steps").await;
    sqlx::query(
        "insert into idempotency_key (caller_subject, method, request_id, request_hash, created_at)
         select 'anna', 'm', gen_random_uuid(), decode(repeat('01', 32), 'hex'),
                $1 - i / 3 * interval '1 second'
         from generate_series(1, 2500) as i",
    )
    .bind(NOW - Duration::hours(2))
    .execute(&pool)
    .await
    .unwrap();
    for expected in [2_500, 0] {
        let keyed = key_request_hashes(&pool, &sealing_key(), NOW).await;
        assert_eq!(keyed.unwrap(), expected);
    }
}
