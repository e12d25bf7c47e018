//! The calls of people about what they learned.

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, Violations, now, read_transaction};
use proto::qualification::v1::{
    self as pb, GiveFeedbackRequest, GiveFeedbackResponse, ListFeedbackRequest,
    ListFeedbackResponse, feedback_service_server::FeedbackService,
};
use serde_json::json;
use service::{Call, Commands, Done, Fields, Sealed, View, request_hash, wire::timestamp};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{CaseActivity, Role, Text, Word as _, derived_id};

use super::{
    Assessment, Feedback, Lessons,
    decide::{self, Refusal},
    purpose, store,
};
use crate::cases::{self, Activity, Audience, activity};

/// Who says what was learned.
const SIDES: &[Role] = &[Role::Declarant, Role::Analyst, Role::RegionalAgent];

/// Answers `FeedbackService`.
#[derive(Clone, Debug)]
pub(crate) struct FeedbackRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
}

/// Feedback as it was asked to be taken.
struct Give {
    case_id: Uuid,
    declaration: Option<Assessment>,
    response: Option<Assessment>,
    lessons: Option<Lessons>,
}

#[tonic::async_trait]
impl FeedbackService for FeedbackRpc {
    async fn give_feedback(
        &self,
        request: Request<GiveFeedbackRequest>,
    ) -> Result<Response<GiveFeedbackResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, give) = read_give(request.into_inner())?;
        let lessons = give.lessons.as_ref().map(Text::as_str);
        let lessons = lessons.unwrap_or_default().to_owned();
        let assessments = [give.declaration, give.response].map(|it| it.map(Assessment::as_str));
        let call = Call {
            caller,
            method: "GiveFeedback",
            action: "feedback.give",
            object: give.case_id.to_string(),
            request_id,
            hash: request_hash(
                json!([give.case_id, assessments, lessons])
                    .to_string()
                    .as_bytes(),
            ),
            at: now(),
        };
        let kept: pb::Feedback = self
            .commands
            .run(call, (self.clone(), give), |conn, call, (rpc, give)| {
                rpc.give(conn, call, give).boxed()
            })
            .await?;
        // The same request has the same text, which is not kept with it.
        let feedback = Some(pb::Feedback { lessons, ..kept });
        Ok(Response::new(GiveFeedbackResponse { feedback }))
    }

    async fn list_feedback(
        &self,
        request: Request<ListFeedbackRequest>,
    ) -> Result<Response<ListFeedbackResponse>, Status> {
        let caller = Caller::of(&request)?;
        let name = cases::case_name(&request.get_ref().case_id)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let mut given = match &case {
            Some(case) => store::list(&mut read, case.id).await?,
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "feedback.list", &name, case.as_ref()).await?;
        drop(conn);
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        given.sort_by_key(|feedback| decide::place(feedback.side));
        let key = case.report.sealed.as_ref();
        let feedback = given.iter().map(|feedback| {
            let lessons = key.and_then(|key| self.open(key, feedback));
            pb::Feedback {
                erased: key.is_none(),
                lessons: lessons.unwrap_or_default(),
                ..shown(feedback, view)
            }
        });
        Ok(Response::new(ListFeedbackResponse {
            feedback: feedback.collect(),
        }))
    }
}

impl FeedbackRpc {
    async fn give(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        give: &Give,
    ) -> Result<Done<pb::Feedback>> {
        let caller = &call.caller;
        let case = cases::lock_case(conn, give.case_id, &caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        decide::give(case.state).map_err(refused)?;
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        let side = cases::acting_on(&case, caller, SIDES)?;
        let lessons = give.lessons.as_ref().map(|lessons| {
            let purpose = purpose(case.id, side);
            key.seal(&self.master_key, &purpose, lessons.as_str().as_bytes())
        });
        let feedback = Feedback {
            case_id: case.id,
            side,
            declaration: give.declaration,
            response: give.response,
            sealed_lessons: lessons.transpose().map_err(Error::internal)?,
            given_at: call.at,
            given_by: caller.subject.clone(),
        };
        store::put(conn, &feedback).await?;
        let given = Activity {
            kind: CaseActivity::FeedbackGiven,
            id: derived_id("feedback", &[&purpose(case.id, side)]),
            actor: side,
            audience: Audience::Structure,
            at: call.at,
            due_at: None,
        };
        Ok(Done {
            answer: shown(&feedback, view),
            events: vec![activity(&case, &given)],
            detail: json!({ "side": side.as_str() }),
        })
    }

    fn open(&self, key: &Sealed, feedback: &Feedback) -> Option<String> {
        let sealed = Sealed {
            sealed: feedback.sealed_lessons.clone()?,
            data_key: key.data_key.clone(),
        };
        let opened = sealed.open(&self.master_key, &purpose(feedback.case_id, feedback.side));
        if opened.is_err() {
            tracing::error!(
                case.id = %feedback.case_id,
                "feedback does not open: is the master key the one of this installation?",
            );
        }
        String::from_utf8(opened.ok()?).ok()
    }
}

fn read_give(request: GiveFeedbackRequest) -> Result<(Uuid, Give)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let declaration = assessment(&mut fields, "declaration", request.declaration);
    let response = assessment(&mut fields, "response", request.response);
    let before = fields.violations();
    let lessons = fields.text("lessons", request.lessons);
    let silent = declaration.is_none() && response.is_none() && lessons.is_none();
    if silent && fields.violations() == before {
        fields.refuse("lessons", "REQUIRED", "Dites ce que vous en retenez.");
    }
    match (request_id, case_id) {
        (Some(request_id), Some(case_id)) if violations.is_empty() => Ok((
            request_id,
            Give {
                case_id,
                declaration,
                response,
                lessons,
            },
        )),
        _ => Err(violations.into()),
    }
}

fn assessment(fields: &mut Fields<'_>, field: &str, number: i32) -> Option<Assessment> {
    match pb::Assessment::try_from(number) {
        Ok(pb::Assessment::Unspecified) => None,
        Ok(pb::Assessment::Insufficient) => Some(Assessment::Insufficient),
        Ok(pb::Assessment::Partial) => Some(Assessment::Partial),
        Ok(pb::Assessment::Satisfactory) => Some(Assessment::Satisfactory),
        Err(_) => {
            fields.refuse(field, "UNKNOWN_VALUE", "Cette valeur n'est pas connue.");
            None
        }
    }
}

/// Shows feedback without its text.
fn shown(feedback: &Feedback, view: View) -> pb::Feedback {
    let assessment = |assessment: Option<Assessment>| {
        match assessment {
            None => pb::Assessment::Unspecified,
            Some(Assessment::Insufficient) => pb::Assessment::Insufficient,
            Some(Assessment::Partial) => pb::Assessment::Partial,
            Some(Assessment::Satisfactory) => pb::Assessment::Satisfactory,
        }
        .into()
    };
    let given_by = Some(feedback.given_by.clone()).filter(|_| view.people);
    pb::Feedback {
        case_id: feedback.case_id.to_string(),
        side: feedback.side.number(),
        declaration: assessment(feedback.declaration),
        response: assessment(feedback.response),
        lessons: String::new(),
        given_at: Some(timestamp(feedback.given_at)),
        given_by: given_by.unwrap_or_default(),
        erased: false,
    }
}

fn refused(Refusal::NotOver(state): Refusal) -> Error {
    let why = format!(
        "le dossier est dans l'état « {} » : le retour d'expérience se donne une fois l'incident \
         résolu ou le dossier clos",
        state.french()
    );
    Error::failed_precondition("WRONG_STATE", why)
}

fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : la conversation est terminée",
    )
}
