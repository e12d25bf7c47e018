//! The calls of people about cases.

use std::collections::HashMap;

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, now, read_transaction};
use proto::qualification::v1::{
    self as pb, ClaimCaseRequest, ClaimCaseResponse, CloseCaseRequest, CloseCaseResponse,
    GetCaseRequest, GetCaseResponse, HandOverCaseRequest, HandOverCaseResponse,
    ListCaseHistoryRequest, ListCaseHistoryResponse, ListCasesRequest, ListCasesResponse,
    MarkCaseDuplicateRequest, MarkCaseDuplicateResponse, QualifyCaseRequest, QualifyCaseResponse,
    ReopenCaseRequest, ReopenCaseResponse, qualification_service_server::QualificationService,
};
use serde_json::json;
use service::{
    Call, Commands, Deadlines, Done, Page, View, audit_list, audit_read, request_hash,
    revision_base,
};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Case, CaseName,
    decide::{Command, Refusal},
    history,
    list::Position,
    milestones::{self, Reached, Targets},
    request::{self, CommandRequest, case_name},
    response::{Shown, etag, to_keep},
    search,
    step::{acting_on, step},
    store,
    transitions::roles_of,
};
use crate::{
    deadlines::{self, ReportClock, with_deadlines},
    escalation::{Cause, Escalations},
    messages::unread,
};

/// How much of the history `GetCase` shows; `ListCaseHistory` pages through all.
const LATEST_ENTRIES: i64 = 100;

/// Answers `QualificationService`.
#[derive(Clone, Debug)]
pub(crate) struct CaseRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the contacts for those who may see them.
    pub(crate) master_key: SealingKey,
    /// How fast cases are to be led.
    pub(crate) targets: Targets,
    /// Begins the escalation of what is judged major.
    pub(crate) escalations: Escalations,
    /// The rule pack of deadlines, if there is one.
    pub(crate) deadlines: Deadlines,
}

#[tonic::async_trait]
impl QualificationService for CaseRpc {
    async fn list_cases(
        &self,
        request: Request<ListCasesRequest>,
    ) -> Result<Response<ListCasesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let (mut filter, page) = request::list(request.get_ref(), caller, now())?;
        filter.report_overdue_at = filter.overdue_at.filter(|_| self.deadlines.are_on());
        let parties = caller.parties();
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let base = revision_base(&self.commands.log, &mut read).await?;
        let after = page.after.as_ref();
        let limit = page.limit();
        let mut cases = if filter.searches(&parties) {
            search::search_cases(&mut read, &filter, parties, after, limit).await?
        } else {
            store::list_cases(&mut read, &filter, &parties, after, limit).await?
        };
        let clocks = self.clocks(&mut read, &cases).await?;
        let next_page_token = page.cut(&mut cases, |case| Position {
            declared_at: case.report.declared_at,
            case_id: case.id,
        });
        let listed: Vec<_> = cases.iter().collect();
        let unread = unread(&mut read, &listed, caller).await?;
        drop(read);
        let detail = json!({ "cases": cases.len() });
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_list(&mut conn, caller, "case.list", &filter.audited(), detail).await?;
        drop(conn);
        let shown = cases.iter().filter_map(|case| {
            let shown = self.shown(case, caller, base)?.listed(case);
            Some(pb::Case {
                unread_messages: unread.get(&case.id).copied().unwrap_or_default(),
                ..with_deadlines(shown, case, clocks.get(&case.id), now())
            })
        });
        Ok(Response::new(ListCasesResponse {
            cases: shown.collect(),
            next_page_token,
        }))
    }

    async fn get_case(
        &self,
        request: Request<GetCaseRequest>,
    ) -> Result<Response<GetCaseResponse>, Status> {
        let caller = Caller::of(&request)?;
        let name = case_name(&request.get_ref().case_id)?;
        let mut transaction = self.commands.pool.begin().await.map_err(Error::from)?;
        let conn = &mut *transaction;
        let found = store::find_case(conn, &name, &caller.parties()).await?;
        audit_case(conn, caller, "case.read", &name, found.as_ref()).await?;
        let base = revision_base(&self.commands.log, conn).await?;
        let history = match &found {
            // A change committed between the two reads belongs to the next answer.
            Some(case) => history::page(conn, case.id, case.revision + 1, LATEST_ENTRIES).await?,
            None => Vec::new(),
        };
        let clocks = self.clocks(conn, found.as_slice()).await?;
        let reached = match &found {
            Some(case) => milestones::read(conn, case.id).await?,
            None => Reached::default(),
        };
        let asked: Vec<_> = found.iter().collect();
        let unread = unread(conn, &asked, caller).await?;
        transaction.commit().await.map_err(Error::from)?;
        let case = found.ok_or(Error::NotFound("case"))?;
        let shown = self.shown(&case, caller, base);
        let shown = shown.ok_or(Error::NotFound("case"))?;
        let history = history.into_iter().rev().map(|change| shown.entry(change));
        let milestones = milestones::milestones(
            case.report.declared_at,
            &reached,
            case.is_ended(),
            &self.targets,
            now(),
        );
        let case = pb::Case {
            history: history.collect(),
            milestones: milestones.iter().map(Shown::milestone).collect(),
            unread_messages: unread.get(&case.id).copied().unwrap_or_default(),
            ..with_deadlines(shown.case(&case), &case, clocks.get(&case.id), now())
        };
        Ok(Response::new(GetCaseResponse { case: Some(case) }))
    }

    async fn list_case_history(
        &self,
        request: Request<ListCaseHistoryRequest>,
    ) -> Result<Response<ListCaseHistoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = case_name(&asked.case_id)?;
        let page = Page::<u64>::read(
            asked.page_size,
            &asked.page_token,
            format!("history {name:?}"),
        )?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let found = store::find_case(&mut read, &name, &caller.parties()).await?;
        let mut changes = match &found {
            Some(case) => {
                let below = page.after.unwrap_or(case.revision + 1);
                history::page(&mut read, case.id, below, page.limit()).await?
            }
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_case(&mut conn, caller, "case.history", &name, found.as_ref()).await?;
        drop(conn);
        let case = found.ok_or(Error::NotFound("case"))?;
        let shown = self.shown(&case, caller, 0);
        let shown = shown.ok_or(Error::NotFound("case"))?;
        let next_page_token = page.cut(&mut changes, |change| change.revision);
        Ok(Response::new(ListCaseHistoryResponse {
            entries: changes
                .into_iter()
                .map(|change| shown.entry(change))
                .collect(),
            next_page_token,
        }))
    }

    async fn claim_case(
        &self,
        request: Request<ClaimCaseRequest>,
    ) -> Result<Response<ClaimCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::claim(request.get_ref())?;
        let case = self
            .command(caller, "ClaimCase", "case.claim", asked)
            .await?;
        Ok(Response::new(ClaimCaseResponse { case: Some(case) }))
    }

    async fn qualify_case(
        &self,
        request: Request<QualifyCaseRequest>,
    ) -> Result<Response<QualifyCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::qualify(request.into_inner())?;
        let case = self
            .command(caller, "QualifyCase", "case.qualify", asked)
            .await?;
        Ok(Response::new(QualifyCaseResponse { case: Some(case) }))
    }

    async fn close_case(
        &self,
        request: Request<CloseCaseRequest>,
    ) -> Result<Response<CloseCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::close(request.into_inner())?;
        let case = self
            .command(caller, "CloseCase", "case.close", asked)
            .await?;
        Ok(Response::new(CloseCaseResponse { case: Some(case) }))
    }

    async fn hand_over_case(
        &self,
        request: Request<HandOverCaseRequest>,
    ) -> Result<Response<HandOverCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::hand_over(request.into_inner())?;
        let case = self
            .command(caller, "HandOverCase", "case.hand_over", asked)
            .await?;
        Ok(Response::new(HandOverCaseResponse { case: Some(case) }))
    }

    async fn mark_case_duplicate(
        &self,
        request: Request<MarkCaseDuplicateRequest>,
    ) -> Result<Response<MarkCaseDuplicateResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::mark_duplicate(request.into_inner())?;
        let case = self
            .command(caller, "MarkCaseDuplicate", "case.mark_duplicate", asked)
            .await?;
        Ok(Response::new(MarkCaseDuplicateResponse {
            case: Some(case),
        }))
    }

    async fn reopen_case(
        &self,
        request: Request<ReopenCaseRequest>,
    ) -> Result<Response<ReopenCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::reopen(request.into_inner())?;
        let case = self
            .command(caller, "ReopenCase", "case.reopen", asked)
            .await?;
        Ok(Response::new(ReopenCaseResponse { case: Some(case) }))
    }
}

impl CaseRpc {
    /// Carries out a command once and answers every retry alike.
    pub(crate) async fn command(
        &self,
        caller: Caller,
        method: &'static str,
        action: &'static str,
        asked: CommandRequest,
    ) -> Result<pb::Case> {
        let case_id = asked.case_id;
        let call = Call {
            caller: caller.clone(),
            method,
            action,
            object: case_id.to_string(),
            request_id: asked.request_id,
            hash: request_hash(asked.content().to_string().as_bytes()),
            at: now(),
        };
        let input = (self.clone(), asked);
        let answer: pb::Case = self
            .commands
            .run(call, input, |conn, call, (rpc, asked)| {
                rpc.change(conn, call, asked).boxed()
            })
            .await?;
        let mut conn = self.commands.pool.acquire().await?;
        let case = store::read_case(&mut conn, case_id).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        let shown = self
            .shown(&case, &caller, 0)
            .ok_or(Error::NotFound("case"))?;
        Ok(shown.kept(answer, &case))
    }

    async fn change(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        asked: &CommandRequest,
    ) -> Result<Done<pb::Case>> {
        let of = match asked.command {
            Command::MarkDuplicate { of, .. } => Some(of),
            _ => None,
        };
        let wanted: Vec<_> = of.into_iter().chain([asked.case_id]).collect();
        let found = store::lock_cases(conn, &wanted, &call.caller.parties()).await?;
        let case = found.iter().find(|case| case.id == asked.case_id);
        let case = case.ok_or(Error::NotFound("case"))?;
        check_etag(case, asked.etag.as_deref())?;
        if let Some(of) = of {
            goes_on(found.iter().find(|case| case.id == of))?;
        }
        let role = acting_on(case, &call.caller, &roles_of(asked.command.trigger()))?;
        let was_major = case.triage().severity.major;
        let (case, announcement) =
            step(conn, &self.commands, call, role, case, &asked.command).await?;
        if case.triage().severity.major && !was_major {
            let major = (&case, Cause::Major, call.at);
            self.escalations.begin(conn, &[major], call.at).await?;
        }
        if matches!(asked.command, Command::Reopen { .. }) {
            deadlines::remind_again(conn, case.id, call.at).await?;
        }
        let base = revision_base(&self.commands.log, conn).await?;
        let shown = self.shown(&case, &call.caller, base);
        let shown = shown.ok_or(Error::NotFound("case"))?;
        Ok(Done {
            answer: to_keep(shown.case(&case)),
            events: vec![announcement],
            detail: json!({ "revision": case.revision }),
        })
    }

    /// The clocks of the reports of these cases; none where there are no deadlines.
    async fn clocks(
        &self,
        conn: &mut PgConnection,
        cases: &[Case],
    ) -> Result<HashMap<Uuid, ReportClock>> {
        if !self.deadlines.are_on() {
            return Ok(HashMap::new());
        }
        let case_ids: Vec<_> = cases.iter().map(|case| case.id).collect();
        deadlines::find(conn, &case_ids).await
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

/// Checks that a case is still what the caller saw, where the caller says what that was.
pub(crate) fn check_etag(case: &Case, wanted: Option<&str>) -> Result<()> {
    match wanted {
        Some(wanted) if wanted != etag(case) => {
            let why = "le dossier a changé : relisez-le";
            Err(Error::aborted("ETAG_MISMATCH", why))
        }
        _ => Ok(()),
    }
}

/// Checks that the case of which another is a duplicate, which is held, goes on.
fn goes_on(original: Option<&Case>) -> Result<()> {
    let refused = |reason, why| Err(Error::invalid("duplicate_of", reason, why));
    match original {
        None => refused("NOT_FOUND", "Ce dossier n'existe pas."),
        Some(case) if case.duplicate_of.is_some() => {
            refused("CONFLICT", "Ce dossier est lui-même un doublon.")
        }
        Some(_) => Ok(()),
    }
}

/// Leaves the entry of a read of the case that was asked for by this name.
pub(crate) async fn audit_case(
    conn: &mut PgConnection,
    caller: &Caller,
    action: &'static str,
    name: &CaseName,
    found: Option<&Case>,
) -> Result<()> {
    let object = match (found, name) {
        (Some(case), _) => case.id.to_string(),
        (None, CaseName::Id(case_id)) => case_id.to_string(),
        (None, CaseName::Reference(reference)) => reference.clone(),
    };
    audit_read(conn, caller, action, &object, found.is_some()).await
}

pub(super) fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::WrongState(state) => Error::failed_precondition(
            "WRONG_STATE",
            format!(
                "le dossier est dans l'état « {} », qui ne le permet pas",
                state.french()
            ),
        ),
        Refusal::WrongRole(role) => Error::permission_denied(
            "ROLE_MISSING",
            format!("le rôle {role} ne conduit pas de dossiers"),
        ),
        Refusal::Ahead => Error::unavailable(
            "LATER_RELEASE",
            "une version plus récente a écrit ce dossier : réessayez dans un instant",
        ),
        Refusal::Erased => Error::failed_precondition(
            "ERASED",
            "les données personnelles de ce signalement sont effacées : le dossier reste clos",
        ),
        Refusal::OfItself => {
            let why = "Un dossier n'est pas le doublon de lui-même.";
            Error::invalid("duplicate_of", "CONFLICT", why)
        }
        Refusal::HasChildren => Error::failed_precondition(
            "HAS_ATTACHED_CASES",
            "d'autres dossiers sont rattachés à celui-ci : détachez-les d'abord",
        ),
    }
}
