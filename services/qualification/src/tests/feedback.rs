//! What each side learned from an incident.

use proto::{
    events::v1 as events,
    qualification::v1::{self as pb, feedback_service_client::FeedbackServiceClient},
    types::v1 as types,
};
use testkit::{TokenSpec, eventually};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{Report, TestEnv, agent, analyst, in_scope, reason, violations};

#[tokio::test]
async fn each_side_says_what_it_learned_and_its_last_word_holds() {
    let env = TestEnv::start().await;
    let id = env.closed(&env.report()).await;
    let early = saying(&id, "Trop tôt pour le dire");
    env.give(&declarant(), early).await.unwrap();
    let of_structure = pb::GiveFeedbackRequest {
        declaration: pb::Assessment::Partial.into(),
        response: pb::Assessment::Satisfactory.into(),
        ..saying(&id, "Sauvegarder hors ligne")
    };
    let given = env.give(&declarant(), of_structure).await.unwrap();
    assert_eq!(given.lessons, "Sauvegarder hors ligne");
    env.give(&analyst(), saying(&id, "Demander plus tôt"))
        .await
        .unwrap();
    env.give(&agent("76"), saying(&id, "Prévoir les transferts"))
        .await
        .unwrap();

    let listed = env.feedback(&declarant(), &id).await.unwrap();
    let seen: Vec<_> = listed
        .iter()
        .map(|it| (it.side(), it.lessons.as_str(), it.given_by.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (types::Role::Declarant, "Sauvegarder hors ligne", ""),
            (types::Role::Analyst, "Demander plus tôt", ""),
            (types::Role::RegionalAgent, "Prévoir les transferts", ""),
        ]
    );
    assert_eq!(
        (listed[0].declaration(), listed[0].response()),
        (pb::Assessment::Partial, pb::Assessment::Satisfactory)
    );
    let listed = env.feedback(&analyst(), &id).await.unwrap();
    assert_eq!(listed[0].given_by, "decl");
    let told = env.activities(&id).await;
    let kinds: Vec<_> = told
        .iter()
        .map(events::CaseActivityRecorded::activity)
        .collect();
    assert_eq!(kinds, [types::CaseActivity::FeedbackGiven; 4]);
}

#[tokio::test]
async fn an_agent_of_another_region_who_declares_for_the_structure_speaks_as_its_declarant() {
    let env = TestEnv::start().await;
    let id = env.closed(&env.report()).await;
    let both = [
        agent("28").role("declarant").structure("finess:010000024"),
        TokenSpec::of("decl")
            .role("regional_agent")
            .region("28")
            .role("declarant"),
    ];
    for who in both {
        let given = env.give(&who, saying(&id, "Vu de l'intérieur")).await;
        assert_eq!(given.unwrap().side(), types::Role::Declarant);
    }
    // The agent of the region, who declares for others, stays its agent.
    let own = agent("76")
        .role("declarant")
        .structure("siret:26010004500012");
    let given = env.give(&own, saying(&id, "Vu de l'agence")).await;
    assert_eq!(given.unwrap().side(), types::Role::RegionalAgent);
}

#[tokio::test]
async fn feedback_waits_for_the_end_of_the_incident() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let refused = env.give(&declarant(), saying(&id, "?")).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "WRONG_STATE")
    );
    assert!(env.feedback(&analyst(), &id).await.unwrap().is_empty());
}

#[tokio::test]
async fn feedback_on_a_case_that_one_may_not_see_does_not_exist() {
    let env = TestEnv::start().await;
    let id = env.closed(&env.report()).await;
    let stranger = agent("75");
    let given = env.give(&stranger, saying(&id, "!")).await.unwrap_err();
    let listed = env.feedback(&stranger, &id).await.unwrap_err();
    assert_eq!(given.code(), Code::NotFound);
    assert_eq!(listed.code(), Code::NotFound);
    let outcome = |action: &str| (action.to_owned(), id.clone(), "not_visible".to_owned());
    let expected = [outcome("feedback.give"), outcome("feedback.list")];
    assert_eq!(env.audited("agent-75").await, expected);
}

#[tokio::test]
async fn what_was_learned_rests_sealed_and_vanishes_with_the_contacts() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.closed(&report).await;
    let request = saying(&id, "Mme Martin a cliqué");
    let once = env.give(&declarant(), request.clone()).await.unwrap();
    let again = env.give(&declarant(), request).await.unwrap();
    assert_eq!(once, again);
    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from feedback
                 where position(convert_to($1, 'UTF8') in sealed_lessons) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind("Mme Martin")
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);
    env.announce(&[report.contacts_erased()]).await;
    let erased = async || env.feedback(&analyst(), &id).await.unwrap()[0].erased;
    eventually(erased).await;
    assert_eq!(env.feedback(&analyst(), &id).await.unwrap()[0].lessons, "");
    let refused = env.give(&declarant(), saying(&id, "!")).await.unwrap_err();
    assert_eq!(reason(&refused), "ERASED");
}

#[tokio::test]
async fn feedback_that_says_nothing_is_refused_with_its_fields() {
    let env = TestEnv::start().await;
    let nothing = pb::GiveFeedbackRequest::default();
    let refused = env.give(&declarant(), nothing).await;
    let told = violations(&refused.unwrap_err());
    let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
    assert_eq!(
        told,
        [
            ("request_id", "REQUIRED"),
            ("case_id", "REQUIRED"),
            ("lessons", "REQUIRED"),
        ]
    );
    let unknown = pb::GiveFeedbackRequest {
        declaration: 9,
        ..saying(&Uuid::nil().to_string(), "?")
    };
    let told = violations(&env.give(&declarant(), unknown).await.unwrap_err());
    let expected = ("declaration".to_owned(), "UNKNOWN_VALUE".to_owned());
    assert_eq!(told, [expected]);
}

impl TestEnv {
    /// Opens the case of a report, qualifies it and closes it.
    async fn closed(&self, report: &Report) -> String {
        let id = self.open(report).await.case_id;
        self.qualify(&analyst(), in_scope(&id)).await.unwrap();
        self.close(&analyst(), &id).await.unwrap();
        id
    }

    async fn give(
        &self,
        who: &TokenSpec,
        request: pb::GiveFeedbackRequest,
    ) -> Result<pb::Feedback, Status> {
        let mut service = FeedbackServiceClient::new(self.service.as_user(who));
        let answer = service.give_feedback(request).await?;
        Ok(answer.into_inner().feedback.unwrap())
    }

    async fn feedback(&self, who: &TokenSpec, case: &str) -> Result<Vec<pb::Feedback>, Status> {
        let mut service = FeedbackServiceClient::new(self.service.as_user(who));
        let case_id = case.to_owned();
        let listed = service
            .list_feedback(pb::ListFeedbackRequest { case_id })
            .await?;
        Ok(listed.into_inner().feedback)
    }
}

fn declarant() -> TokenSpec {
    TokenSpec::of("decl").role("declarant")
}

fn saying(case_id: &str, lessons: &str) -> pb::GiveFeedbackRequest {
    pb::GiveFeedbackRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        lessons: lessons.to_owned(),
        ..Default::default()
    }
}
