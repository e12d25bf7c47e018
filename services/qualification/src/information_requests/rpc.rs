//! The calls of people about requests for information.

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealError, SealingKey, now, read_transaction};
use proto::qualification::v1::{
    self as pb, AnswerInformationRequestRequest, AnswerInformationRequestResponse,
    CancelInformationRequestRequest, CancelInformationRequestResponse,
    ListInformationRequestsRequest, ListInformationRequestsResponse, RequestInformationRequest,
    RequestInformationResponse, information_request_service_server::InformationRequestService,
};
use serde_json::{Value, json};
use service::{Call, Commands, Done, Page, Sealed, View, jobs::add_jobs, request_hash};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{CaseActivity, Role, Text, derived_id};

use super::{
    Answer, InformationRequest, Person, Reason, State, answer_purpose, decide, question_purpose,
    reminder,
    request::{Ask, NOT_IN_TIME, read_answer, read_ask, read_cancellation},
    response::{erased, refused, shown, wrong_state},
    store,
};
use crate::cases::{self, Activity, Audience, Case, Command, activity};

/// Who asks, and gives up what was asked.
const ASKERS: &[Role] = &[Role::Analyst, Role::RegionalAgent, Role::SecurityOfficer];

/// Who answers: the structure, or those who enter what it says.
const ANSWERERS: &[Role] = &[Role::Declarant, Role::Analyst, Role::RegionalAgent];

/// Answers `InformationRequestService`.
#[derive(Clone, Debug)]
pub(crate) struct InformationRequestRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
}

/// How a request is settled.
enum Settle {
    Answer(Answer),
    Cancel(Option<Reason>),
}

#[tonic::async_trait]
impl InformationRequestService for InformationRequestRpc {
    async fn request_information(
        &self,
        request: Request<RequestInformationRequest>,
    ) -> Result<Response<RequestInformationResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let at = now();
        let (request_id, ask) = read_ask(request.into_inner(), at)?;
        let due_at = ask.due_at.map(OffsetDateTime::unix_timestamp_nanos);
        let content = json!([
            ask.case_id,
            ask.question.as_str(),
            due_at.map(|it| it.to_string()),
            ask.etag
        ]);
        let call = call(
            &caller,
            "RequestInformation",
            "information.request",
            ask.case_id,
            request_id,
            &content,
            at,
        );
        let kept = self
            .commands
            .run(call, (self.clone(), ask), |conn, call, (rpc, ask)| {
                rpc.ask(conn, call, ask).boxed()
            })
            .await?;
        let information_request = Some(self.with_texts(kept).await?);
        Ok(Response::new(RequestInformationResponse {
            information_request,
        }))
    }

    async fn answer_information_request(
        &self,
        request: Request<AnswerInformationRequestRequest>,
    ) -> Result<Response<AnswerInformationRequestResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, id, answer) = read_answer(request.into_inner())?;
        let content = json!([id, answer.as_str()]);
        let call = call(
            &caller,
            "AnswerInformationRequest",
            "information.answer",
            id,
            request_id,
            &content,
            now(),
        );
        let settled = self.settled(call, id, Settle::Answer(answer)).await?;
        Ok(Response::new(AnswerInformationRequestResponse {
            information_request: Some(settled),
        }))
    }

    async fn cancel_information_request(
        &self,
        request: Request<CancelInformationRequestRequest>,
    ) -> Result<Response<CancelInformationRequestResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, id, reason) = read_cancellation(request.into_inner())?;
        let content = json!([id, reason.as_ref().map(Text::as_str)]);
        let call = call(
            &caller,
            "CancelInformationRequest",
            "information.cancel",
            id,
            request_id,
            &content,
            now(),
        );
        let settled = self.settled(call, id, Settle::Cancel(reason)).await?;
        Ok(Response::new(CancelInformationRequestResponse {
            information_request: Some(settled),
        }))
    }

    async fn list_information_requests(
        &self,
        request: Request<ListInformationRequestsRequest>,
    ) -> Result<Response<ListInformationRequestsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let page = Page::<u64>::read(
            asked.page_size,
            &asked.page_token,
            format!("information requests {name:?}"),
        )?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let mut requests = match &case {
            Some(case) => store::page(&mut read, case.id, page.after, page.limit()).await?,
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "information.list", &name, case.as_ref()).await?;
        drop(conn);
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        let next_page_token = page.cut(&mut requests, |request| request.number);
        let shown = requests.iter().map(|request| {
            let shown = shown(request, view, now());
            let shown = pb::InformationRequest {
                // Nobody is waited for any more.
                overdue: shown.overdue && !case.is_ended(),
                ..shown
            };
            self.opened(shown, request, case.report.sealed.as_ref())
        });
        Ok(Response::new(ListInformationRequestsResponse {
            information_requests: shown.collect(),
            next_page_token,
        }))
    }
}

impl InformationRequestRpc {
    async fn ask(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        ask: &Ask,
    ) -> Result<Done<pb::InformationRequest>> {
        // A request that is sent again is answered alike, also once its moment has come.
        if ask.due_at.is_some_and(|due_at| due_at <= call.at) {
            return Err(Error::invalid("due_at", "OUT_OF_RANGE", NOT_IN_TIME));
        }
        let case = cases::lock_case(conn, ask.case_id, &call.caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, &call.caller).ok_or(Error::NotFound("case"))?;
        cases::check_etag(&case, ask.etag.as_deref())?;
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        let by = person(&case, &call.caller, ASKERS)?;
        let open = store::open(conn, case.id).await?;
        decide::ask(open.len()).map_err(refused)?;
        let (case, changed) =
            cases::step(conn, &self.commands, call, by.role, &case, &Command::Ask).await?;
        let id = derived_id(
            "information_request",
            &[call.caller.subject.as_bytes(), call.request_id.as_bytes()],
        );
        let sealed_question = self.seal(key, &question_purpose(id), ask.question.as_str())?;
        let request = InformationRequest {
            id,
            case_id: case.id,
            number: 0,
            state: State::Open,
            asked_by: by,
            asked_at: call.at,
            sealed_question,
            due_at: ask.due_at,
            settled: None,
        };
        let number = store::insert(conn, &request).await?;
        let request = InformationRequest { number, ..request };
        let reminder: Vec<_> = reminder::job(&request).into_iter().collect();
        add_jobs(conn, &reminder, call.at).await?;
        let asked = Activity {
            kind: CaseActivity::InformationRequested,
            id,
            actor: request.asked_by.role,
            audience: Audience::Structure,
            at: call.at,
            due_at: request.due_at,
        };
        Ok(Done {
            answer: shown(&request, view, call.at),
            events: vec![changed, activity(&case, &asked)],
            detail: json!({ "information_request": id }),
        })
    }

    /// Settles a request once and answers every retry alike.
    async fn settled(&self, call: Call, id: Uuid, how: Settle) -> Result<pb::InformationRequest> {
        let input = (self.clone(), id, how);
        let kept = self
            .commands
            .run(call, input, |conn, call, (rpc, id, how)| {
                rpc.settle(conn, call, *id, how).boxed()
            })
            .await?;
        self.with_texts(kept).await
    }

    async fn settle(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        id: Uuid,
        how: &Settle,
    ) -> Result<Done<pb::InformationRequest>> {
        let unknown = || Error::NotFound("information request");
        let case_id = store::case_of(conn, id).await?.ok_or_else(unknown)?;
        let case = cases::lock_case(conn, case_id, &call.caller.parties()).await?;
        let case = case.ok_or_else(unknown)?;
        let view = View::of(&case.visible_to, &call.caller).ok_or_else(unknown)?;
        let request = store::find(conn, id).await?.ok_or_else(unknown)?;
        #[cfg(feature = "mutants")]
        let request = if platform::mutant::Mutant::AnswerTakenTwice.is_alive() {
            let state = State::Open;
            InformationRequest { state, ..request }
        } else {
            request
        };
        if case.is_ended() {
            return Err(wrong_state("le dossier est terminé"));
        }
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        let seal = |text: &str| self.seal(key, &answer_purpose(id), text);
        let by = match how {
            Settle::Answer(_) => person(&case, &call.caller, ANSWERERS)?,
            Settle::Cancel(_) => person(&case, &call.caller, ASKERS)?,
        };
        let role = by.role;
        let request = match how {
            Settle::Answer(answer) => decide::answer(&request, by, seal(answer.as_str())?, call.at),
            Settle::Cancel(reason) => {
                let reason = reason.as_ref().map(|reason| seal(reason.as_str()));
                decide::cancel(&request, by, reason.transpose()?, call.at)
            }
        }
        .map_err(refused)?;
        store::settle(conn, &request).await?;
        let mut events = Vec::new();
        let open = store::open(conn, case.id).await?;
        if decide::goes_on(case.state, &open) {
            let answer = Command::Answer;
            let (_, changed) =
                cases::step(conn, &self.commands, call, role, &case, &answer).await?;
            events.push(changed);
        }
        if request.state == State::Answered {
            let answered = Activity {
                kind: CaseActivity::InformationAnswered,
                id,
                actor: role,
                audience: Audience::Structure,
                at: call.at,
                due_at: None,
            };
            events.push(activity(&case, &answered));
        }
        Ok(Done {
            answer: shown(&request, view, call.at),
            events,
            detail: json!({ "case": case.id, "state": request.state.as_str() }),
        })
    }

    /// Adds its texts, which rest in one place only, to an answer that was kept for retries.
    async fn with_texts(&self, kept: pb::InformationRequest) -> Result<pb::InformationRequest> {
        let mut conn = self.commands.pool.acquire().await?;
        let id = Uuid::try_parse(&kept.information_request_id).map_err(Error::internal)?;
        let unknown = || Error::NotFound("information request");
        let request = store::find(&mut conn, id).await?.ok_or_else(unknown)?;
        let case = cases::read_case(&mut conn, request.case_id).await?;
        let key = case.and_then(|case| case.report.sealed);
        let settled = kept.settled_at.is_some();
        let opened = self.opened(kept, &request, key.as_ref());
        Ok(pb::InformationRequest {
            answer: Some(opened.answer).filter(|_| settled).unwrap_or_default(),
            ..opened
        })
    }

    fn seal(&self, key: &Sealed, purpose: &[u8], text: &str) -> Result<Vec<u8>> {
        key.seal(&self.master_key, purpose, text.as_bytes())
            .map_err(Error::internal)
    }

    /// Shows the texts of a request, unless the key is erased.
    fn opened(
        &self,
        shown: pb::InformationRequest,
        request: &InformationRequest,
        key: Option<&Sealed>,
    ) -> pb::InformationRequest {
        let open = |sealed: &[u8], purpose: &[u8]| {
            let sealed = Sealed {
                sealed: sealed.to_vec(),
                data_key: key?.data_key.clone(),
            };
            let opened = sealed.open(&self.master_key, purpose);
            if let Err(SealError) = &opened {
                tracing::error!(
                    information_request.id = %request.id,
                    "a request for information does not open: is the master key the one of this \
                     installation?",
                );
            }
            String::from_utf8(opened.ok()?).ok()
        };
        let question = open(&request.sealed_question, &question_purpose(request.id));
        let settled = request.settled.as_ref();
        let answer = settled.and_then(|settled| settled.sealed_answer.as_deref());
        let answer = answer.and_then(|sealed| open(sealed, &answer_purpose(request.id)));
        pb::InformationRequest {
            erased: question.is_none(),
            question: question.unwrap_or_default(),
            answer: answer.unwrap_or_default(),
            ..shown
        }
    }
}

fn call(
    caller: &Caller,
    method: &'static str,
    action: &'static str,
    object: Uuid,
    request_id: Uuid,
    content: &Value,
    at: OffsetDateTime,
) -> Call {
    Call {
        caller: caller.clone(),
        method,
        action,
        object: object.to_string(),
        request_id,
        hash: request_hash(content.to_string().as_bytes()),
        at,
    }
}

/// Who acts on a case, in the role that may do it.
fn person(case: &Case, caller: &Caller, allowed: &[Role]) -> Result<Person> {
    Ok(Person {
        role: cases::acting_on(case, caller, allowed)?,
        subject: caller.subject.clone(),
    })
}
