//! Whom a case waits for.

use proto::{
    qualification::v1::{
        self as pb, information_request_service_client::InformationRequestServiceClient,
    },
    types::v1::WaitingFor::{self, Cell, Declarant, Nobody},
};
use testkit::TokenSpec;
use uuid::Uuid;

use super::none;
use crate::tests::env::{TestEnv, agent, analyst, in_scope};

struct Story<'a> {
    env: &'a TestEnv,
    case_id: String,
}

impl Story<'_> {
    /// Checks whom the case waits for, by what it shows and by the filter.
    async fn waits_for(&self, expected: &[WaitingFor], after: &str) {
        let shown = self.env.get(&analyst(), &self.case_id).await.unwrap();
        let shown: Vec<_> = shown.waiting_for().collect();
        assert_eq!(shown, expected, "{after}");
        for whom in [Declarant, Cell, Nobody] {
            let request = pb::ListCasesRequest {
                waiting_for: vec![whom.into()],
                ..none()
            };
            let listed = self.env.list(&analyst(), request).await.len();
            let found = usize::from(expected.contains(&whom));
            assert_eq!(listed, found, "{after}: {whom:?}");
        }
    }

    async fn write(&self, who: &TokenSpec, audience: pb::Audience) {
        let message = pb::PostMessageRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: self.case_id.clone(),
            audience: audience.into(),
            text: "Un mot".into(),
        };
        let mut messages = self.env.message_client(who);
        messages.post_message(message).await.unwrap();
    }

    async fn ask(&self, who: &TokenSpec) -> String {
        let request = pb::RequestInformationRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: self.case_id.clone(),
            question: "Depuis quand ?".into(),
            ..Default::default()
        };
        let mut information = self.information(who);
        let asked = information.request_information(request).await;
        let asked = asked.unwrap().into_inner().information_request;
        asked.unwrap().information_request_id
    }

    async fn answer(&self, who: &TokenSpec, information_request_id: String) {
        let answer = pb::AnswerInformationRequestRequest {
            request_id: Uuid::now_v7().to_string(),
            information_request_id,
            answer: "Depuis hier".into(),
        };
        let mut information = self.information(who);
        let answered = information.answer_information_request(answer).await;
        answered.unwrap();
    }

    fn information(
        &self,
        who: &TokenSpec,
    ) -> InformationRequestServiceClient<servicetest::AuthorizedChannel> {
        InformationRequestServiceClient::new(self.env.service.as_user(who))
    }
}

#[tokio::test]
async fn a_case_waits_for_whom_the_next_word_is_due_from() {
    let env = TestEnv::start().await;
    let case_id = env.open(&env.report()).await.case_id;
    let story = Story {
        env: &env,
        case_id: case_id.clone(),
    };
    let declarant = TokenSpec::of("decl").role("declarant");
    story.waits_for(&[Cell], "opened").await;
    let claimed = env.claim(&analyst(), &case_id).await.unwrap();
    assert_eq!(claimed.waiting_for().collect::<Vec<_>>(), [Nobody]);
    story.waits_for(&[Nobody], "claimed").await;

    story.write(&declarant, pb::Audience::Structure).await;
    story.waits_for(&[Cell], "a message of the structure").await;
    story.write(&analyst(), pb::Audience::Agencies).await;
    story.waits_for(&[Cell], "a message among agencies").await;
    env.claim(&analyst(), &case_id).await.unwrap();
    story
        .waits_for(&[Cell], "a message is not answered by a claim")
        .await;
    story.write(&agent("76"), pb::Audience::Structure).await;
    story.waits_for(&[Nobody], "a message of the agency").await;

    let asked = story.ask(&analyst()).await;
    story.waits_for(&[Declarant], "asked").await;
    story.write(&declarant, pb::Audience::Structure).await;
    story
        .waits_for(&[Declarant, Cell], "a message instead of an answer")
        .await;
    story.answer(&declarant, asked).await;
    story.waits_for(&[Cell], "answered").await;
    let asked = story.ask(&agent("76")).await;
    story.waits_for(&[Declarant], "the agency asks more").await;
    story.answer(&agent("76"), asked).await;
    story.waits_for(&[Cell], "answered on its behalf").await;
    env.qualify(&analyst(), in_scope(&case_id)).await.unwrap();
    story
        .waits_for(&[Nobody], "qualified with the answer")
        .await;
    let asked = story.ask(&analyst()).await;
    story.answer(&analyst(), asked).await;
    story
        .waits_for(&[Nobody], "answered on the telephone")
        .await;

    story.write(&declarant, pb::Audience::Structure).await;
    story.waits_for(&[Cell], "a message of the structure").await;
    env.close(&analyst(), &case_id).await.unwrap();
    story.waits_for(&[], "closed").await;
    story.write(&declarant, pb::Audience::Structure).await;
    story.waits_for(&[], "a message on a closed case").await;
}

#[tokio::test]
async fn whom_a_case_waits_for_is_known_to_those_who_read_its_exchanges() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.visible_to.push("dgs".into());
    let case_id = env.open(&report).await.case_id;
    let declarant = TokenSpec::of("decl").role("declarant");
    let authority = TokenSpec::of("dgs").role("health_authority");
    for (who, expected) in [
        (analyst(), 1),
        (TokenSpec::of("fssi").role("security_officer"), 1),
        (agent("76"), 1),
        (declarant, 1),
        (authority, 0),
    ] {
        let shown = env.get(&who, &case_id).await.unwrap();
        assert_eq!(shown.waiting_for.len(), expected, "{}", who.subject);
        let request = pb::ListCasesRequest {
            waiting_for: vec![Cell.into()],
            ..none()
        };
        let listed = env.list(&who, request).await;
        assert_eq!(listed.len(), expected, "{}", who.subject);
    }
}
