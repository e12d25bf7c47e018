//! This release beside a later one, which adds words.

use proto::{qualification::v1 as pb, types::v1 as types};
use testkit::eventually;
use tonic::Code;

use crate::tests::env::{TestEnv, analyst, in_scope, reason};

#[tokio::test]
async fn words_of_a_later_release_are_kept_shown_and_passed_on() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    let impacts = types::Impacts {
        data: vec![types::DataImpact::Integrity.into(), 81],
        data_natures: vec![82],
        care: 83,
        patient_endangerment: 84,
        reach: 85,
        ..Default::default()
    };
    report.submitted.kind = 86;
    report.submitted.structure.as_mut().unwrap().kind = 87;
    report.submitted.origin = 88;
    report.submitted.origin_types = vec![types::OriginType::Ransomware.into(), 89];
    report.submitted.impacts = Some(impacts.clone());
    report.submitted.visible_to.push("regulator:eu".into());
    let case = env.open(&report).await;

    assert_eq!((case.kind, case.structure_kind), (86, 87));
    let proposed = case.proposed.unwrap();
    assert_eq!(proposed.origin, 88);
    assert_eq!(proposed.origin_types, report.submitted.origin_types);
    assert_eq!(proposed.impacts, Some(impacts.clone()));

    env.claim(&analyst(), &case.case_id).await.unwrap();
    let announced = env.announced(&case.case_id).await;
    assert_eq!(announced.len(), 2);
    for change in announced {
        assert_eq!(change.origin, 88);
        assert_eq!(change.origin_types, report.submitted.origin_types);
        assert_eq!(change.impacts, Some(impacts.clone()));
        assert!(change.visible_to.contains(&"regulator:eu".to_owned()));
    }
}

#[tokio::test]
async fn a_case_that_only_a_later_release_understands_is_shown_and_left_to_it() {
    let env = TestEnv::start().await;
    let report = env.report();
    let case = env.open(&report).await;
    let id = case.case_id.as_str();
    env.qualify(&analyst(), in_scope(id)).await.unwrap();
    env.write(
        id,
        r#"update case_file set state = 'under_review', kind = 'near_miss',
                   confirmed = jsonb_set(confirmed, '{origin_types}', '["ransomware", "quantum"]')
               where case_id = $1"#,
    )
    .await;
    env.write(
        id,
        "update case_entry set state = 'under_review', action = 'reviewed',
                 actor_role = 'reviewer'
             where case_id = $1 and revision = 2",
    )
    .await;

    // Every reader goes on, and sees of it what this release knows.
    let shown = env.get(&analyst(), id).await.unwrap();
    assert_eq!(shown.state(), types::CaseState::Unspecified);
    let types = shown.confirmed.unwrap().origin_types;
    assert_eq!(types, [types::OriginType::Ransomware.into(), 0]);
    assert_eq!(shown.history[1].action, "reviewed");
    assert_eq!(shown.history[1].actor, "reviewer:ana");
    let listed = env.list(&analyst(), pb::ListCasesRequest::default()).await;
    assert_eq!(listed.len(), 1);

    // A command comes back in a moment, and changes nothing.
    let refused = env.claim(&analyst(), id).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "LATER_RELEASE")
    );
    assert_eq!(env.announced(id).await.len(), 2);

    // An event waits for the release that understands, and is applied unasked.
    env.withdraw(&report, "Fausse alerte").await;
    eventually(async || env.parked().await == ["later_release"]).await;
    env.write(
        id,
        r#"update case_file set state = 'qualified',
                   confirmed = jsonb_set(confirmed, '{origin_types}', '["ransomware"]')
               where case_id = $1"#,
    )
    .await;
    env.case_where(&report, |case| case.state() == types::CaseState::Withdrawn)
        .await;
    assert!(env.parked().await.is_empty());
}

#[tokio::test]
async fn what_a_later_release_put_into_a_judgement_survives_a_change_by_this_one() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let id = case.case_id.as_str();
    env.qualify(&analyst(), in_scope(id)).await.unwrap();
    let marked =
        r#"update case_file set confirmed = confirmed || '{"sector": 7}' where case_id = $1"#;
    env.write(id, marked).await;
    env.claim(&analyst(), id).await.unwrap();
    env.close(&analyst(), id).await.unwrap();

    let sector: Option<i32> =
        sqlx::query_scalar("select (confirmed ->> 'sector')::int from case_file")
            .fetch_one(&env.pool)
            .await
            .unwrap();
    assert_eq!(sector, Some(7));
}

impl TestEnv {
    /// Writes what a later release would into the rows of a case, named by `$1`.
    async fn write(&self, case_id: &str, statement: &'static str) {
        sqlx::query(statement)
            .bind(uuid::Uuid::try_parse(case_id).unwrap())
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Why events are kept aside.
    async fn parked(&self) -> Vec<String> {
        sqlx::query_scalar("select reason from parked_event order by arrival")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}
