//! Many cases are attached at once.

use super::*;

#[tokio::test]
async fn many_are_attached_at_once_and_each_that_is_not_is_named_with_its_reason() {
    let env = TestEnv::start().await;
    let parent = env.open(&env.report()).await.case_id;
    let good = [
        env.open(&env.report()).await.case_id,
        env.open(&env.report()).await.case_id,
    ];
    let ended = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), out_of_scope(&ended)).await.unwrap();
    let leading = env.open(&env.report()).await.case_id;
    let led = env.open(&env.report()).await.case_id;
    env.attach(&analyst(), &led, &leading).await.unwrap();
    env.attach(&analyst(), &good[1], &parent).await.unwrap();
    let unknown = Uuid::now_v7().to_string();
    let request = pb::AttachCasesRequest {
        request_id: Uuid::now_v7().to_string(),
        parent_case_id: parent.clone(),
        case_ids: [
            &good[0], &ended, &leading, &unknown, &parent, &led, &good[1],
        ]
        .map(String::clone)
        .to_vec(),
        note: "Même hébergeur".to_owned(),
    };
    let mut service = env.cause_client(&analyst());
    let results = service.attach_cases(request.clone()).await.unwrap();
    let results = results.into_inner().results;
    let told: Vec<_> = results
        .iter()
        .map(|it| (it.case_id.as_str(), it.attached, it.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (good[0].as_str(), true, ""),
            (ended.as_str(), false, "WRONG_STATE"),
            (leading.as_str(), false, "HAS_CHILDREN"),
            (unknown.as_str(), false, "NOT_FOUND"),
            (parent.as_str(), false, "CONFLICT"),
            (led.as_str(), true, ""),
            (good[1].as_str(), true, ""),
        ]
    );
    let again = service.attach_cases(request).await.unwrap().into_inner();
    assert_eq!(again.results, results);
    assert_eq!(case_of(&env, &analyst(), &parent).await.children, 3);
    // Who was attached before is not attached once more.
    let history = case_of(&env, &analyst(), &good[1]).await.history;
    let times = history.iter().filter(|it| it.action == "attached").count();
    assert_eq!(times, 1);
}

#[tokio::test]
async fn many_are_attached_to_a_case_that_may_lead_them_and_at_most_500() {
    let env = TestEnv::start().await;
    let parent = env.open(&env.report()).await.case_id;
    let child = env.open(&env.report()).await.case_id;
    env.attach(&analyst(), &child, &parent).await.unwrap();
    let mut service = env.cause_client(&analyst());
    let request = |to: &str, case_ids: Vec<String>| pb::AttachCasesRequest {
        request_id: Uuid::now_v7().to_string(),
        parent_case_id: to.to_owned(),
        case_ids,
        note: String::new(),
    };
    let one = || vec![Uuid::now_v7().to_string()];
    let refused = service.attach_cases(request(&child, one())).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "NOT_A_PARENT")
    );
    let nowhere = Uuid::now_v7().to_string();
    let refused = service.attach_cases(request(&nowhere, one())).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    let many = (0..501).map(|_| Uuid::now_v7().to_string()).collect();
    let twice = vec![child.clone(), child.clone()];
    for (case_ids, field, why) in [
        (Vec::new(), "case_ids", "REQUIRED"),
        (many, "case_ids", "TOO_MANY"),
        (twice, "case_ids[1]", "DUPLICATE"),
        (vec!["17".to_owned()], "case_ids[0]", "BAD_FORMAT"),
    ] {
        let refused = service.attach_cases(request(&parent, case_ids)).await;
        let expected = (field.to_owned(), why.to_owned());
        assert_eq!(violations(&refused.unwrap_err()), [expected]);
    }
}
