//! What is refused of requests for information.

use super::*;

#[tokio::test]
async fn what_is_asked_on_a_case_that_one_may_not_see_does_not_exist() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let asked = env
        .ask_structure(&analyst(), asking(&id, "?"))
        .await
        .unwrap();
    let stranger = agent("75");
    for refused in [
        env.ask_structure(&stranger, asking(&id, "?"))
            .await
            .unwrap_err(),
        env.answer(&stranger, &asked, "!").await.unwrap_err(),
        env.cancel(&stranger, &asked, "").await.unwrap_err(),
        env.requests(&stranger, &id).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::NotFound);
    }
    let request = asked.information_request_id;
    let outcome = |action: &str, object: &String| {
        (action.to_owned(), object.clone(), "not_visible".to_owned())
    };
    assert_eq!(
        env.audited("agent-75").await,
        [
            outcome("information.request", &id),
            outcome("information.answer", &request),
            outcome("information.cancel", &request),
            outcome("information.list", &id),
        ]
    );
}

#[tokio::test]
async fn nothing_is_asked_on_an_ended_case() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    let asked = env
        .ask_structure(&analyst(), asking(&id, "?"))
        .await
        .unwrap();
    env.withdraw(&report, "Fausse alerte").await;
    env.case_where(&report, |case| case.state() == types::CaseState::Withdrawn)
        .await;
    for refused in [
        env.ask_structure(&analyst(), asking(&id, "?"))
            .await
            .unwrap_err(),
        env.answer(&declarant(), &asked, "!").await.unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "WRONG_STATE")
        );
    }
}

#[tokio::test]
async fn a_malformed_request_is_refused_with_its_fields() {
    let env = TestEnv::start().await;
    let nobody = Uuid::nil().to_string();
    let past = pb::RequestInformationRequest {
        due_at: Some(timestamp(platform::now() - Duration::SECOND)),
        ..asking(&nobody, "?")
    };
    let far = pb::RequestInformationRequest {
        due_at: Some(timestamp(platform::now() + Duration::days(400))),
        ..asking(&nobody, "?")
    };
    let cases: [(pb::RequestInformationRequest, &[(&str, &str)]); 3] = [
        (
            pb::RequestInformationRequest::default(),
            &[
                ("request_id", "REQUIRED"),
                ("case_id", "REQUIRED"),
                ("question", "REQUIRED"),
            ],
        ),
        (past, &[("due_at", "OUT_OF_RANGE")]),
        (far, &[("due_at", "OUT_OF_RANGE")]),
    ];
    for (request, expected) in cases {
        let refused = env.ask_structure(&analyst(), request).await.unwrap_err();
        let told = violations(&refused);
        let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
        assert_eq!(told, expected);
    }
    let long = "x".repeat(10_001);
    let nothing = pb::InformationRequest::default();
    let refused = env.answer(&declarant(), &nothing, &long).await;
    let told = violations(&refused.unwrap_err());
    let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
    let expected = [
        ("information_request_id", "REQUIRED"),
        ("answer", "TOO_LONG"),
    ];
    assert_eq!(told, expected);
}
