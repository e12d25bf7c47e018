//! The accompaniment of a structure.

mod refusals;
mod texts;

use proto::{
    qualification::v1::{
        self as pb, AccompanimentGiver as Giver, AccompanimentState as State,
        accompaniment_service_client::AccompanimentServiceClient,
    },
    types::v1 as types,
};
use servicetest::AuthorizedChannel;
use testkit::TokenSpec;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{TestEnv, agent, analyst, in_scope, out_of_scope, reason};

#[tokio::test]
async fn a_structure_asks_accepts_what_is_offered_and_is_accompanied_to_the_end() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let asked = env
        .ask_for_accompaniment(&declarant(), ask(&id, "Reconstruire l'annuaire"))
        .await;
    let asked = asked.unwrap();
    assert_eq!((asked.number, asked.state()), (1, State::Asked));
    let offered = env
        .offer_accompaniment(&analyst(), offer(&id, Giver::Cell, ""))
        .await
        .unwrap();
    assert_eq!(
        offered.accompaniment_id, asked.accompaniment_id,
        "it takes up the request"
    );
    assert_eq!(
        (offered.giver(), offered.state()),
        (Giver::Cell, State::Offered)
    );
    let it = asked.accompaniment_id.as_str();
    let accepted = env
        .answer_accompaniment(&declarant(), accept(it))
        .await
        .unwrap();
    assert_eq!(accepted.state(), State::Accepted);
    assert_eq!(env.case_state(&id).await, types::CaseState::Qualified);
    let given = env
        .begin_accompaniment(&analyst(), begin(it))
        .await
        .unwrap();
    assert_eq!(given.state(), State::Given);
    assert_eq!(env.case_state(&id).await, types::CaseState::InTreatment);
    let ended = env
        .end_accompaniment(&analyst(), end(it, "Annuaire reconstruit"))
        .await;
    let ended = ended.unwrap();
    assert_eq!(ended.state(), State::Ended);

    for who in [analyst(), fssi(), agent("76"), declarant()] {
        let seen = env.accompaniments(&who, &id).await;
        let seen = seen.first().unwrap();
        let texts = [&seen.need, &seen.offer, &seen.answer, &seen.outcome].map(String::as_str);
        let said = [
            "Reconstruire l'annuaire",
            "Deux analystes",
            "Volontiers",
            "Annuaire reconstruit",
        ];
        assert_eq!(texts, said, "{}", who.subject);
        let dates = [
            seen.asked_at,
            seen.offered_at,
            seen.answered_at,
            seen.begun_at,
            seen.ended_at,
        ];
        assert!(dates.iter().all(Option::is_some), "{dates:?}");
        assert_eq!(seen.actor_role(), types::Role::Analyst);
        // Who did it is the cell's and the FSSI's to know.
        let national = ["ana", "fssi"].contains(&who.subject.as_str());
        assert_eq!(
            seen.actor,
            if national { "ana" } else { "" },
            "{}",
            who.subject
        );
        assert_eq!(seen.etag, ended.etag);
    }
    let authority = TokenSpec::of("dgs").role("health_authority");
    let refused = env.accompaniments_of(&authority, &id).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_case_that_nobody_qualified_waits_for_that_though_the_structure_is_accompanied() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let offered = env
        .offer_accompaniment(&agent("76"), offer(&id, Giver::Agency, ""))
        .await
        .unwrap();
    assert_eq!(offered.giver_region, "76");
    let it = offered.accompaniment_id.as_str();
    env.answer_accompaniment(&declarant(), accept(it))
        .await
        .unwrap();
    env.begin_accompaniment(&agent("76"), begin(it))
        .await
        .unwrap();
    assert_eq!(env.case_state(&id).await, types::CaseState::Submitted);
}

#[tokio::test]
async fn a_giver_accompanies_once_at_a_time_and_others_beside_it() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let support = |name: &str| offer(&id, Giver::RegionalSupportBody, name);
    let first = env
        .offer_accompaniment(&agent("76"), support("e-santé Occitanie"))
        .await
        .unwrap();
    for twin in [support("E-SANTE OCCITANIE"), support("e-santé Occitanie")] {
        let refused = env.offer_accompaniment(&analyst(), twin).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ALREADY_OPEN")
        );
    }
    for beside in [
        support("GRADeS voisin"),
        offer(&id, Giver::Provider, "e-santé Occitanie"),
    ] {
        env.offer_accompaniment(&analyst(), beside).await.unwrap();
    }
    let declined = env
        .answer_accompaniment(&declarant(), decline(&first.accompaniment_id))
        .await;
    assert_eq!(declined.unwrap().state(), State::Declined);
    let again = env
        .offer_accompaniment(&analyst(), support("e-santé Occitanie"))
        .await
        .unwrap();
    assert_eq!(again.number, 4);

    env.ask_for_accompaniment(&declarant(), ask(&id, "Encore"))
        .await
        .unwrap();
    let refused = env
        .ask_for_accompaniment(&declarant(), ask(&id, "Et encore"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "ALREADY_OPEN");
}

#[tokio::test]
async fn what_is_sent_again_is_done_once_and_answered_alike() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let asked = ask(&id, "Besoin d'aide");
    let once = env
        .ask_for_accompaniment(&declarant(), asked.clone())
        .await
        .unwrap();
    assert_eq!(
        env.ask_for_accompaniment(&declarant(), asked.clone())
            .await
            .unwrap(),
        once
    );
    let request = offer(&id, Giver::Cell, "");
    let offered = env
        .offer_accompaniment(&analyst(), request.clone())
        .await
        .unwrap();
    assert_eq!(
        env.offer_accompaniment(&analyst(), request.clone())
            .await
            .unwrap(),
        offered
    );
    assert_eq!(
        env.accompaniments(&analyst(), &id).await,
        std::slice::from_ref(&offered)
    );
    // What was said since is no part of the answer.
    assert_eq!(
        env.ask_for_accompaniment(&declarant(), asked)
            .await
            .unwrap(),
        once
    );
    env.answer_accompaniment(&declarant(), accept(&offered.accompaniment_id))
        .await
        .unwrap();
    assert_eq!(
        env.offer_accompaniment(&analyst(), request.clone())
            .await
            .unwrap(),
        offered
    );
    let other = pb::OfferAccompanimentRequest {
        offer: "Autre".into(),
        ..request
    };
    let refused = env
        .offer_accompaniment(&analyst(), other)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn an_ended_case_allows_the_end_of_accompaniment_alone() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let offered = env
        .offer_accompaniment(&analyst(), offer(&id, Giver::Cell, ""))
        .await
        .unwrap();
    let it = offered.accompaniment_id.as_str();
    env.qualify(&analyst(), out_of_scope(&id)).await.unwrap();
    for refused in [
        env.answer_accompaniment(&declarant(), accept(it))
            .await
            .unwrap_err(),
        env.ask_for_accompaniment(&declarant(), ask(&id, "Encore"))
            .await
            .unwrap_err(),
        env.offer_accompaniment(&analyst(), offer(&id, Giver::Provider, "Exemple"))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "WRONG_STATE")
        );
    }
    let ended = env
        .end_accompaniment(&analyst(), end(it, "Hors périmètre"))
        .await;
    assert_eq!(ended.unwrap().outcome, "Hors périmètre");
}

impl TestEnv {
    fn accompaniment_client(
        &self,
        who: &TokenSpec,
    ) -> AccompanimentServiceClient<AuthorizedChannel> {
        AccompanimentServiceClient::new(self.service.as_user(who))
    }

    async fn case_state(&self, case_id: &str) -> types::CaseState {
        self.get(&analyst(), case_id).await.unwrap().state()
    }

    async fn ask_for_accompaniment(
        &self,
        who: &TokenSpec,
        request: pb::AskForAccompanimentRequest,
    ) -> Result<pb::Accompaniment, Status> {
        let asked = self
            .accompaniment_client(who)
            .ask_for_accompaniment(request)
            .await?;
        Ok(asked.into_inner().accompaniment.unwrap())
    }

    async fn offer_accompaniment(
        &self,
        who: &TokenSpec,
        request: pb::OfferAccompanimentRequest,
    ) -> Result<pb::Accompaniment, Status> {
        let offered = self
            .accompaniment_client(who)
            .offer_accompaniment(request)
            .await?;
        Ok(offered.into_inner().accompaniment.unwrap())
    }

    async fn answer_accompaniment(
        &self,
        who: &TokenSpec,
        request: pb::AnswerOfferRequest,
    ) -> Result<pb::Accompaniment, Status> {
        let answered = self.accompaniment_client(who).answer_offer(request).await?;
        Ok(answered.into_inner().accompaniment.unwrap())
    }

    async fn begin_accompaniment(
        &self,
        who: &TokenSpec,
        request: pb::BeginAccompanimentRequest,
    ) -> Result<pb::Accompaniment, Status> {
        let begun = self
            .accompaniment_client(who)
            .begin_accompaniment(request)
            .await?;
        Ok(begun.into_inner().accompaniment.unwrap())
    }

    async fn end_accompaniment(
        &self,
        who: &TokenSpec,
        request: pb::EndAccompanimentRequest,
    ) -> Result<pb::Accompaniment, Status> {
        let ended = self
            .accompaniment_client(who)
            .end_accompaniment(request)
            .await?;
        Ok(ended.into_inner().accompaniment.unwrap())
    }

    async fn accompaniments_of(
        &self,
        who: &TokenSpec,
        case_id: &str,
    ) -> Result<Vec<pb::Accompaniment>, Status> {
        let request = pb::ListAccompanimentsRequest {
            case_id: case_id.to_owned(),
            ..Default::default()
        };
        let listed = self
            .accompaniment_client(who)
            .list_accompaniments(request)
            .await?;
        Ok(listed.into_inner().accompaniments)
    }

    async fn accompaniments(&self, who: &TokenSpec, case_id: &str) -> Vec<pb::Accompaniment> {
        self.accompaniments_of(who, case_id).await.unwrap()
    }
}

fn declarant() -> TokenSpec {
    TokenSpec::of("decl").role("declarant")
}

fn fssi() -> TokenSpec {
    TokenSpec::of("fssi").role("security_officer")
}

fn request_id() -> String {
    Uuid::now_v7().to_string()
}

fn ask(case_id: &str, need: &str) -> pb::AskForAccompanimentRequest {
    pb::AskForAccompanimentRequest {
        request_id: request_id(),
        case_id: case_id.to_owned(),
        etag: String::new(),
        need: need.to_owned(),
    }
}

fn offer(case_id: &str, giver: Giver, name: &str) -> pb::OfferAccompanimentRequest {
    pb::OfferAccompanimentRequest {
        request_id: request_id(),
        case_id: case_id.to_owned(),
        etag: String::new(),
        giver: giver.into(),
        giver_name: name.to_owned(),
        offer: "Deux analystes".to_owned(),
    }
}

fn accept(accompaniment_id: &str) -> pb::AnswerOfferRequest {
    pb::AnswerOfferRequest {
        request_id: request_id(),
        accompaniment_id: accompaniment_id.to_owned(),
        etag: String::new(),
        answer: pb::OfferAnswer::Accept.into(),
        text: "Volontiers".to_owned(),
    }
}

fn decline(accompaniment_id: &str) -> pb::AnswerOfferRequest {
    pb::AnswerOfferRequest {
        answer: pb::OfferAnswer::Decline.into(),
        text: "Nous avons un prestataire".to_owned(),
        ..accept(accompaniment_id)
    }
}

fn begin(accompaniment_id: &str) -> pb::BeginAccompanimentRequest {
    pb::BeginAccompanimentRequest {
        request_id: request_id(),
        accompaniment_id: accompaniment_id.to_owned(),
        etag: String::new(),
    }
}

fn end(accompaniment_id: &str, outcome: &str) -> pb::EndAccompanimentRequest {
    pb::EndAccompanimentRequest {
        request_id: request_id(),
        accompaniment_id: accompaniment_id.to_owned(),
        etag: String::new(),
        outcome: outcome.to_owned(),
    }
}
