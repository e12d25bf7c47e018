//! The calls of people about cases of one cause.

use std::collections::HashMap;

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, now, read_transaction};
use proto::qualification::v1::{
    self as pb, AttachCaseRequest, AttachCaseResponse, AttachCasesRequest, AttachCasesResponse,
    DetachCaseRequest, DetachCaseResponse, ListAttachedCasesRequest, ListAttachedCasesResponse,
    cause_service_server::CauseService,
};
use serde_json::{Value, json};
use service::{Call, Commands, Done, Page, View, request_hash, revision_base};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{Role, Text};

use super::{
    Attach, AttachMany, Detach,
    decide::{self, Refusal},
    request, store,
};
use crate::cases::{self, Case, Command, Shown, to_keep};

/// Who attaches cases and detaches them.
const LEADERS: &[Role] = &[Role::Analyst];

/// Answers `CauseService`.
#[derive(Clone, Debug)]
pub(crate) struct CauseRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the contacts for those who may see them.
    pub(crate) master_key: SealingKey,
}

#[tonic::async_trait]
impl CauseService for CauseRpc {
    async fn attach_case(
        &self,
        request: Request<AttachCaseRequest>,
    ) -> Result<Response<AttachCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, attach) = request::attach(request.into_inner())?;
        let case_id = attach.case_id;
        let note = attach.note.as_ref().map(Text::as_str);
        let content = json!([case_id, attach.etag, attach.to, note]);
        let call = call(
            &caller,
            "AttachCase",
            "case.attach",
            case_id,
            request_id,
            &content,
        );
        let input = (self.clone(), attach);
        let kept = self
            .commands
            .run(call, input, |conn, call, (rpc, attach)| {
                rpc.attach(conn, call, attach).boxed()
            })
            .await?;
        let case = Some(self.with_texts(&caller, case_id, kept).await?);
        Ok(Response::new(AttachCaseResponse { case }))
    }

    async fn attach_cases(
        &self,
        request: Request<AttachCasesRequest>,
    ) -> Result<Response<AttachCasesResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, many) = request::attach_many(request.into_inner())?;
        let note = many.note.as_ref().map(Text::as_str);
        let content = json!([many.to, many.case_ids, note]);
        let call = call(
            &caller,
            "AttachCases",
            "case.attach_many",
            many.to,
            request_id,
            &content,
        );
        let input = (self.clone(), many);
        let answer = self
            .commands
            .run(call, input, |conn, call, (rpc, many)| {
                rpc.attach_many(conn, call, many).boxed()
            })
            .await?;
        Ok(Response::new(answer))
    }

    async fn detach_case(
        &self,
        request: Request<DetachCaseRequest>,
    ) -> Result<Response<DetachCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, detach) = request::detach(request.into_inner())?;
        let case_id = detach.case_id;
        let note = detach.note.as_ref().map(Text::as_str);
        let content = json!([case_id, detach.etag, note]);
        let call = call(
            &caller,
            "DetachCase",
            "case.detach",
            case_id,
            request_id,
            &content,
        );
        let input = (self.clone(), detach);
        let kept = self
            .commands
            .run(call, input, |conn, call, (rpc, detach)| {
                rpc.detach(conn, call, detach).boxed()
            })
            .await?;
        let case = Some(self.with_texts(&caller, case_id, kept).await?);
        Ok(Response::new(DetachCaseResponse { case }))
    }

    async fn list_attached_cases(
        &self,
        request: Request<ListAttachedCasesRequest>,
    ) -> Result<Response<ListAttachedCasesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let list = if asked.suggested {
            "suggested for"
        } else {
            "attached to"
        };
        let page = Page::<Uuid>::read(
            asked.page_size,
            &asked.page_token,
            format!("{list} {name:?}"),
        )?;
        let parties = caller.parties();
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let base = revision_base(&self.commands.log, &mut read).await?;
        let to = cases::find_case(&mut read, &name, &parties).await?;
        let (before, limit) = (page.after, page.limit());
        let mut found = match &to {
            Some(to) if asked.suggested => {
                store::suggested(&mut read, to, &parties, before, limit).await?
            }
            Some(to) => store::attached(&mut read, to, &parties, before, limit).await?,
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "case.list_attached", &name, to.as_ref()).await?;
        drop(conn);
        to.ok_or(Error::NotFound("case"))?;
        let next_page_token = page.cut(&mut found, |case| case.id);
        let shown = found.iter().filter_map(|case| {
            let shown = self.shown(case, caller, base)?;
            Some(shown.listed(case))
        });
        Ok(Response::new(ListAttachedCasesResponse {
            cases: shown.collect(),
            next_page_token,
        }))
    }
}

impl CauseRpc {
    async fn attach(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        attach: &Attach,
    ) -> Result<Done<pb::Case>> {
        let parties = call.caller.parties();
        let found = cases::lock_cases(conn, &[attach.case_id, attach.to], &parties).await?;
        let case = found.iter().find(|case| case.id == attach.case_id);
        let case = case.ok_or(Error::NotFound("case"))?;
        cases::check_etag(case, attach.etag.as_deref())?;
        let to = found.iter().find(|case| case.id == attach.to);
        let to = to.ok_or_else(|| {
            Error::invalid("parent_case_id", "NOT_FOUND", "Ce dossier n'existe pas.")
        })?;
        let command = decide::attach(case, to, attach.note.as_ref()).map_err(refused)?;
        self.carry_out(conn, call, case, command.as_ref()).await
    }

    async fn attach_many(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        many: &AttachMany,
    ) -> Result<Done<AttachCasesResponse>> {
        let wanted: Vec<_> = many.case_ids.iter().copied().chain([many.to]).collect();
        let found = cases::lock_cases(conn, &wanted, &call.caller.parties()).await?;
        let found: HashMap<Uuid, Case> = found.into_iter().map(|case| (case.id, case)).collect();
        let to = found.get(&many.to).ok_or(Error::NotFound("case"))?;
        if !to.may_lead() {
            let (reason, why) = told(Refusal::NotAParent);
            return Err(Error::failed_precondition(reason, why));
        }
        let role = cases::acting_on(to, &call.caller, LEADERS)?;
        let (mut results, mut events, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
        for case_id in &many.case_ids {
            let Some(case) = found.get(case_id) else {
                hidden.push(case_id);
                results.push(result(
                    *case_id,
                    Some(("NOT_FOUND", "ce dossier n'existe pas".to_owned())),
                ));
                continue;
            };
            match decide::attach(case, to, many.note.as_ref()) {
                Ok(command) => {
                    if let Some(command) = command {
                        let (_, changed) =
                            cases::step(conn, &self.commands, call, role, case, &command).await?;
                        events.push(changed);
                    }
                    results.push(result(*case_id, None));
                }
                Err(refusal) => results.push(result(*case_id, Some(told(refusal)))),
            }
        }
        let detail = json!({
            "cases": many.case_ids.len(),
            "attached": events.len(),
            "not_visible": hidden,
        });
        Ok(Done {
            answer: AttachCasesResponse { results },
            events,
            detail,
        })
    }

    async fn detach(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        detach: &Detach,
    ) -> Result<Done<pb::Case>> {
        let case = cases::lock_case(conn, detach.case_id, &call.caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        cases::check_etag(&case, detach.etag.as_deref())?;
        let command = decide::detach(&case, detach.note.as_ref()).map_err(refused)?;
        self.carry_out(conn, call, &case, Some(&command)).await
    }

    /// Changes a locked case, unless there is nothing to change, and shows it.
    async fn carry_out(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        case: &Case,
        command: Option<&Command>,
    ) -> Result<Done<pb::Case>> {
        let role = cases::acting_on(case, &call.caller, LEADERS)?;
        let (case, events) = match command {
            Some(command) => {
                let (case, changed) =
                    cases::step(conn, &self.commands, call, role, case, command).await?;
                (case, vec![changed])
            }
            None => (case.clone(), Vec::new()),
        };
        let base = revision_base(&self.commands.log, conn).await?;
        let shown = self.shown(&case, &call.caller, base);
        let shown = shown.ok_or(Error::NotFound("case"))?;
        Ok(Done {
            answer: to_keep(shown.case(&case)),
            events,
            detail: json!({ "parent": case.parent, "revision": case.revision }),
        })
    }

    /// Adds its texts, which rest in one place only, to an answer that was kept for retries.
    async fn with_texts(&self, caller: &Caller, case_id: Uuid, kept: pb::Case) -> Result<pb::Case> {
        let mut conn = self.commands.pool.acquire().await?;
        let case = cases::read_case(&mut conn, case_id).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        let shown = self.shown(&case, caller, 0);
        let shown = shown.ok_or(Error::NotFound("case"))?;
        Ok(shown.kept(kept, &case))
    }

    /// How a case is shown to a caller; `None` when it does not exist for this one.
    fn shown(&self, case: &Case, caller: &Caller, base: u64) -> Option<Shown<'_>> {
        View::of(&case.visible_to, caller).map(|view| Shown {
            view,
            base,
            master_key: &self.master_key,
        })
    }
}

fn call(
    caller: &Caller,
    method: &'static str,
    action: &'static str,
    object: Uuid,
    request_id: Uuid,
    content: &Value,
) -> Call {
    Call {
        caller: caller.clone(),
        method,
        action,
        object: object.to_string(),
        request_id,
        hash: request_hash(content.to_string().as_bytes()),
        at: now(),
    }
}

fn result(case_id: Uuid, refused: Option<(&'static str, String)>) -> pb::AttachResult {
    let attached = refused.is_none();
    let (reason, description) = refused.unwrap_or_default();
    pb::AttachResult {
        case_id: case_id.to_string(),
        attached,
        reason: reason.to_owned(),
        description,
    }
}

/// The reason for programs, and the French text.
fn told(refusal: Refusal) -> (&'static str, String) {
    let (reason, why) = match refusal {
        Refusal::OfItself => ("CONFLICT", "un dossier n'est pas rattaché à lui-même"),
        Refusal::NotAParent => (
            "NOT_A_PARENT",
            "ce dossier est lui-même rattaché à un autre, ou terminé",
        ),
        Refusal::HasChildren => (
            "HAS_CHILDREN",
            "d'autres dossiers sont rattachés à celui-ci : il n'y a qu'un niveau",
        ),
        Refusal::WrongState(state) => {
            let french = state.french();
            let why = format!("le dossier est dans l'état « {french} », qui ne le permet pas");
            return ("WRONG_STATE", why);
        }
        Refusal::Ahead => (
            "LATER_RELEASE",
            "une version plus récente a écrit ce dossier : réessayez dans un instant",
        ),
        Refusal::NotAttached => ("NOT_ATTACHED", "ce dossier n'est rattaché à aucun autre"),
    };
    (reason, why.to_owned())
}

fn refused(refusal: Refusal) -> Error {
    let (reason, why) = told(refusal);
    match refusal {
        Refusal::OfItself | Refusal::NotAParent => {
            Error::invalid("parent_case_id", "CONFLICT", why)
        }
        Refusal::Ahead => Error::unavailable(reason, why),
        Refusal::HasChildren | Refusal::WrongState(_) | Refusal::NotAttached => {
            Error::failed_precondition(reason, why)
        }
    }
}
