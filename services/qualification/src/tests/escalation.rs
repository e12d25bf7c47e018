//! Who is called of what cannot wait, who pilots it, and what is decided.

mod leading;
mod reports;
mod rota;

use platform::SealingKey;
use prost::Message as _;
use proto::{
    events::v1 as events,
    qualification::v1::{self as pb, escalation_service_client::EscalationServiceClient},
    types::v1 as types,
};
use service::Sealed;
use servicetest::{AuthorizedChannel, MASTER_KEY};
use testkit::{TokenSpec, eventually, eventually_some};
use time::Duration;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    QualificationConfig,
    tests::env::{Report, TestEnv, agent, analyst, reason},
};

const CAMILLE: &str = "camille@example.org";
const SACHA: &str = "sacha@example.org";

#[tokio::test]
async fn the_people_of_the_rota_are_called_one_after_the_other_until_somebody_acknowledges() {
    let env = on_call().await;
    let id = env.open(&imported(&env)).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    let calls = env.calls(3).await;
    let called: Vec<_> = calls.iter().map(|it| it.person.email.as_str()).collect();
    assert_eq!(called[..3], [CAMILLE, SACHA, CAMILLE]);
    let first = &calls[0].event;
    assert_eq!((first.step, first.case_id.as_str()), (1, id.as_str()));
    let due = |call: &events::EscalationCalled| {
        call.answer_before.unwrap().seconds - call.called_at.unwrap().seconds
    };
    assert_eq!(due(first), 1);
    // Each has a link of its own.
    let person = &calls[1].person;
    assert_eq!(
        person.link,
        format!("https://portail.example.org/escalation/{}", person.token)
    );
    assert_ne!(person.token, calls[0].person.token);

    let running = env.escalations(&analyst(), &id).await;
    assert_eq!(running.len(), 1);
    assert_eq!(running[0].state(), pb::EscalationState::Running);
    assert_eq!(running[0].cause(), pb::EscalationCause::Major);
    let acknowledged = env.acknowledge(&officer(), &running[0]).await.unwrap();
    assert_eq!(acknowledged.state(), pb::EscalationState::Acknowledged);
    assert_eq!(
        acknowledged.acknowledged_by_role(),
        types::Role::SecurityOfficer
    );
    assert_eq!(acknowledged.acknowledged_by, "fs");
    let names: Vec<_> = acknowledged
        .calls
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names[..2], ["Camille Roux", "Sacha Petit"]);
    // The job of the next step finds nothing to do, and no other follows it.
    env.until_no_job_is_left().await;
    let listed = env.escalations(&analyst(), &id).await;
    assert_eq!(listed, std::slice::from_ref(&acknowledged));
    // Who acknowledges again hears the same.
    let again = env.acknowledge(&analyst(), &running[0]).await.unwrap();
    assert_eq!(again, acknowledged);
}

#[tokio::test]
async fn a_link_acknowledges_without_a_login_and_a_wrong_one_is_not_found() {
    let env = on_call().await;
    let case = env.open(&imported(&env)).await;
    env.declare_major(&officer(), &case.case_id).await.unwrap();
    let calls = env.calls(2).await;
    let zeros = "0".repeat(64);
    let wrong: [&str; 5] = [
        "",
        "c0ffee",
        &zeros,
        &calls[0].person.token[..63],
        &calls[0].event.call_id,
    ];
    for token in wrong {
        let refused = env.open_link(token).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{token}");
    }
    // Whoever tries tokens fills neither the trail nor any table.
    assert!(env.audited("anonymous").await.is_empty());
    let first = env.open_link(&calls[0].person.token).await.unwrap();
    assert_eq!(first.reference, case.reference);
    assert!(first.acknowledged_at.is_some());
    let escalation = env.escalations(&analyst(), &case.case_id).await.remove(0);
    assert_eq!(escalation.state(), pb::EscalationState::Acknowledged);
    assert_eq!(escalation.acknowledged_by, "Camille Roux");
    assert_eq!(escalation.ended_at, first.acknowledged_at);
    // The link of the one who was called after, and the same again.
    for call in &calls[..2] {
        let again = env.open_link(&call.person.token).await.unwrap();
        assert_eq!(again, first);
    }
    let listed = env.escalations(&analyst(), &case.case_id).await;
    assert_eq!(listed[0].acknowledged_by, "Camille Roux");
    // The trail knows that it was done, and not by which token.
    let trail = env.audited("anonymous").await;
    let done = trail.iter().filter(|(_, _, outcome)| outcome == "done");
    assert!(done.count() >= 1, "{trail:?}");
    for (action, object, _) in &trail {
        assert_eq!(action, "escalation.acknowledge_by_link");
        assert_eq!(object, "link");
    }
    let clear = "select count(*) from escalation_call where encode(token_hash, 'hex') = any($1)";
    let tokens: Vec<_> = calls.iter().map(|it| it.person.token.clone()).collect();
    let clear: i64 = sqlx::query_scalar(clear)
        .bind(&tokens)
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn an_escalation_that_nobody_acknowledges_lapses_and_the_cell_hears_of_it() {
    let env = on_call().await;
    let id = env.open(&imported(&env)).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    let calls = env.calls(1).await;
    // Working hours begin.
    sqlx::query("update escalation set lapses_at = now()")
        .execute(&env.pool)
        .await
        .unwrap();
    let lapsed = env.ended(&id).await;
    assert_eq!(lapsed.state(), pb::EscalationState::Lapsed);
    assert_eq!(lapsed.acknowledged_by, "");
    let told = eventually_some(async || {
        let activities = env.activities(&id).await;
        let lapsed = types::CaseActivity::EscalationLapsed;
        activities.into_iter().find(|it| it.activity() == lapsed)
    })
    .await;
    assert_eq!(told.activity_id, lapsed.escalation_id);
    assert!(!told.to_structure && told.visible_to.contains(&"cell".to_owned()));
    // Neither its links nor anybody who is logged in can acknowledge it any more.
    let refused = env.open_link(&calls[0].person.token).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = env.acknowledge(&analyst(), &lapsed).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
}

#[tokio::test]
async fn nobody_is_called_of_a_case_that_ended() {
    let env = on_call().await;
    let report = imported(&env);
    let id = env.open(&report).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    env.calls(1).await;
    env.withdraw(&report, "Fausse alerte").await;
    let ended = env.ended(&id).await;
    assert_eq!(ended.state(), pb::EscalationState::CaseEnded);
    env.until_no_job_is_left().await;
}

#[tokio::test]
async fn without_anybody_on_call_nothing_is_escalated() {
    let env = on_call().await;
    env.put_rota(Vec::new()).await.unwrap();
    let id = env.open(&imported(&env)).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    assert!(env.escalations(&analyst(), &id).await.is_empty());
}

#[tokio::test]
async fn in_a_gap_of_the_rota_an_escalation_waits_for_the_next_shift() {
    let env = on_call().await;
    let in_an_hour = |mut shift: pb::RotaShift| {
        let starts_at = platform::now() + Duration::HOUR;
        shift.starts_at = Some(service::wire::timestamp(starts_at));
        shift
    };
    env.put_rota(rota().into_iter().map(in_an_hour).collect())
        .await
        .unwrap();
    let id = env.open(&imported(&env)).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    let waiting = env.escalations(&analyst(), &id).await.remove(0);
    assert_eq!(waiting.state(), pb::EscalationState::Running);
    assert!(waiting.calls.is_empty());
    // The next shift begins.
    env.put_rota(rota()).await.unwrap();
    let called = env.calls(1).await;
    assert_eq!(called[0].person.email, CAMILLE);
}

#[tokio::test]
async fn names_of_those_who_were_called_vanish_with_the_contacts_of_the_report() {
    let env = on_call().await;
    let report = imported(&env);
    let id = env.open(&report).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    let calls = env.calls(1).await;
    env.open_link(&calls[0].person.token).await.unwrap();
    env.announce(&[report.contacts_erased()]).await;
    let names = async || {
        let escalation = env.escalations(&officer(), &id).await.remove(0);
        let called = escalation.calls.into_iter().map(|call| call.name);
        called
            .chain([escalation.acknowledged_by])
            .collect::<String>()
    };
    eventually(async || names().await.is_empty()).await;
    let keys = "select count(*) from escalation_call where data_key is not null";
    assert_eq!(env.count(keys).await, 0);
}

#[tokio::test]
async fn two_replicas_take_each_step_once() {
    let env = on_call().await;
    let _replica = env.start_replica().await;
    let id = env.open(&imported(&env)).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    let calls = env.calls(3).await;
    let steps: Vec<_> = calls.iter().map(|call| call.event.step).collect();
    let expected: Vec<u32> = (1..).take(steps.len()).collect();
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn names_of_those_on_call_are_for_the_cell_and_the_fssi() {
    let env = on_call().await;
    let id = env.open(&imported(&env)).await.case_id;
    env.declare_major(&officer(), &id).await.unwrap();
    env.calls(1).await;
    let seen = env.escalations(&agent("76"), &id).await.remove(0);
    assert_eq!(seen.calls[0].name, "");
    let escalation = env.escalations(&officer(), &id).await.remove(0);
    assert_eq!(escalation.calls[0].name, "Camille Roux");
    env.acknowledge(&analyst(), &escalation).await.unwrap();
    let seen = env.escalations(&agent("76"), &id).await.remove(0);
    assert_eq!(seen.acknowledged_by_role(), types::Role::Analyst);
    assert_eq!(seen.acknowledged_by, "");
    let unseen = env.list_escalations(&agent("28"), &id).await.unwrap_err();
    assert_eq!(unseen.code(), Code::NotFound);
}

/// The service by day and by night, with somebody on call and no patience.
async fn on_call() -> TestEnv {
    let env = TestEnv::start_with(QualificationConfig {
        escalation_delay_seconds: 1,
        escalation_day_and_night: true,
        public_url: Some("https://portail.example.org/".to_owned()),
        ..QualificationConfig::default()
    })
    .await;
    env.put_rota(rota()).await.unwrap();
    env
}

/// A rota of one shift, which has begun: Camille, then Sacha.
fn rota() -> Vec<pb::RotaShift> {
    let now = platform::now();
    let person = |name: &str, email: &str| pb::RotaPerson {
        name: name.to_owned(),
        email: email.to_owned(),
        subject: String::new(),
    };
    vec![pb::RotaShift {
        starts_at: Some(service::wire::timestamp(now - Duration::HOUR)),
        ends_at: Some(service::wire::timestamp(now + Duration::DAY)),
        people: vec![
            person("Camille Roux", CAMILLE),
            person("Sacha Petit", SACHA),
        ],
    }]
}

/// A report that a program sent, which calls nobody by itself, whenever it comes.
fn imported(env: &TestEnv) -> Report {
    let mut report = env.report();
    report.submitted.channel = types::Channel::Import.into();
    report
}

fn officer() -> TokenSpec {
    TokenSpec::of("fs").role("security_officer")
}

fn operator() -> TokenSpec {
    TokenSpec::of("op").role("operator")
}

/// A call as notification hears of it.
struct Called {
    event: events::EscalationCalled,
    person: events::CalledPerson,
}

impl TestEnv {
    fn escalation_client(&self, who: &TokenSpec) -> EscalationServiceClient<AuthorizedChannel> {
        EscalationServiceClient::new(self.service.as_user(who))
    }

    async fn put_rota(&self, shifts: Vec<pb::RotaShift>) -> Result<u32, Status> {
        let request = pb::PutRotaRequest {
            request_id: Uuid::now_v7().to_string(),
            shifts,
        };
        let answer = self
            .escalation_client(&operator())
            .put_rota(request)
            .await?;
        Ok(answer.into_inner().shifts)
    }

    async fn declare_major(&self, who: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let request = pb::DeclareMajorRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: case_id.to_owned(),
            reason: "Trois établissements à l'arrêt".to_owned(),
            etag: String::new(),
        };
        let answer = self.escalation_client(who).declare_major(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    async fn list_escalations(
        &self,
        who: &TokenSpec,
        case_id: &str,
    ) -> Result<Vec<pb::Escalation>, Status> {
        let request = pb::ListEscalationsRequest {
            case_id: case_id.to_owned(),
            ..Default::default()
        };
        let answer = self
            .escalation_client(who)
            .list_escalations(request)
            .await?;
        Ok(answer.into_inner().escalations)
    }

    async fn escalations(&self, who: &TokenSpec, case_id: &str) -> Vec<pb::Escalation> {
        self.list_escalations(who, case_id).await.unwrap()
    }

    /// Waits until the latest escalation of a case runs no more.
    async fn ended(&self, case_id: &str) -> pb::Escalation {
        eventually_some(async || {
            let escalation = self.escalations(&analyst(), case_id).await.remove(0);
            (escalation.state() != pb::EscalationState::Running).then_some(escalation)
        })
        .await
    }

    async fn acknowledge(
        &self,
        who: &TokenSpec,
        escalation: &pb::Escalation,
    ) -> Result<pb::Escalation, Status> {
        let request = pb::AcknowledgeEscalationRequest {
            request_id: Uuid::now_v7().to_string(),
            escalation_id: escalation.escalation_id.clone(),
        };
        let mut service = self.escalation_client(who);
        let answer = service.acknowledge_escalation(request).await?;
        Ok(answer.into_inner().escalation.unwrap())
    }

    async fn open_link(
        &self,
        token: &str,
    ) -> Result<pb::AcknowledgeEscalationByLinkResponse, Status> {
        let request = pb::AcknowledgeEscalationByLinkRequest {
            token: token.to_owned(),
        };
        let mut service = EscalationServiceClient::new(self.service.anonymous());
        let answer = service.acknowledge_escalation_by_link(request).await?;
        Ok(answer.into_inner())
    }

    /// Waits for so many calls, and gives all that were announced, in their order.
    async fn calls(&self, count: usize) -> Vec<Called> {
        eventually_some(async || {
            let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
                "select payload, data_key from event
                 where event_type = 'vigie.case.escalation_called.v1'
                 order by recorded_at, position",
            )
            .fetch_all(&self.pool)
            .await
            .unwrap();
            let calls: Vec<_> = rows.into_iter().map(called).collect();
            (calls.len() >= count).then_some(calls)
        })
        .await
    }

    async fn until_no_job_is_left(&self) {
        eventually(async || self.count("select count(*) from job").await == 0).await;
    }
}

fn called((payload, data_key): (Vec<u8>, Vec<u8>)) -> Called {
    let event = events::EscalationCalled::decode(payload.as_slice()).unwrap();
    let sealed = Sealed {
        sealed: event.sealed_person.to_vec(),
        data_key,
    };
    let call_id = event.call_id.parse().unwrap();
    let master = SealingKey::from_bytes(MASTER_KEY);
    let person = sealed.called(&master, call_id).unwrap();
    Called { event, person }
}
