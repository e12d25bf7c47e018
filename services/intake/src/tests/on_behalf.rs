//! What came by telephone or on paper is entered for the person who declared.

use prost_types::Timestamp;
use proto::{
    events::v1::ReportSubmitted,
    intake::v1::{
        CheckReportRequest, DeclarantCapacity, Medium, OnBehalf, ReportDraft, ReportState,
        SubmitReportRequest, WithdrawReportRequest,
    },
    types::v1::{Channel, Role},
};
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{finess, incident, seconds_ago},
    env::{TestEnv, nothing_is_stored, reason, violations},
};

fn by_telephone(received_at: Option<Timestamp>) -> OnBehalf {
    OnBehalf {
        medium: Medium::Telephone.into(),
        received_at,
    }
}

fn entered(draft: ReportDraft, on_behalf: OnBehalf) -> SubmitReportRequest {
    SubmitReportRequest {
        request_id: Uuid::now_v7().to_string(),
        draft: Some(draft),
        on_behalf: Some(on_behalf),
        ..SubmitReportRequest::default()
    }
}

#[tokio::test]
async fn what_the_cell_enters_is_declared_when_it_came_and_told_to_all() {
    let env = TestEnv::with_directory().await;
    let analyst = env.with_role("analyst");
    let yesterday = seconds_ago(86_400);
    let draft = ReportDraft {
        capacity: DeclarantCapacity::Director.into(),
        found_at: Some(seconds_ago(90_000)),
        ..incident()
    };
    let sent = entered(draft, by_telephone(Some(yesterday)));
    let receipt = analyst.send(sent.clone()).await.unwrap();
    assert_eq!(analyst.send(sent.clone()).await.unwrap(), receipt);
    let told = receipt.consequences.as_ref().unwrap().addressees.iter();
    let told: Vec<_> = told.map(|it| it.party.as_str()).collect();
    assert_eq!(told, ["cell", "ars:84", "fssi"]);

    let report = analyst.get(&receipt.report_id).await.unwrap();
    assert_eq!(report.channel(), Channel::Cell);
    assert_eq!(report.declared_at, Some(yesterday));
    assert!(report.link_verified);
    let entered_by = report.entered_by.unwrap();
    assert_eq!(
        (
            entered_by.medium(),
            entered_by.role(),
            entered_by.subject.as_str()
        ),
        (Medium::Telephone, Role::Analyst, "analyst")
    );
    // The agency and the structure see how it came, and not the name of the analyst.
    for who in [env.agent("84"), env.linked("alice")] {
        let seen = who.get(&receipt.report_id).await.unwrap();
        let entered_by = seen.entered_by.unwrap();
        assert_eq!(entered_by.medium(), Medium::Telephone);
        assert_eq!(entered_by.role(), Role::Analyst);
        assert_eq!(entered_by.subject, "");
    }
    let events = env.events().await;
    let submitted = events
        .iter()
        .find(|event| event.event_type == "vigie.report.submitted.v1");
    let told: ReportSubmitted = submitted.unwrap().decode().unwrap();
    assert_eq!(told.channel(), Channel::Cell);
    assert_eq!(told.declared_at, Some(yesterday));

    let other = OnBehalf {
        medium: Medium::Paper.into(),
        ..sent.on_behalf.unwrap()
    };
    let altered = SubmitReportRequest {
        on_behalf: Some(other),
        ..sent
    };
    let refused = analyst.send(altered).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn another_analyst_withdraws_what_the_cell_entered() {
    let env = TestEnv::with_directory().await;
    let sent = entered(incident(), by_telephone(None));
    let receipt = env.with_role("analyst").send(sent).await.unwrap();
    let withdraw = WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id,
        reason: "Saisi deux fois.".to_owned(),
        etag: String::new(),
    };
    let other = env.as_user(&TokenSpec::of("carol").role("analyst"));
    let withdrawn = other.withdraw(withdraw).await.unwrap();
    assert_eq!(withdrawn.state(), ReportState::Withdrawn);
}

#[tokio::test]
async fn an_agency_enters_what_a_structure_of_its_region_declared() {
    let env = TestEnv::with_directory().await;
    let agent = env.agent("84");
    let sent = entered(incident(), by_telephone(None));
    let receipt = agent.send(sent).await.unwrap();
    let report = agent.get(&receipt.report_id).await.unwrap();
    assert_eq!(report.channel(), Channel::Agency);
    assert_eq!(report.declared_at, report.received_at);
    assert_eq!(report.entered_by.unwrap().role(), Role::RegionalAgent);
    // By itself it enters as before.
    let own = ReportDraft {
        capacity: DeclarantCapacity::Agency.into(),
        ..incident()
    };
    let receipt = agent.submit(own).await.unwrap();
    let report = agent.get(&receipt.report_id).await.unwrap();
    assert_eq!(report.entered_by, None);
    let elsewhere = entered(incident(), by_telephone(None));
    let refused = env.agent("76").send(elsewhere).await.unwrap_err();
    assert_eq!(reason(&refused), "REGION_NOT_YOURS");
}

#[tokio::test]
async fn an_analyst_enters_what_others_declare_and_nothing_else() {
    let env = TestEnv::with_directory().await;
    let analyst = env.with_role("analyst");
    let refused = analyst.submit(incident()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "ON_BEHALF_REQUIRED")
    );
    let checked = analyst.check(incident()).await.unwrap();
    let told: Vec<_> = checked
        .violations
        .iter()
        .map(|it| (it.field.as_str(), it.reason.as_str()))
        .collect();
    assert_eq!(told, [("on_behalf", "ON_BEHALF_REQUIRED")]);
    let checked = analyst
        .check_as(CheckReportRequest {
            draft: Some(incident()),
            on_behalf: Some(by_telephone(None)),
            ..CheckReportRequest::default()
        })
        .await
        .unwrap();
    assert_eq!(checked.violations, []);
    for who in [env.linked("alice"), env.importer(), env.with_role("prober")] {
        let sent = entered(incident(), by_telephone(None));
        let refused = who.send(sent).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "ON_BEHALF_NOT_YOURS")
        );
    }
    let as_the_agency = ReportDraft {
        capacity: DeclarantCapacity::Agency.into(),
        structure: finess("010000024"),
        ..incident()
    };
    let sent = entered(as_the_agency, by_telephone(None));
    let refused = analyst.send(sent).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(env.count("select count(*) from report").await, 0);
    assert_eq!(env.count("select count(*) from idempotency_key").await, 0);
    let mut events = env.events().await.into_iter();
    assert!(events.all(|it| it.event_type == "vigie.structure.recorded.v1"));
}

#[tokio::test]
async fn what_was_too_long_on_its_way_or_by_no_medium_is_refused_with_its_field() {
    let env = TestEnv::start().await;
    let analyst = env.with_role("analyst");
    let by = |medium: i32, received_at| {
        entered(
            incident(),
            OnBehalf {
                medium,
                received_at,
            },
        )
    };
    let telephone = Medium::Telephone.into();
    let both = SubmitReportRequest {
        declared_at: Some(seconds_ago(60)),
        ..by(telephone, None)
    };
    for (sent, field, reason) in [
        (by(0, None), "on_behalf.medium", "REQUIRED"),
        (by(99, None), "on_behalf.medium", "UNKNOWN_VALUE"),
        (
            by(telephone, Some(seconds_ago(-60))),
            "on_behalf.received_at",
            "IN_FUTURE",
        ),
        (
            by(telephone, Some(seconds_ago(32 * 86_400))),
            "on_behalf.received_at",
            "OUT_OF_RANGE",
        ),
        (both, "declared_at", "CONFLICT"),
    ] {
        let refused = analyst.send(sent).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let expected = (field.to_owned(), reason.to_owned());
        assert_eq!(violations(&refused), [expected]);
    }
    nothing_is_stored(&env).await;
}
