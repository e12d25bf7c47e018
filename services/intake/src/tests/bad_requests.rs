//! Malformed requests: each is refused with its field and reason, and leaves
//! nothing behind.

use prost_types::Timestamp;
use proto::intake::v1::{ListReportsRequest, SubmitReportRequest, WithdrawReportRequest};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::{
    drafts::{incident, seconds_ago},
    env::{TestEnv, nothing_is_stored, reason, violations},
};

fn sent() -> SubmitReportRequest {
    SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        draft: Some(incident()),
        ..SubmitReportRequest::default()
    }
}

fn withdrawing() -> WithdrawReportRequest {
    WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: Uuid::new_v4().to_string(),
        reason: "Fausse alerte.".to_owned(),
        etag: String::new(),
    }
}

fn refused(status: &Status, field: &str, reason: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let expected = (field.to_owned(), reason.to_owned());
    assert_eq!(violations(status), [expected]);
}

fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

#[tokio::test]
async fn a_malformed_submission_is_refused_with_its_field() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    let name = |request_id: &str| SubmitReportRequest {
        request_id: request_id.to_owned(),
        ..sent()
    };
    let dated = |declared_at| SubmitReportRequest {
        declared_at,
        ..sent()
    };
    for (request, field, reason) in [
        (name(""), "request_id", "REQUIRED"),
        (name("17"), "request_id", "BAD_FORMAT"),
        (name(&Uuid::nil().to_string()), "request_id", "BAD_FORMAT"),
        (
            SubmitReportRequest {
                draft: None,
                ..sent()
            },
            "draft",
            "REQUIRED",
        ),
        (dated(Some(at(0))), "declared_at", "OUT_OF_RANGE"),
        (dated(Some(seconds_ago(-60))), "declared_at", "IN_FUTURE"),
        (dated(Some(at(i64::MAX))), "declared_at", "BAD_FORMAT"),
    ] {
        refused(&declarant.send(request).await.unwrap_err(), field, reason);
    }
    nothing_is_stored(&env).await;
}

#[tokio::test]
async fn a_malformed_withdrawal_is_refused_with_its_field() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    let name = |request_id: &str| WithdrawReportRequest {
        request_id: request_id.to_owned(),
        ..withdrawing()
    };
    let of = |report_id: &str| WithdrawReportRequest {
        report_id: report_id.to_owned(),
        ..withdrawing()
    };
    let why = |reason: &str| WithdrawReportRequest {
        reason: reason.to_owned(),
        ..withdrawing()
    };
    for (request, field, reason) in [
        (name(""), "request_id", "REQUIRED"),
        (name("x"), "request_id", "BAD_FORMAT"),
        (of(""), "report_id", "REQUIRED"),
        (of("x"), "report_id", "BAD_FORMAT"),
        (why(" "), "reason", "REQUIRED"),
        (why(&"x".repeat(2_001)), "reason", "TOO_LONG"),
        (why("a\0b"), "reason", "BAD_CHARACTER"),
    ] {
        refused(
            &declarant.withdraw(request).await.unwrap_err(),
            field,
            reason,
        );
    }
    nothing_is_stored(&env).await;
}

#[tokio::test]
async fn a_malformed_question_is_refused_with_its_field() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    for (report_id, reason) in [
        ("", "REQUIRED"),
        ("SIG-2026-AAAAAAA", "BAD_FORMAT"),
        ("1", "BAD_FORMAT"),
    ] {
        refused(
            &declarant.get(report_id).await.unwrap_err(),
            "report_id",
            reason,
        );
    }

    let all = ListReportsRequest::default;
    let region = |region: &str| ListReportsRequest {
        routing_region: region.to_owned(),
        ..all()
    };
    let period = |declared_after, declared_before| ListReportsRequest {
        declared_after,
        declared_before,
        ..all()
    };
    let continued = ListReportsRequest {
        page_token: "!".to_owned(),
        ..all()
    };
    for (request, field, reason) in [
        (region("13"), "routing_region", "UNKNOWN_VALUE"),
        (
            ListReportsRequest { kind: 99, ..all() },
            "kind",
            "UNKNOWN_VALUE",
        ),
        (
            ListReportsRequest { state: 3, ..all() },
            "state",
            "UNKNOWN_VALUE",
        ),
        (continued, "page_token", "INVALID_PAGE_TOKEN"),
        (
            period(Some(at(i64::MIN)), None),
            "declared_after",
            "BAD_FORMAT",
        ),
        (
            period(Some(at(2)), Some(at(1))),
            "declared_before",
            "CONFLICT",
        ),
    ] {
        refused(&declarant.list(request).await.unwrap_err(), field, reason);
    }
}

#[tokio::test]
async fn only_an_importer_gives_a_past_date() {
    let env = TestEnv::start().await;
    let request = SubmitReportRequest {
        declared_at: Some(seconds_ago(86_400)),
        ..sent()
    };
    let status = env.declarant("alice").send(request).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "BACK_DATING")
    );
    nothing_is_stored(&env).await;
}
