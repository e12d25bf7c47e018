//! What is asked of the structure on a case, and what it answers.

mod refusals;

use prost::Message as _;
use proto::{
    events::v1 as events,
    qualification::v1::{
        self as pb, information_request_service_client::InformationRequestServiceClient,
    },
    types::v1 as types,
};
use testkit::{TokenSpec, eventually, eventually_some};
use time::{Duration, OffsetDateTime};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{TestEnv, agent, analyst, in_scope, out_of_scope, reason, violations};

#[tokio::test]
async fn a_case_waits_for_the_last_answer_to_the_cell() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let first = env
        .ask_structure(&analyst(), asking(&id, "Quels serveurs ?"))
        .await;
    let second = env
        .ask_structure(&analyst(), asking(&id, "Sauvegardes ?"))
        .await;
    let of_agency = env
        .ask_structure(&agent("76"), asking(&id, "Urgences ?"))
        .await;
    let (first, second) = (first.unwrap(), second.unwrap());
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::AwaitingDeclarant);
    assert_eq!(case.assignee, "ana");

    let answered = env.answer(&declarant(), &first, "Le dossier patient").await;
    let answered = answered.unwrap();
    assert_eq!(answered.state(), pb::InformationRequestState::Answered);
    assert_eq!(
        (answered.question.as_str(), answered.answer.as_str()),
        ("Quels serveurs ?", "Le dossier patient")
    );
    assert_eq!(answered.settled_by_role(), types::Role::Declarant);
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::AwaitingDeclarant);
    // What the agency asked for keeps nobody waiting.
    env.answer(&agent("76"), &second, "Saines, dit la directrice")
        .await
        .unwrap();
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::InQualification);
    let actions: Vec<_> = case.history.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["opened", "asked", "asked", "asked", "answered"]);

    let open = env.requests(&declarant(), &id).await.unwrap();
    let open = open.information_requests;
    // Who asked is the cell's to know.
    let of_agency = pb::InformationRequest {
        asked_by: String::new(),
        ..of_agency.unwrap()
    };
    assert_eq!(open[0], of_agency);
    assert_eq!(open[0].state(), pb::InformationRequestState::Open);
    let seen: Vec<_> = open.iter().map(|it| (it.number, it.state())).collect();
    let done = pb::InformationRequestState::Answered;
    assert_eq!(
        seen,
        [(3, pb::InformationRequestState::Open), (2, done), (1, done)]
    );
}

#[tokio::test]
async fn what_is_asked_once_the_case_is_qualified_sets_nothing_back() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let asked = env
        .ask_structure(&analyst(), asking(&id, "Et depuis ?"))
        .await;
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::Qualified);
    env.answer(&declarant(), &asked.unwrap(), "Rien de neuf")
        .await
        .unwrap();
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::Qualified);
}

#[tokio::test]
async fn a_request_that_is_cancelled_keeps_the_case_waiting_no_longer() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let asked = env
        .ask_structure(&analyst(), asking(&id, "Adresse ?"))
        .await
        .unwrap();
    let refused = env.cancel(&agent("76"), &asked, "").await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "REQUEST_NOT_YOURS")
    );
    let cancelled = env.cancel(&analyst(), &asked, "Trouvée").await.unwrap();
    assert_eq!(cancelled.state(), pb::InformationRequestState::Cancelled);
    assert_eq!(cancelled.answer, "Trouvée");
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::InQualification);
    let refused = env.answer(&declarant(), &asked, "12 rue").await;
    assert_eq!(reason(&refused.unwrap_err()), "WRONG_STATE");
}

#[tokio::test]
async fn an_answer_that_is_overdue_is_shown_listed_and_told_once() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let other = env.open(&env.report()).await.case_id;
    let due_at = platform::now() + Duration::HOUR;
    let asked = pb::RequestInformationRequest {
        due_at: Some(timestamp(due_at)),
        ..asking(&id, "Quels serveurs ?")
    };
    let asked = env.ask_structure(&analyst(), asked).await.unwrap();
    let later = pb::RequestInformationRequest {
        due_at: Some(timestamp(due_at + Duration::DAY)),
        ..asking(&other, "Quels serveurs ?")
    };
    env.ask_structure(&analyst(), later).await.unwrap();
    assert!(!asked.overdue);
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.answer_due_at, Some(timestamp(due_at)));

    let due_at = env.come_due(&asked).await;
    let reminded = eventually_some(async || {
        let activities = env.activities(&id).await;
        let overdue = types::CaseActivity::InformationOverdue;
        activities.into_iter().find(|it| it.activity() == overdue)
    })
    .await;
    assert_eq!(reminded.activity_id, asked.information_request_id);
    assert_eq!(reminded.actor_role(), types::Role::Service);
    assert_eq!(reminded.due_at, Some(timestamp(due_at)));
    assert!(reminded.to_structure);
    let listed = env.requests(&declarant(), &id).await.unwrap();
    assert!(listed.information_requests[0].overdue);
    let filter = pb::ListCasesRequest {
        overdue_only: true,
        ..Default::default()
    };
    let overdue = env.list(&analyst(), filter.clone()).await;
    let overdue: Vec<_> = overdue.into_iter().map(|case| case.case_id).collect();
    assert_eq!(overdue, std::slice::from_ref(&id));

    env.answer(&declarant(), &asked, "Tous").await.unwrap();
    assert!(env.list(&analyst(), filter).await.is_empty());
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.answer_due_at, None);
    eventually(async || env.jobs_done().await == 1).await;
    assert_eq!(env.activities(&id).await.len(), 3);
}

#[tokio::test]
async fn what_was_answered_in_time_or_on_an_ended_case_is_not_reminded_of() {
    use types::CaseActivity::{InformationAnswered, InformationRequested};

    let env = TestEnv::start().await;
    let answered = env.open(&env.report()).await.case_id;
    let report = env.report();
    let withdrawn = env.open(&report).await.case_id;
    let due_at = platform::now() + Duration::HOUR;
    let mut ids = Vec::new();
    for id in [&answered, &withdrawn] {
        let asked = pb::RequestInformationRequest {
            due_at: Some(timestamp(due_at)),
            ..asking(id, "Depuis quand ?")
        };
        ids.push(env.ask_structure(&analyst(), asked).await.unwrap());
    }
    env.answer(&declarant(), &ids[0], "Minuit").await.unwrap();
    env.withdraw(&report, "Fausse alerte").await;
    env.case_where(&report, |case| case.state() == types::CaseState::Withdrawn)
        .await;
    for asked in &ids {
        env.come_due(asked).await;
    }
    eventually(async || env.jobs_done().await == 2).await;
    let told = async |id: &str| {
        let activities = env.activities(id).await.into_iter();
        activities.map(|it| it.activity()).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&answered).await,
        [InformationRequested, InformationAnswered]
    );
    assert_eq!(told(&withdrawn).await, [InformationRequested]);
}

#[tokio::test]
async fn nobody_waits_for_an_answer_on_an_ended_case() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let asked = pb::RequestInformationRequest {
        due_at: Some(timestamp(platform::now() + Duration::HOUR)),
        ..asking(&id, "Quels serveurs ?")
    };
    let asked = env.ask_structure(&analyst(), asked).await.unwrap();
    env.come_due(&asked).await;
    let filter = pb::ListCasesRequest {
        overdue_only: true,
        ..Default::default()
    };
    assert_eq!(env.list(&analyst(), filter.clone()).await.len(), 1);
    env.qualify(&analyst(), out_of_scope(&id)).await.unwrap();
    assert!(env.list(&analyst(), filter).await.is_empty());
    let listed = env.requests(&analyst(), &id).await.unwrap();
    let open = &listed.information_requests[0];
    assert_eq!(open.state(), pb::InformationRequestState::Open);
    assert!(!open.overdue);
}

#[tokio::test]
async fn a_request_sent_again_is_made_once_and_answered_alike() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let request = asking(&id, "Quels serveurs ?");
    let first = env
        .ask_structure(&analyst(), request.clone())
        .await
        .unwrap();
    let again = env
        .ask_structure(&analyst(), request.clone())
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!(first.question, "Quels serveurs ?");
    let listed = env.requests(&analyst(), &id).await.unwrap();
    assert_eq!(listed.information_requests, std::slice::from_ref(&first));
    // Whether its moment has come is asked of a new request alone.
    let past = pb::RequestInformationRequest {
        due_at: Some(timestamp(platform::now() - Duration::DAY)),
        ..request.clone()
    };
    let refused = env.ask_structure(&analyst(), past).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    let other = pb::RequestInformationRequest {
        question: "Autre ?".into(),
        ..request
    };
    let refused = env.ask_structure(&analyst(), other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");

    let answer = pb::AnswerInformationRequestRequest {
        request_id: Uuid::now_v7().to_string(),
        information_request_id: first.information_request_id,
        answer: "Tous".into(),
    };
    let mut service = env.information_client(&declarant());
    let once = service.answer_information_request(answer.clone()).await;
    let twice = service.answer_information_request(answer).await;
    assert_eq!(once.unwrap().into_inner(), twice.unwrap().into_inner());
}

#[tokio::test]
async fn texts_rest_sealed_and_vanish_with_the_contacts() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    let secret = "Le mot de passe du coffre";
    let asked = env
        .ask_structure(&analyst(), asking(&id, secret))
        .await
        .unwrap();
    env.answer(&declarant(), &asked, secret).await.unwrap();
    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from information_request
                 where position(convert_to($1, 'UTF8') in sealed_question || sealed_answer) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind(secret)
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);

    env.announce(&[report.contacts_erased()]).await;
    let listed = async || env.requests(&analyst(), &id).await.unwrap();
    eventually(async || listed().await.information_requests[0].erased).await;
    let shown = &listed().await.information_requests[0];
    assert_eq!((shown.question.as_str(), shown.answer.as_str()), ("", ""));
    let refused = env
        .ask_structure(&analyst(), asking(&id, "?"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "ERASED");
}

impl TestEnv {
    fn information_client(
        &self,
        who: &TokenSpec,
    ) -> InformationRequestServiceClient<servicetest::AuthorizedChannel> {
        InformationRequestServiceClient::new(self.service.as_user(who))
    }

    async fn ask_structure(
        &self,
        who: &TokenSpec,
        request: pb::RequestInformationRequest,
    ) -> Result<pb::InformationRequest, Status> {
        let mut service = self.information_client(who);
        let answer = service.request_information(request).await?;
        Ok(answer.into_inner().information_request.unwrap())
    }

    async fn answer(
        &self,
        who: &TokenSpec,
        asked: &pb::InformationRequest,
        answer: &str,
    ) -> Result<pb::InformationRequest, Status> {
        let request = pb::AnswerInformationRequestRequest {
            request_id: Uuid::now_v7().to_string(),
            information_request_id: asked.information_request_id.clone(),
            answer: answer.to_owned(),
        };
        let mut service = self.information_client(who);
        let answer = service.answer_information_request(request).await?;
        Ok(answer.into_inner().information_request.unwrap())
    }

    async fn cancel(
        &self,
        who: &TokenSpec,
        asked: &pb::InformationRequest,
        reason: &str,
    ) -> Result<pb::InformationRequest, Status> {
        let request = pb::CancelInformationRequestRequest {
            request_id: Uuid::now_v7().to_string(),
            information_request_id: asked.information_request_id.clone(),
            reason: reason.to_owned(),
        };
        let mut service = self.information_client(who);
        let answer = service.cancel_information_request(request).await?;
        Ok(answer.into_inner().information_request.unwrap())
    }

    async fn requests(
        &self,
        who: &TokenSpec,
        case_id: &str,
    ) -> Result<pb::ListInformationRequestsResponse, Status> {
        let request = pb::ListInformationRequestsRequest {
            case_id: case_id.to_owned(),
            ..Default::default()
        };
        let mut service = self.information_client(who);
        let listed = service.list_information_requests(request).await?;
        Ok(listed.into_inner())
    }

    /// Has the moment come at which an answer is due; tells that moment.
    async fn come_due(&self, asked: &pb::InformationRequest) -> OffsetDateTime {
        let id: Uuid = asked.information_request_id.parse().unwrap();
        let due_at: Option<OffsetDateTime> = sqlx::query_scalar(
            "update information_request set due_at = now() where information_request_id = $1
             returning due_at",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await
        .unwrap();
        sqlx::query(
            "update case_file set answer_due_at = now()
             where case_id = $1 and answer_due_at is not null",
        )
        .bind(Uuid::try_parse(&asked.case_id).unwrap())
        .execute(&self.pool)
        .await
        .unwrap();
        sqlx::query("update job set due_at = now() where subject = $1")
            .bind(format!("information_request/{id}"))
            .execute(&self.pool)
            .await
            .unwrap();
        due_at.unwrap()
    }

    /// What was announced to have happened on a case, in order.
    pub(crate) async fn activities(&self, case_id: &str) -> Vec<events::CaseActivityRecorded> {
        let payloads: Vec<Vec<u8>> = sqlx::query_scalar(
            "select payload from event where event_type = 'vigie.case.activity_recorded.v1'
             order by recorded_at",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let read =
            |payload: &Vec<u8>| events::CaseActivityRecorded::decode(payload.as_slice()).unwrap();
        let activities = payloads.iter().map(read);
        activities.filter(|it| it.case_id == case_id).collect()
    }

    async fn jobs_done(&self) -> i64 {
        sqlx::query_scalar("select count(*) from job_done")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

fn declarant() -> TokenSpec {
    TokenSpec::of("decl").role("declarant")
}

fn asking(case_id: &str, question: &str) -> pb::RequestInformationRequest {
    pb::RequestInformationRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        question: question.to_owned(),
        ..Default::default()
    }
}

fn timestamp(moment: OffsetDateTime) -> prost_types::Timestamp {
    service::wire::timestamp(moment)
}
