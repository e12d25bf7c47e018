//! A report that was a false alarm is withdrawn.

use proto::{
    events::v1::ReportWithdrawn,
    intake::v1::{ReportState, WithdrawReportRequest},
};
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{incident, of_two_regions},
    env::{TestEnv, hex, reason},
};

fn withdrawing(report_id: &str, etag: &str) -> WithdrawReportRequest {
    WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: report_id.to_owned(),
        reason: "Fausse alerte.".to_owned(),
        etag: etag.to_owned(),
    }
}

#[tokio::test]
async fn a_withdrawal_is_told_once_however_often_it_is_sent() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let seen = alice.get(&receipt.report_id).await.unwrap();

    let request = withdrawing(&receipt.report_id, &seen.etag);
    let withdrawn = alice.withdraw(request.clone()).await.unwrap();
    assert_eq!(withdrawn.state(), ReportState::Withdrawn);
    assert_ne!(withdrawn.etag, seen.etag);
    assert_eq!(alice.withdraw(request).await.unwrap(), withdrawn);

    let status = alice
        .withdraw(withdrawing(&receipt.report_id, ""))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::FailedPrecondition, "ALREADY_WITHDRAWN")
    );

    let told: Vec<ReportWithdrawn> = env
        .events()
        .await
        .iter()
        .filter(|event| event.event_type == "vigie.report.withdrawn.v1")
        .map(|event| event.decode().unwrap())
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].reason, "Fausse alerte.");
    let outcomes: Vec<_> = env
        .trail_of("report.withdraw")
        .await
        .into_iter()
        .map(|(_, o)| o)
        .collect();
    assert_eq!(outcomes, ["done", "done", "refused"]);
}

#[tokio::test]
async fn a_report_that_changed_since_it_was_seen_is_not_withdrawn() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let status = alice
        .withdraw(withdrawing(&receipt.report_id, "7"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    assert_eq!(
        alice.get(&receipt.report_id).await.unwrap().state(),
        ReportState::Submitted
    );
}

#[tokio::test]
async fn those_who_declared_the_structure_and_its_agency_withdraw_and_nobody_else() {
    let env = TestEnv::with_directory().await;
    let colleague = env.linked("bob");
    let agent = env.agent("84");
    for other in [colleague, agent] {
        let receipt = env.linked("alice").submit(incident()).await.unwrap();
        assert!(
            other
                .withdraw(withdrawing(&receipt.report_id, ""))
                .await
                .is_ok()
        );
    }

    let receipt = env.linked("alice").submit(incident()).await.unwrap();
    for stranger in [
        env.declarant("mallory"),
        env.agent("76"),
        env.importer(),
        env.with_role("prober"),
    ] {
        let status = stranger
            .withdraw(withdrawing(&receipt.report_id, ""))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    let both = TokenSpec::of("carol").role("analyst").role("declarant");
    for (other, refusal) in [
        (env.with_role("security_officer"), "ROLE_MISSING"),
        // The cell sees it, and did not enter it.
        (env.with_role("analyst"), "NOT_YOURS_TO_WITHDRAW"),
        (env.as_user(&both), "NOT_YOURS_TO_WITHDRAW"),
    ] {
        let status = other
            .withdraw(withdrawing(&receipt.report_id, ""))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::PermissionDenied, refusal)
        );
    }
}

#[tokio::test]
async fn an_agency_that_a_report_only_names_reads_it_and_does_not_withdraw_it() {
    let env = TestEnv::start().await;
    let (agent, named) = (env.agent("84"), env.agent("76"));
    let receipt = agent.submit(of_two_regions()).await.unwrap();
    assert!(named.get(&receipt.report_id).await.is_ok());
    let request = withdrawing(&receipt.report_id, "");
    let status = named.withdraw(request.clone()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "NOT_YOURS_TO_WITHDRAW")
    );
    let seen = agent.get(&receipt.report_id).await.unwrap();
    assert_eq!(seen.state(), ReportState::Submitted);
    // A colleague of who entered it does, as the region is the one where it is routed.
    let colleague = TokenSpec::of("colleague")
        .role("regional_agent")
        .region("84");
    assert!(env.as_user(&colleague).withdraw(request).await.is_ok());
}

#[tokio::test]
async fn nothing_of_the_people_rests_in_the_clear() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    alice
        .withdraw(withdrawing(&receipt.report_id, ""))
        .await
        .unwrap();
    let people = incident().declarant.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename::text from pg_tables where schemaname = current_schema()",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    assert!(tables.len() > 8, "{tables:?}");
    let mut shown = 0;
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, ''), '') from {table} as t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&env.pool)
            .await
            .unwrap();
        for word in [&people.family_name, &people.email] {
            assert!(!rows.contains(word.as_str()), "{word} in {table}");
            assert!(!rows.contains(&hex(word)), "{word} in {table}");
        }
        shown += usize::from(rows.contains(&hex(&receipt.reference)));
    }
    assert!(shown > 0, "such a look would find what is there");
}
