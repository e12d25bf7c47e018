//! Consequences for care.

mod case;
mod refusals;

use prost::Message as _;
use proto::{
    events::v1 as events,
    qualification::v1::{
        self as pb, CareConsequenceKind as Kind, care_service_client::CareServiceClient,
    },
    types::v1 as types,
};
use servicetest::AuthorizedChannel;
use testkit::{TokenSpec, eventually};
use time::OffsetDateTime;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{DECLARED, TestEnv, agent, analyst, reason};

#[tokio::test]
async fn consequences_are_read_by_the_authorities_and_never_by_the_structure() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let transfers = draft(Kind::PatientsTransferred, "Transferts vers Nîmes");
    let transfers = pb::CareConsequenceDraft {
        persons: Some(14),
        ..transfers
    };
    env.record_care(&agent("76"), &id, transfers.clone())
        .await
        .unwrap();
    let closed = draft(Kind::ServiceClosed, "Plus d'accueil");
    env.record_care(&analyst(), &id, closed.clone())
        .await
        .unwrap();

    for who in [analyst(), fssi(), agent("76"), dgs()] {
        let seen = env.care_of(&who, &id).await;
        let drafts: Vec<_> = seen.iter().map(|it| it.draft.clone().unwrap()).collect();
        assert_eq!(
            drafts,
            [closed.clone(), transfers.clone()],
            "{}",
            who.subject
        );
        let numbers: Vec<_> = seen
            .iter()
            .map(|it| (it.number, it.region.as_str()))
            .collect();
        assert_eq!(numbers, [(2, "76"), (1, "76")]);
        let roles: Vec<_> = seen.iter().map(pb::CareConsequence::author_role).collect();
        assert_eq!(roles, [types::Role::Analyst, types::Role::RegionalAgent]);
        // Who recorded it is the cell's and the FSSI's to know.
        let national = ["ana", "fssi"].contains(&who.subject.as_str());
        let named = if national { "agent-76" } else { "" };
        assert_eq!(seen[1].author, named, "{}", who.subject);
    }
    let declarant = TokenSpec::of("decl").role("declarant");
    let refused = env.list_care(&declarant, &id).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    // Who sees the case for the structure alone does not see them through another role.
    let both = declarant.role("regional_agent").region("28");
    let refused = env.list_care(&both, &id).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let refused = env.record_care(&both, &id, closed).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn what_is_sent_again_is_done_once_and_answered_alike() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let request = record(&id, draft(Kind::ServiceClosed, "Fermé"));
    let once = env
        .care_client(&analyst())
        .record_care_consequence(request.clone())
        .await;
    let again = env
        .care_client(&analyst())
        .record_care_consequence(request.clone())
        .await;
    let once = once.unwrap().into_inner();
    assert_eq!(once, again.unwrap().into_inner());
    let ending = end(&once.consequence.unwrap().consequence_id, DECLARED);
    let ended = env.end_care(&analyst(), ending.clone()).await.unwrap();
    assert_eq!(env.end_care(&analyst(), ending).await.unwrap(), ended);
    assert_eq!(env.care_of(&analyst(), &id).await, [ended]);
    let other = pb::RecordCareConsequenceRequest {
        draft: Some(draft(Kind::Other, "Fermé")),
        ..request
    };
    let refused = env
        .care_client(&analyst())
        .record_care_consequence(other)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn consequences_recorded_at_once_are_numbered_without_gaps_and_paged_without_loss() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let records = (0..25).map(async |number| {
        let draft = draft(Kind::Other, &format!("conséquence {number}"));
        env.record_care(&agent("76"), &id, draft).await
    });
    for recorded in futures::future::join_all(records).await {
        recorded.unwrap();
    }
    let (mut numbers, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListCareConsequencesRequest {
            case_id: id.clone(),
            page_size: 10,
            page_token: token,
        };
        let page = env
            .care_client(&dgs())
            .list_care_consequences(request)
            .await;
        let page = page.unwrap().into_inner();
        numbers.extend(page.consequences.iter().map(|it| it.number));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(numbers, (1..=25).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_consequence_and_its_end_are_announced_to_the_authorities_without_what_they_say() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    let secret = "Réanimation néonatale transférée";
    let closed = draft(Kind::ServiceClosed, secret);
    let closed = pb::CareConsequenceDraft {
        service_name: secret.into(),
        ..closed
    };
    let recorded = env.record_care(&agent("76"), &id, closed).await.unwrap();
    let ending = end(&recorded.consequence_id, DECLARED);
    env.end_care(&analyst(), ending).await.unwrap();

    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "select payload from event where event_type = 'vigie.case.activity_recorded.v1'
         order by recorded_at",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    let announced: Vec<_> = rows
        .iter()
        .map(|payload| events::CaseActivityRecorded::decode(payload.as_slice()).unwrap())
        .collect();
    let told: Vec<_> = announced
        .iter()
        .map(|it| (it.activity(), it.actor_role()))
        .collect();
    assert_eq!(
        told,
        [
            (
                types::CaseActivity::CareRecorded,
                types::Role::RegionalAgent
            ),
            (types::CaseActivity::CareEnded, types::Role::Analyst)
        ]
    );
    for event in announced {
        assert_eq!(event.activity_id, recorded.consequence_id);
        assert_eq!(event.reference, report.submitted.reference);
        assert_eq!(event.visible_to, ["ars:76", "cell", "fssi", "dgs"]);
        assert!(!event.to_structure);
    }

    // Neither the log, nor the table, nor what is kept for retries holds the texts.
    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from care_consequence
                 where position(convert_to($1, 'UTF8') in sealed_texts) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind(secret)
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn erasure_takes_the_texts_and_leaves_what_is_counted() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    let closed = pb::CareConsequenceDraft {
        persons: Some(3),
        ..draft(Kind::ServiceClosed, "Fermé")
    };
    let recorded = env.record_care(&agent("76"), &id, closed.clone()).await;
    let recorded = recorded.unwrap().consequence_id;
    env.announce(&[report.contacts_erased()]).await;
    eventually(async || env.care_of(&analyst(), &id).await[0].erased).await;
    let left = pb::CareConsequenceDraft {
        service_name: String::new(),
        description: String::new(),
        ..closed.clone()
    };
    assert_eq!(env.care_of(&analyst(), &id).await[0].draft, Some(left));
    for refused in [
        env.record_care(&agent("76"), &id, closed.clone())
            .await
            .unwrap_err(),
        env.update_care(&agent("76"), update(&recorded, closed))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ERASED")
        );
    }
    assert!(
        env.end_care(&agent("76"), end(&recorded, DECLARED))
            .await
            .unwrap()
            .erased
    );
}

impl TestEnv {
    fn care_client(&self, who: &TokenSpec) -> CareServiceClient<AuthorizedChannel> {
        CareServiceClient::new(self.service.as_user(who))
    }

    async fn record_care(
        &self,
        who: &TokenSpec,
        case_id: &str,
        draft: pb::CareConsequenceDraft,
    ) -> Result<pb::CareConsequence, Status> {
        let request = record(case_id, draft);
        let recorded = self
            .care_client(who)
            .record_care_consequence(request)
            .await?;
        Ok(recorded.into_inner().consequence.unwrap())
    }

    async fn update_care(
        &self,
        who: &TokenSpec,
        request: pb::UpdateCareConsequenceRequest,
    ) -> Result<pb::CareConsequence, Status> {
        let updated = self
            .care_client(who)
            .update_care_consequence(request)
            .await?;
        Ok(updated.into_inner().consequence.unwrap())
    }

    async fn end_care(
        &self,
        who: &TokenSpec,
        request: pb::EndCareConsequenceRequest,
    ) -> Result<pb::CareConsequence, Status> {
        let ended = self.care_client(who).end_care_consequence(request).await?;
        Ok(ended.into_inner().consequence.unwrap())
    }

    async fn list_care(
        &self,
        who: &TokenSpec,
        case_id: &str,
    ) -> Result<Vec<pb::CareConsequence>, Status> {
        let request = pb::ListCareConsequencesRequest {
            case_id: case_id.to_owned(),
            ..Default::default()
        };
        let listed = self
            .care_client(who)
            .list_care_consequences(request)
            .await?;
        Ok(listed.into_inner().consequences)
    }

    async fn care_of(&self, who: &TokenSpec, case_id: &str) -> Vec<pb::CareConsequence> {
        self.list_care(who, case_id).await.unwrap()
    }
}

fn fssi() -> TokenSpec {
    TokenSpec::of("fssi").role("security_officer")
}

fn dgs() -> TokenSpec {
    TokenSpec::of("dgs").role("health_authority")
}

fn timestamp(at: OffsetDateTime) -> prost_types::Timestamp {
    service::wire::timestamp(at)
}

/// Of the service "Réanimation" where the kind is about one.
fn draft(kind: Kind, description: &str) -> pb::CareConsequenceDraft {
    let of_a_service = [Kind::ServiceDegraded, Kind::ServiceClosed].contains(&kind);
    pb::CareConsequenceDraft {
        kind: kind.into(),
        service_name: if of_a_service {
            "Réanimation".into()
        } else {
            String::new()
        },
        description: description.to_owned(),
        persons: None,
        begun_at: Some(timestamp(DECLARED)),
    }
}

fn record(case_id: &str, draft: pb::CareConsequenceDraft) -> pb::RecordCareConsequenceRequest {
    pb::RecordCareConsequenceRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        region: String::new(),
        draft: Some(draft),
    }
}

fn update(
    consequence_id: &str,
    draft: pb::CareConsequenceDraft,
) -> pb::UpdateCareConsequenceRequest {
    pb::UpdateCareConsequenceRequest {
        request_id: Uuid::now_v7().to_string(),
        consequence_id: consequence_id.to_owned(),
        draft: Some(draft),
        ..Default::default()
    }
}

fn end(consequence_id: &str, at: OffsetDateTime) -> pb::EndCareConsequenceRequest {
    pb::EndCareConsequenceRequest {
        request_id: Uuid::now_v7().to_string(),
        consequence_id: consequence_id.to_owned(),
        etag: String::new(),
        ended_at: Some(timestamp(at)),
    }
}
