//! A database brought back to an earlier moment, and its log reincarnated.

use platform::Caller;
use proto::types::v1 as types;
use tonic::Code;
use uuid::Uuid;

use crate::tests::env::{TestEnv, analyst, in_scope, reason, second_analyst};

#[tokio::test]
async fn after_a_restore_every_case_outranks_what_was_lost() {
    let env = TestEnv::start().await;
    let opened = env.open(&env.report()).await;
    let id = opened.case_id.as_str();
    env.claim(&analyst(), id).await.unwrap();
    env.qualify(&analyst(), in_scope(id)).await.unwrap();
    let lost = env.close(&analyst(), id).await.unwrap();
    let before = env.announced(id).await;
    assert_eq!(before.last().unwrap().revision, 4);

    env.restore_to_its_opening(id).await;
    let told = env.snapshot().await;
    let [restored] = told.values().collect::<Vec<_>>()[..] else {
        panic!("one case: {told:?}")
    };
    assert_eq!(restored.state(), types::CaseState::Submitted);
    assert!(restored.revision > 4, "{}", restored.revision);

    for _ in 0..3 {
        env.claim(&second_analyst(), id).await.unwrap();
    }
    let after = env.announced(id).await;
    let revisions: Vec<u64> = after.iter().skip(1).map(|change| change.revision).collect();
    assert!(revisions[0] > restored.revision, "{revisions:?}");
    assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");

    // The case changed as often as before: an etag of then is not one of now.
    let stale = proto::qualification::v1::CloseCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: id.to_owned(),
        etag: lost.etag,
        ..Default::default()
    };
    let refused = env
        .case_client(&analyst())
        .close_case(stale)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
}

#[tokio::test]
async fn after_a_restore_only_what_comes_again_has_the_id_it_had() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let id = opened.case_id.as_str();
    env.claim(&analyst(), id).await.unwrap();
    let withdrawal = env.withdraw(&report, "Fausse alerte").await;
    env.case_where(&report, |case| case.history.len() == 3)
        .await;
    let before = env.announced_ids(id).await;

    env.restore_to_its_opening(id).await;
    // Its opening is told under the id it had, and what the consumer of intake
    // applies again is announced under the id it had.
    assert_eq!(
        env.snapshot().await.into_keys().collect::<Vec<_>>(),
        before[..1]
    );
    env.announce(&[report.withdrawal(withdrawal, "Fausse alerte")])
        .await;
    env.case_where(&report, |case| case.history.len() == 2)
        .await;
    assert_eq!(env.announced_ids(id).await, [before[0], before[2]]);

    env.restore_to_its_opening(id).await;
    // The same person, the same command, the same revision: another change.
    env.claim(&analyst(), id).await.unwrap();
    let after = env.announced_ids(id).await;
    assert_eq!(after.len(), 2);
    assert!(!before.contains(&after[1]));
}

impl TestEnv {
    /// Brings the service's database back to when the case was opened, as a
    /// restore does, and gives its log a new history.
    async fn restore_to_its_opening(&self, case_id: &str) {
        let id = Uuid::try_parse(case_id).unwrap();
        let mut transaction = self.pool.begin().await.unwrap();
        sqlx::query(
            "delete from event where subject = 'case/' || $1::text and position > (
                 select min(position) from event where subject = 'case/' || $1::text)",
        )
        .bind(id)
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query(
            "update eventlog_head h set position = coalesce(
                 (select max(position) from event e where e.shard = h.shard), 0)",
        )
        .execute(&mut *transaction)
        .await
        .unwrap();
        sqlx::query("delete from case_entry where case_id = $1 and revision > 1")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::query(
            "update case_file set revision = 1, state = 'submitted', changed_at = opened_at,
                 confirmed = null, major = false, assignee = null, lessons_learned = null,
                 closed_at = null
             where case_id = $1",
        )
        .bind(id)
        .execute(&mut *transaction)
        .await
        .unwrap();
        let operator = Caller::service("operator");
        eventlog::reincarnate(&mut transaction, &operator, platform::now())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }

    async fn announced_ids(&self, case_id: &str) -> Vec<Uuid> {
        sqlx::query_scalar("select event_id from event where subject = $1 order by position")
            .bind(format!("case/{case_id}"))
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}
