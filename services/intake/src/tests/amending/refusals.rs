//! What is refused of amendments.

use super::*;

#[tokio::test]
async fn every_violation_of_an_amendment_is_told_by_its_path() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let refused = async |paths: &[&str], draft: ReportDraft| {
        let request = complement(&receipt, paths, draft);
        let status = alice.amend(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        violations(&status)
    };
    let violation = |field: &str, reason: &str| (field.to_owned(), reason.to_owned());

    let other = ReportDraft {
        structure: finess("010780054"),
        ..described("Tout.")
    };
    assert_eq!(
        refused(&["kind", "structure", "description", "patient"], other).await,
        [
            violation("draft.kind", "IMMUTABLE"),
            violation("draft.structure", "IMMUTABLE"),
            violation("update_mask.paths[3]", "UNKNOWN_VALUE"),
        ]
    );
    let cleared = ReportDraft {
        declarant: Some(Contact {
            email: "pas une adresse".to_owned(),
            ..martin()
        }),
        ..ReportDraft::default()
    };
    assert_eq!(
        refused(&["description", "found_at", "declarant.email"], cleared).await,
        [
            violation("draft.declarant.email", "BAD_FORMAT"),
            violation("draft.description", "REQUIRED"),
            violation("draft.found_at", "REQUIRED"),
        ]
    );
    let regions = ReportDraft {
        regions: vec!["84".to_owned(), "76".to_owned()],
        ..ReportDraft::default()
    };
    assert_eq!(
        refused(&["regions"], regions).await,
        [violation("draft.regions", "CONFLICT")]
    );
    assert_eq!(told(&env).await, []);
}

#[tokio::test]
async fn a_declaration_that_ended_or_went_further_is_not_amended() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let refused = async |request: AmendReportRequest| {
        let status = alice.amend(request).await.unwrap_err();
        (status.code(), reason(&status))
    };
    let receipt = alice.submit(incident()).await.unwrap();
    let last = AmendReportRequest {
        stage: ReportStage::Final.into(),
        ..degraded(&receipt)
    };
    alice.amend(last).await.unwrap();
    assert_eq!(
        refused(degraded(&receipt)).await,
        (Code::FailedPrecondition, "STAGE_PASSED".to_owned())
    );

    let withdrawn = alice.submit(incident()).await.unwrap();
    alice
        .withdraw(WithdrawReportRequest {
            request_id: Uuid::new_v4().to_string(),
            report_id: withdrawn.report_id.clone(),
            reason: "Fausse alerte.".to_owned(),
            etag: String::new(),
        })
        .await
        .unwrap();
    assert_eq!(
        refused(degraded(&withdrawn)).await,
        (Code::FailedPrecondition, "WITHDRAWN".to_owned())
    );
}
