//! The calls of people about escalation.

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, Violations, now, read_transaction};
use proto::qualification::v1::{
    self as pb, AcknowledgeEscalationByLinkRequest, AcknowledgeEscalationByLinkResponse,
    AcknowledgeEscalationRequest, AcknowledgeEscalationResponse, DeclareMajorRequest,
    DeclareMajorResponse, ListDecisionsRequest, ListDecisionsResponse, ListEscalationsRequest,
    ListEscalationsResponse, ListRotaRequest, ListRotaResponse, PutRotaRequest, PutRotaResponse,
    RecordDecisionRequest, RecordDecisionResponse, TakePilotRequest, TakePilotResponse,
    escalation_service_server::EscalationService,
};
use serde_json::json;
use service::{
    Call, Commands, Done, Fields, Page, View, audit_list, request_hash, wire::timestamp,
};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{Role, derived_id};

use super::{
    Acknowledger, Decision,
    calls::token_hash,
    decide, decision_purpose,
    request::{self, Record},
    response, rota, store,
};
use crate::cases::{self, CaseRpc};

/// Who acknowledges an escalation, logged in.
const CALLED: &[Role] = &[Role::Analyst, Role::SecurityOfficer];

/// Answers `EscalationService`.
#[derive(Clone, Debug)]
pub(crate) struct EscalationRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens and wraps the keys under which texts and people are sealed.
    pub(crate) master_key: SealingKey,
    /// Carries out what is a command of a case.
    pub(crate) cases: CaseRpc,
}

#[tonic::async_trait]
impl EscalationService for EscalationRpc {
    async fn declare_major(
        &self,
        request: Request<DeclareMajorRequest>,
    ) -> Result<Response<DeclareMajorResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = cases::declare_major(request.into_inner())?;
        let case = self
            .cases
            .command(caller, "DeclareMajor", "case.declare_major", asked)
            .await?;
        Ok(Response::new(DeclareMajorResponse { case: Some(case) }))
    }

    async fn take_pilot(
        &self,
        request: Request<TakePilotRequest>,
    ) -> Result<Response<TakePilotResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = cases::take_pilot(request.get_ref())?;
        let case = self
            .cases
            .command(caller, "TakePilot", "case.take_pilot", asked)
            .await?;
        Ok(Response::new(TakePilotResponse { case: Some(case) }))
    }

    async fn record_decision(
        &self,
        request: Request<RecordDecisionRequest>,
    ) -> Result<Response<RecordDecisionResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, record) = request::record(request.into_inner())?;
        let text = record.text.as_str().to_owned();
        let content = json!([record.case_id, text]).to_string();
        let call = Call {
            caller,
            method: "RecordDecision",
            action: "decision.record",
            object: record.case_id.to_string(),
            request_id,
            hash: request_hash(content.as_bytes()),
            at: now(),
        };
        let kept: pb::Decision = self
            .commands
            .run(call, (self.clone(), record), |conn, call, (rpc, record)| {
                rpc.record(conn, call, record).boxed()
            })
            .await?;
        // The same request has the same text, which is not kept with it.
        let decision = Some(pb::Decision {
            text,
            erased: false,
            ..kept
        });
        Ok(Response::new(RecordDecisionResponse { decision }))
    }

    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let filter = format!("decisions {name:?}");
        let page = Page::<u64>::read(asked.page_size, &asked.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let mut decisions = match &case {
            Some(case) => store::decisions(&mut read, case.id, page.after, page.limit()).await?,
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "decision.list", &name, case.as_ref()).await?;
        drop(conn);
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        let next_page_token = page.cut(&mut decisions, |decision| decision.number);
        let key = case.report.sealed.as_ref();
        let shown = decisions
            .iter()
            .map(|decision| response::decision(decision, key, view, &self.master_key));
        Ok(Response::new(ListDecisionsResponse {
            decisions: shown.collect(),
            next_page_token,
        }))
    }

    async fn put_rota(
        &self,
        request: Request<PutRotaRequest>,
    ) -> Result<Response<PutRotaResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, shifts) = request::rota(request.into_inner())?;
        let content = request::content(&shifts).to_string();
        let call = Call {
            caller,
            method: "PutRota",
            action: "rota.put",
            object: "rota".to_owned(),
            request_id,
            hash: request_hash(content.as_bytes()),
            at: now(),
        };
        let input = (self.master_key.clone(), shifts);
        let answer = self
            .commands
            .run(call, input, |conn, call, (master_key, shifts)| {
                rota::put(conn, call, master_key, shifts).boxed()
            })
            .await?;
        Ok(Response::new(answer))
    }

    async fn list_rota(
        &self,
        request: Request<ListRotaRequest>,
    ) -> Result<Response<ListRotaResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let page = Page::<u64>::read(asked.page_size, &asked.page_token, "rota")?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let mut shifts = store::rota(&mut read, page.after, page.limit()).await?;
        drop(read);
        let next_page_token = page.cut(&mut shifts, |shift| shift.number);
        let detail = json!({ "shifts": shifts.len() });
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_list(&mut conn, caller, "rota.list", "rota", detail).await?;
        drop(conn);
        let shown = shifts.iter().map(|shift| {
            let people = rota::people(&self.master_key, shift);
            response::shift(shift, people.unwrap_or_default())
        });
        Ok(Response::new(ListRotaResponse {
            shifts: shown.collect(),
            next_page_token,
        }))
    }

    async fn list_escalations(
        &self,
        request: Request<ListEscalationsRequest>,
    ) -> Result<Response<ListEscalationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let filter = format!("escalations {name:?}");
        let page = Page::<u64>::read(asked.page_size, &asked.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let mut escalations = match &case {
            Some(case) => store::page(&mut read, case.id, page.after, page.limit()).await?,
            None => Vec::new(),
        };
        let next_page_token = page.cut(&mut escalations, |escalation| escalation.number);
        let ids: Vec<_> = escalations.iter().map(|escalation| escalation.id).collect();
        let calls = store::calls(&mut read, &ids).await?;
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "escalation.list", &name, case.as_ref()).await?;
        drop(conn);
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        let shown = escalations
            .iter()
            .map(|escalation| response::escalation(escalation, &calls, view, &self.master_key));
        Ok(Response::new(ListEscalationsResponse {
            escalations: shown.collect(),
            next_page_token,
        }))
    }

    async fn acknowledge_escalation(
        &self,
        request: Request<AcknowledgeEscalationRequest>,
    ) -> Result<Response<AcknowledgeEscalationResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        let mut violations = Violations::default();
        let mut fields = Fields::new("", &mut violations);
        let request_id = fields.uuid("request_id", &request.request_id);
        let id = fields.uuid("escalation_id", &request.escalation_id);
        let Some((request_id, id)) = request_id.zip(id) else {
            return Err(Error::from(violations).into());
        };
        let call = Call {
            caller: caller.clone(),
            method: "AcknowledgeEscalation",
            action: "escalation.acknowledge",
            object: id.to_string(),
            request_id,
            hash: request_hash(id.as_bytes()),
            at: now(),
        };
        let _: AcknowledgeEscalationResponse = self
            .commands
            .run(call, id, |conn, call, id| {
                acknowledge(conn, call, *id).boxed()
            })
            .await?;
        let escalation = Some(self.acknowledged(&caller, id).await?);
        Ok(Response::new(AcknowledgeEscalationResponse { escalation }))
    }

    async fn acknowledge_escalation_by_link(
        &self,
        request: Request<AcknowledgeEscalationByLinkRequest>,
    ) -> Result<Response<AcknowledgeEscalationByLinkResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let hash = token_hash(request.into_inner().token.trim());
        // Anybody may try tokens: a wrong one leaves nothing behind.
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        let known = store::called_by(&mut conn, &hash).await?;
        known.ok_or(Error::NotFound("escalation"))?;
        drop(conn);
        let call = Call {
            caller,
            method: "AcknowledgeEscalationByLink",
            action: "escalation.acknowledge_by_link",
            // The token is a secret, and only its escalation has a name.
            object: "link".to_owned(),
            request_id: derived_id("escalation_link", &[&hash]),
            hash: hash.clone(),
            at: now(),
        };
        let answer = self
            .commands
            .run(call, hash, |conn, call, hash| {
                acknowledge_by_link(conn, call, hash).boxed()
            })
            .await?;
        Ok(Response::new(answer))
    }
}

impl EscalationRpc {
    async fn record(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        record: &Record,
    ) -> Result<Done<pb::Decision>> {
        let caller = &call.caller;
        let case = cases::lock_case(conn, record.case_id, &caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        if case.is_ended() {
            return Err(wrong_state("le dossier est terminé"));
        }
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        let parts = [caller.subject.as_bytes(), call.request_id.as_bytes()];
        let id = derived_id("decision", &parts);
        let text = record.text.as_str().as_bytes();
        let sealed_text = key.seal(&self.master_key, &decision_purpose(id), text);
        let decision = Decision {
            id,
            case_id: case.id,
            number: 0,
            recorded_by: caller.subject.clone(),
            recorded_at: call.at,
            sealed_text: sealed_text.map_err(Error::internal)?,
        };
        let number = store::insert_decision(conn, &decision).await?;
        let decision = Decision { number, ..decision };
        Ok(Done {
            answer: response::decision(&decision, None, view, &self.master_key),
            events: Vec::new(),
            detail: json!({ "decision": id }),
        })
    }

    /// The escalation that a caller acknowledged, as it stands now.
    async fn acknowledged(&self, caller: &Caller, id: Uuid) -> Result<pb::Escalation> {
        let unknown = || Error::NotFound("escalation");
        let mut conn = self.commands.pool.acquire().await?;
        let escalation = store::find(&mut conn, id).await?.ok_or_else(unknown)?;
        let calls = store::calls(&mut conn, &[id]).await?;
        let case = cases::read_case(&mut conn, escalation.case_id).await?;
        let case = case.ok_or_else(unknown)?;
        let view = View::of(&case.visible_to, caller).ok_or_else(unknown)?;
        Ok(response::escalation(
            &escalation,
            &calls,
            view,
            &self.master_key,
        ))
    }
}

async fn acknowledge(
    conn: &mut PgConnection,
    call: &Call,
    id: Uuid,
) -> Result<Done<AcknowledgeEscalationResponse>> {
    let unknown = || Error::NotFound("escalation");
    let found = store::find(conn, id).await?.ok_or_else(unknown)?;
    let case = cases::lock_case(conn, found.case_id, &call.caller.parties()).await?;
    let case = case.ok_or_else(unknown)?;
    let escalation = store::lock(conn, id).await?.ok_or_else(unknown)?;
    let by = Acknowledger::Person {
        role: cases::acting_on(&case, &call.caller, CALLED)?,
        subject: call.caller.subject.clone(),
    };
    let acknowledged = decide::acknowledge(&escalation, by, call.at)
        .map_err(|decide::Over| wrong_state("l'escalade est terminée"))?;
    store::end(conn, &acknowledged).await?;
    Ok(Done {
        // What is shown of it holds names, which rest in one place only.
        answer: AcknowledgeEscalationResponse::default(),
        events: Vec::new(),
        detail: json!({ "case": case.id }),
    })
}

async fn acknowledge_by_link(
    conn: &mut PgConnection,
    call: &Call,
    token_hash: &[u8],
) -> Result<Done<AcknowledgeEscalationByLinkResponse>> {
    let unknown = || Error::NotFound("escalation");
    let called = store::called_by(conn, token_hash).await?;
    let (id, step) = called.ok_or_else(unknown)?;
    let escalation = store::lock(conn, id).await?.ok_or_else(unknown)?;
    let by = Acknowledger::Link(step);
    let acknowledged = decide::acknowledge(&escalation, by, call.at);
    let acknowledged = acknowledged.map_err(|decide::Over| unknown())?;
    store::end(conn, &acknowledged).await?;
    let case = cases::read_case(conn, acknowledged.case_id).await?;
    let case = case.ok_or_else(unknown)?;
    Ok(Done {
        answer: AcknowledgeEscalationByLinkResponse {
            reference: case.report.reference,
            acknowledged_at: acknowledged.ended_at.map(timestamp),
        },
        events: Vec::new(),
        detail: json!({ "escalation": id, "step": step }),
    })
}

fn wrong_state(why: &'static str) -> Error {
    Error::failed_precondition("WRONG_STATE", why)
}

fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : la conversation est terminée",
    )
}
