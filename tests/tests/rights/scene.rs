//! A prepared suite: reports of every kind that the rules of visibility tell apart.

mod plans;

use prost_types::Timestamp;
use proto::intake::v1::{
    self as pb, DeclarantCapacity, delegation_service_client::DelegationServiceClient,
    draft_service_client::DraftServiceClient,
};
use proto::qualification::v1::{
    AccompanimentGiver, CareConsequenceDraft, CareConsequenceKind, ClaimCaseRequest,
    OfferAccompanimentRequest, RecordCareConsequenceRequest,
    accompaniment_service_client::AccompanimentServiceClient,
    care_service_client::CareServiceClient,
};
use proto::types::v1 as types;
use proto::types::v1::structure_identifier::Identifier;
use sqlx::{Connection as _, PgConnection};
use testkit::{TokenSpec, eventually};
use tests::{MONTPELLIER, ROUEN, TestEnv, ransomware};
use uuid::Uuid;

use self::plans::plans;
use crate::people;

/// The legal entity of the hospital of Montpellier.
pub(crate) const MONTPELLIER_LEGAL_ENTITY: &str = "340780477";
/// An invented hospital of the armed forces in Occitanie.
pub(crate) const ARMY_HOSPITAL: &str = "340000009";

/// Who works on the first case.
pub(crate) const ANALYST: &str = "analyst-2";
/// Who recorded what the first case does to care.
pub(crate) const AGENT: &str = "ars-76";

const DIRECTORY: &str =
    "finess_et,finess_ej,name,category_code,region_code,department,commune,operator_status
340782085,340780477,HOPITAL DE MONTPELLIER,101,76,34,MONTPELLIER,vital
760000166,,HOPITAL DE ROUEN,101,28,76,ROUEN,
340000009,,HOPITAL D'INSTRUCTION D'EXEMPLE,114,76,34,EXEMPLE,
";

/// A report of the scene with its case, and what decides who sees it.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    /// What to call it.
    pub(crate) label: &'static str,
    /// The subject of who declared it.
    pub(crate) author: &'static str,
    /// The region of the structure: INSEE code, "national" or "synthetic".
    pub(crate) region: &'static str,
    /// Whether it touches care or patients.
    pub(crate) health_impact: bool,
    /// What else tells it from others.
    pub(crate) kind: Kind,
    /// The FINESS under which the structure's own people see it.
    pub(crate) structures: &'static [&'static str],
    /// UUID of the report.
    pub(crate) report_id: String,
    /// Its reference.
    pub(crate) reference: String,
    /// UUID of its case.
    pub(crate) case_id: String,
    /// UUID of the measure that is proposed on its case.
    pub(crate) measure_id: String,
    /// UUID of what its structure was asked, and has answered.
    pub(crate) information_request_id: String,
    /// UUID of the escalation that runs on its case.
    pub(crate) escalation_id: String,
}

impl Thing {
    /// In which role its structure was asked.
    pub(crate) fn asked_by(&self) -> &'static str {
        match self.region {
            "28" => "regional_agent",
            _ => "analyst",
        }
    }
}

/// The secret of the link by which the first escalation may be acknowledged.
pub(crate) const LINK: &str = "7f3a";

/// What tells one report from another for the rules of sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Ordinary,
    /// The structure is a hospital of the armed forces.
    Army,
    /// A program sent it.
    Imported,
    /// It is a test.
    Test,
}

/// A prepared suite.
pub(crate) struct Scene {
    pub(crate) env: TestEnv,
    /// The reports that were declared.
    pub(crate) things: Vec<Thing>,
    /// UUID of what the first case does to care.
    pub(crate) consequence_id: String,
    /// UUID of the accompaniment that its structure is offered.
    pub(crate) accompaniment_id: String,
    /// UUID of one of the deliveries.
    pub(crate) delivery_id: String,
    /// The directory that was loaded.
    pub(crate) directory: &'static str,
    /// The drafts that are kept: the subject of their author and their UUID.
    pub(crate) drafts: Vec<(&'static str, String)>,
    /// Delegations that ended, each for the hospital of this FINESS.
    pub(crate) delegations: Vec<(&'static str, String)>,
}

/// Who keeps a draft.
const DRAFTING: [&str; 2] = ["director", "agent"];

impl Scene {
    /// Has the director of a hospital delegate to somebody, and end it.
    async fn ended_delegation(&self, subject: &str, finess: &str) -> String {
        let authors = people::authors();
        let director = authors.iter().find(|who| who.subject == subject);
        let director = self.env.with_token(director.expect("he is an author"));
        let mut delegations = DelegationServiceClient::new(director.channel("intake"));
        let tomorrow = platform::now() + time::Duration::DAY;
        let granted = delegations.grant_delegation(pb::GrantDelegationRequest {
            request_id: Uuid::now_v7().to_string(),
            finess: finess.to_owned(),
            delegate: "claire".to_owned(),
            delegate_name: "Claire Dubreuil".to_owned(),
            valid_from: None,
            valid_until: Some(Timestamp {
                seconds: tomorrow.unix_timestamp(),
                nanos: 0,
            }),
        });
        let granted = granted.await.unwrap().into_inner().delegation.unwrap();
        let ended = delegations.end_delegation(pb::EndDelegationRequest {
            request_id: Uuid::now_v7().to_string(),
            delegation_id: granted.delegation_id.clone(),
        });
        ended.await.unwrap();
        granted.delegation_id
    }

    /// Starts the suite and declares everything; returns when all services know all of it.
    pub(crate) async fn prepare() -> Self {
        let env = TestEnv::start().await;
        let chunk = DIRECTORY.as_bytes().into();
        let pieces = tokio_stream::iter([pb::ImportStructuresRequest {
            chunk,
            ..Default::default()
        }]);
        let importer = env.as_user("importer");
        let loaded = importer.structures().import_structures(pieces).await;
        assert_eq!(loaded.unwrap().into_inner().created, 3);

        let mut scene = Self {
            env,
            things: Vec::new(),
            consequence_id: String::new(),
            accompaniment_id: String::new(),
            delivery_id: String::new(),
            directory: DIRECTORY,
            drafts: Vec::new(),
            delegations: Vec::new(),
        };
        for (thing, draft) in plans() {
            let author = people::authors();
            let author = author.iter().find(|who| who.subject == thing.author);
            let author = scene.env.with_token(author.expect("every author is one"));
            let receipt = author.submit(draft).await;
            scene.things.push(Thing {
                report_id: receipt.report_id,
                reference: receipt.reference,
                ..thing
            });
        }
        for subject in DRAFTING {
            let author = people::authors()
                .into_iter()
                .find(|who| who.subject == subject);
            let author = scene.env.with_token(&author.expect("every author is one"));
            let request = pb::SaveDraftRequest {
                request_id: Uuid::now_v7().to_string(),
                draft: Some(pb::ReportDraft::default()),
                ..Default::default()
            };
            let mut drafts = DraftServiceClient::new(author.channel("intake"));
            let saved = drafts.save_draft(request).await.unwrap();
            let draft = saved.into_inner().draft.unwrap();
            scene.drafts.push((subject, draft.draft_id));
        }
        for (subject, finess) in [("director", MONTPELLIER), ("director-rouen", ROUEN)] {
            let ended = scene.ended_delegation(subject, finess).await;
            scene.delegations.push((finess, ended));
        }
        scene.settle().await;
        let mut sql = scene.sql().await;
        scene.fill_cases(&mut sql).await;
        let delivery_id: Uuid =
            sqlx::query_scalar("select job_id from notification.job_done limit 1")
                .fetch_one(&mut sql)
                .await
                .unwrap();
        scene.delivery_id = delivery_id.to_string();

        // Somebody works on one of the cases.
        let claim = ClaimCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: scene.things[0].case_id.clone(),
            etag: String::new(),
        };
        let analyst = scene.env.as_user(ANALYST);
        analyst.qualification().claim_case(claim).await.unwrap();
        // And an agency follows what it does to care.
        let record = RecordCareConsequenceRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: scene.things[0].case_id.clone(),
            region: String::new(),
            draft: Some(care_draft()),
        };
        let agent = scene.env.as_user(AGENT).channel("qualification");
        let mut care = CareServiceClient::new(agent);
        let recorded = care.record_care_consequence(record).await.unwrap();
        let recorded = recorded.into_inner().consequence.unwrap();
        scene.consequence_id = recorded.consequence_id;
        // And the cell offers to accompany the structure.
        let offer = OfferAccompanimentRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: scene.things[0].case_id.clone(),
            giver: AccompanimentGiver::Cell.into(),
            offer: "Deux analystes".to_owned(),
            ..Default::default()
        };
        let mut accompaniment = AccompanimentServiceClient::new(analyst.channel("qualification"));
        let offered = accompaniment.offer_accompaniment(offer).await.unwrap();
        let offered = offered.into_inner().accompaniment.unwrap();
        scene.accompaniment_id = offered.accompaniment_id;
        scene.settle().await;
        scene
    }

    /// Finds the case of each report, and puts on it what is asked about.
    async fn fill_cases(&mut self, sql: &mut PgConnection) {
        for thing in &mut self.things {
            let case_id: Uuid = sqlx::query_scalar(
                "select case_id from qualification.case_file where report_id = $1",
            )
            .bind(thing.report_id.parse::<Uuid>().unwrap())
            .fetch_one(&mut *sql)
            .await
            .unwrap();
            thing.case_id = case_id.to_string();
            thing.measure_id = measure_on(case_id, sql).await;
            let asked_by = thing.asked_by();
            thing.information_request_id = question_on(case_id, asked_by, sql).await;
            thing.escalation_id = escalation_of(case_id, sql).await;
        }
        called_by_link(&self.things[0].escalation_id, sql).await;
    }

    /// A token that says this.
    pub(crate) fn token(&self, person: &TokenSpec) -> String {
        self.env.suite.issuer.token(person)
    }

    /// The database, behind every curtain.
    pub(crate) async fn sql(&self) -> PgConnection {
        let url = self.env.suite.database.superuser_url();
        PgConnection::connect(&url).await.unwrap()
    }

    /// Waits until every consumer has applied all there is.
    async fn settle(&self) {
        let mut sql = self.sql().await;
        eventually(async || {
            sqlx::query_scalar(include_str!("settled.sql"))
                .fetch_one(&mut sql)
                .await
                .unwrap()
        })
        .await;
    }
}

/// Puts a proposed measure on a case, whoever may see it: no call of one role reaches all of
/// them. What it says does not open.
async fn measure_on(case_id: Uuid, sql: &mut PgConnection) -> String {
    let measure_id: Uuid = sqlx::query_scalar(
        "insert into qualification.case_measure
             (case_id, number, measure_id, steps, sealed_title, sealed_text)
         values ($1, 1, gen_random_uuid(), jsonb_build_array(jsonb_build_object(
             'state', 'proposed', 'at', '2026-11-02T08:00:00Z', 'role', 'analyst',
             'subject', $2)), '', '')
         returning measure_id",
    )
    .bind(case_id)
    .bind(ANALYST)
    .fetch_one(sql)
    .await
    .unwrap();
    measure_id.to_string()
}

/// Puts an answered request for information on a case.
async fn question_on(case_id: Uuid, asked_by: &str, sql: &mut PgConnection) -> String {
    let id: Uuid = sqlx::query_scalar(
        "insert into qualification.information_request
             (information_request_id, case_id, number, state, asked_role, asked_subject, asked_at,
              sealed_question, settled_role, settled_subject, settled_at, sealed_answer)
         values (gen_random_uuid(), $1, 1, 'answered', $2, $3, '2026-11-02T08:00:00Z', '',
                 'declarant', 'somebody', '2026-11-02T09:00:00Z', '')
         returning information_request_id",
    )
    .bind(case_id)
    .bind(asked_by)
    .bind(ANALYST)
    .fetch_one(sql)
    .await
    .unwrap();
    id.to_string()
}

/// Has an escalation run on a case, which calls nobody.
async fn escalation_of(case_id: Uuid, sql: &mut PgConnection) -> String {
    let id: Uuid = sqlx::query_scalar(
        "insert into qualification.escalation
             (escalation_id, case_id, number, cause, state, begun_at, lapses_at, next_step)
         values (gen_random_uuid(), $1, 1, 'major', 'running', '2026-11-02T08:00:00Z',
                 '2099-01-01', 2)
         returning escalation_id",
    )
    .bind(case_id)
    .fetch_one(sql)
    .await
    .unwrap();
    id.to_string()
}

/// Has the link of a call lead to an escalation.
async fn called_by_link(escalation_id: &str, sql: &mut PgConnection) {
    let escalation_id: Uuid = escalation_id.parse().unwrap();
    sqlx::query(
        "insert into qualification.escalation_call
             (escalation_id, step, called_at, sealed_name, token_hash)
         values ($1, 1, '2026-11-02T08:00:00Z', '', sha256(convert_to($2, 'UTF8')))",
    )
    .bind(escalation_id)
    .bind(LINK)
    .execute(sql)
    .await
    .unwrap();
}

/// A consequence for care.
pub(crate) fn care_draft() -> CareConsequenceDraft {
    CareConsequenceDraft {
        kind: CareConsequenceKind::EmergencyDepartmentClosed.into(),
        description: "Régulation par le SAMU".to_owned(),
        begun_at: Some(prost_types::Timestamp {
            seconds: 1_790_000_000,
            nanos: 0,
        }),
        ..Default::default()
    }
}
