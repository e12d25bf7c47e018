//! The calls of people about measures.

use std::borrow::Cow;

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, Watched, now, read_transaction};
use proto::qualification::v1::{
    self as pb, AcceptMeasureRequest, AcceptMeasureResponse, AskForMeasuresRequest,
    AskForMeasuresResponse, CompleteMeasureRequest, CompleteMeasureResponse, DeclineMeasureRequest,
    DeclineMeasureResponse, ListCatalogueRequest, ListCatalogueResponse, ListMeasuresRequest,
    ListMeasuresResponse, ProposeMeasureRequest, ProposeMeasureResponse, WithdrawMeasureRequest,
    WithdrawMeasureResponse, measure_service_server::MeasureService,
};
use serde_json::json;
use service::{Call, Commands, Done, Page, Sealed, View, audit_list, request_hash};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::derived_id;

use super::{
    Catalogue, Copied, Measure, MeasureState, Part,
    catalogue::Language,
    decide::{Actor, Command, Proposal, Refusal, advance},
    events,
    request::{self, CommandRequest},
    response::{self, Shown, etag},
    store,
};
use crate::cases::{self, Case, CaseName};

/// Answers `MeasureService`.
#[derive(Clone, Debug)]
pub(crate) struct MeasureRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
    /// What is proposed by its code.
    pub(crate) catalogue: Watched<Catalogue>,
}

#[tonic::async_trait]
impl MeasureService for MeasureRpc {
    async fn propose_measure(
        &self,
        request: Request<ProposeMeasureRequest>,
    ) -> Result<Response<ProposeMeasureResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::propose(request.into_inner())?;
        let measure = self
            .command(caller, "ProposeMeasure", "measure.propose", asked)
            .await?;
        Ok(Response::new(ProposeMeasureResponse {
            measure: Some(measure),
        }))
    }

    async fn ask_for_measures(
        &self,
        request: Request<AskForMeasuresRequest>,
    ) -> Result<Response<AskForMeasuresResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::ask(request.into_inner())?;
        let measure = self
            .command(caller, "AskForMeasures", "measure.ask", asked)
            .await?;
        Ok(Response::new(AskForMeasuresResponse {
            measure: Some(measure),
        }))
    }

    async fn accept_measure(
        &self,
        request: Request<AcceptMeasureRequest>,
    ) -> Result<Response<AcceptMeasureResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::accept(request.get_ref())?;
        let measure = self
            .command(caller, "AcceptMeasure", "measure.accept", asked)
            .await?;
        Ok(Response::new(AcceptMeasureResponse {
            measure: Some(measure),
        }))
    }

    async fn decline_measure(
        &self,
        request: Request<DeclineMeasureRequest>,
    ) -> Result<Response<DeclineMeasureResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::decline(request.into_inner())?;
        let measure = self
            .command(caller, "DeclineMeasure", "measure.decline", asked)
            .await?;
        Ok(Response::new(DeclineMeasureResponse {
            measure: Some(measure),
        }))
    }

    async fn complete_measure(
        &self,
        request: Request<CompleteMeasureRequest>,
    ) -> Result<Response<CompleteMeasureResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::complete(request.get_ref())?;
        let measure = self
            .command(caller, "CompleteMeasure", "measure.complete", asked)
            .await?;
        Ok(Response::new(CompleteMeasureResponse {
            measure: Some(measure),
        }))
    }

    async fn withdraw_measure(
        &self,
        request: Request<WithdrawMeasureRequest>,
    ) -> Result<Response<WithdrawMeasureResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::withdraw(request.into_inner())?;
        let measure = self
            .command(caller, "WithdrawMeasure", "measure.withdraw", asked)
            .await?;
        Ok(Response::new(WithdrawMeasureResponse {
            measure: Some(measure),
        }))
    }

    async fn list_measures(
        &self,
        request: Request<ListMeasuresRequest>,
    ) -> Result<Response<ListMeasuresResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let page = Page::<u64>::read(
            asked.page_size,
            &asked.page_token,
            format!("measures {name:?}"),
        )?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let mut measures = match &case {
            Some(case) => store::page(&mut read, case.id, page.after, page.limit()).await?,
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "measure.list", &name, case.as_ref()).await?;
        drop(conn);
        let case = case.ok_or(Error::NotFound("case"))?;
        let shown = self.shown(&case, caller)?;
        let next_page_token = page.cut(&mut measures, |measure| measure.number);
        Ok(Response::new(ListMeasuresResponse {
            measures: measures.iter().map(|it| shown.measure(it)).collect(),
            next_page_token,
        }))
    }

    async fn list_catalogue(
        &self,
        request: Request<ListCatalogueRequest>,
    ) -> Result<Response<ListCatalogueResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let catalogue = self.catalogue.current();
        let (wanted, page) = request::catalogue(asked, catalogue.version())?;
        let from = page.after.map_or(0, |last| last.saturating_add(1));
        let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let fitting = catalogue.fitting(&wanted).into_iter().enumerate();
        let mut entries: Vec<_> = fitting.skip(from).take(limit).collect();
        let next_page_token = page.cut(&mut entries, |(place, _)| *place);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        let detail = json!({ "version": catalogue.version(), "entries": entries.len() });
        audit_list(&mut conn, caller, "measure.catalogue", "catalogue", detail).await?;
        drop(conn);
        let language = Language::of_tag(&asked.locale);
        let entries = entries
            .into_iter()
            .map(|(_, entry)| response::entry(entry, language));
        Ok(Response::new(ListCatalogueResponse {
            entries: entries.collect(),
            version: catalogue.version().to_owned(),
            next_page_token,
        }))
    }
}

impl MeasureRpc {
    /// Carries out a command once and answers every retry alike.
    async fn command(
        &self,
        caller: Caller,
        method: &'static str,
        action: &'static str,
        asked: CommandRequest,
    ) -> Result<pb::Measure> {
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
        let answer: pb::Measure = self
            .commands
            .run(call, input, |conn, call, (rpc, asked)| {
                rpc.change(conn, call, asked).boxed()
            })
            .await?;
        // What it says rests in one place only, and is read from there.
        let mut conn = self.commands.pool.acquire().await?;
        let name = CaseName::Id(case_id);
        let case = cases::find_case(&mut conn, &name, &caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        let measure_id = Uuid::try_parse(&answer.measure_id).map_err(Error::internal)?;
        let measure = store::read(&mut conn, case_id, measure_id).await?;
        let measure = measure.ok_or(Error::NotFound("measure"))?;
        Ok(self.shown(&case, &caller)?.kept(answer, &measure))
    }

    async fn change(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        asked: &CommandRequest,
    ) -> Result<Done<pb::Measure>> {
        let caller = &call.caller;
        let case = cases::lock_case(conn, asked.case_id, &caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        let shown = self.shown(&case, caller)?;
        let mut measure = match asked.measure_id {
            Some(id) => store::read(conn, case.id, id)
                .await?
                .ok_or(Error::NotFound("measure"))?,
            None => Measure::new(new_id(call), case.id),
        };
        if asked
            .etag
            .as_ref()
            .is_some_and(|wanted| *wanted != etag(&measure))
        {
            let why = "la mesure a changé : relisez-la";
            return Err(Error::aborted("ETAG_MISMATCH", why));
        }
        let actor = Actor {
            roles: cases::roles_on(&case, caller),
            subject: caller.subject.clone(),
        };
        if case.is_ahead() {
            return Err(refused(Refusal::Ahead));
        }
        if case.is_ended() {
            return Err(wrong_state(
                "le dossier est terminé : ses mesures sont figées",
            ));
        }
        let trigger = asked.command.trigger();
        let step = advance(&measure, trigger, &actor, call.at).map_err(refused)?;
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        self.write(&mut measure, key, &asked.command)?;
        let mut events = Vec::new();
        if let Command::Propose(_) = asked.command {
            let treated = cases::treat(conn, &self.commands, call, step.role, &case);
            events.extend(treated.await?);
        }
        let announced = events::stepped(&case, &measure, &step);
        #[cfg(feature = "mutants")]
        let announced =
            announced.filter(|_| !platform::mutant::Mutant::MeasureUnannounced.is_alive());
        events.extend(announced);
        let detail = json!({
            "measure": measure.id,
            "state": step.state,
            "code": measure.copied.as_ref().map(|it| it.code.as_str()),
        });
        measure.steps.push(step);
        if measure.number == 0 {
            measure.number = store::insert(conn, &measure).await?;
        } else {
            store::update(conn, &measure).await?;
        }
        Ok(Done {
            answer: shown.without_texts(&measure),
            events,
            detail,
        })
    }

    /// Writes what a command says into a measure, sealed under the key of the report.
    fn write(&self, measure: &mut Measure, key: &Sealed, command: &Command) -> Result<()> {
        let id = measure.id;
        let seal = |part: Part, text: &str| {
            key.seal(&self.master_key, &part.purpose(id), text.as_bytes())
                .map(Some)
                .map_err(Error::internal)
        };
        match command {
            Command::Ask { kind, request } => {
                measure.kind = *kind;
                measure.sealed.request = seal(Part::Request, request.as_str())?;
            }
            Command::Propose(Proposal::Entry { code, language }) => {
                let catalogue = self.catalogue.current();
                let entry = catalogue.entry(code.as_str()).ok_or_else(|| {
                    let why = "Le catalogue n'a pas de mesure de ce code.";
                    Error::invalid("from_catalogue.code", "UNKNOWN_VALUE", why)
                })?;
                let wording = entry.wording(*language);
                measure.kind = Some(entry.kind);
                measure.copied = Some(Copied {
                    code: entry.code.clone(),
                    version: catalogue.version().to_owned(),
                });
                measure.sealed.title = seal(Part::Title, wording.title.as_str())?;
                measure.sealed.text = seal(Part::Text, wording.text.as_str())?;
            }
            Command::Propose(Proposal::Draft { kind, title, text }) => {
                measure.kind = Some(*kind);
                measure.sealed.title = seal(Part::Title, title.as_str())?;
                measure.sealed.text = seal(Part::Text, text.as_str())?;
            }
            Command::Decline { reason }
            | Command::Withdraw {
                reason: Some(reason),
            } => measure.sealed.reason = seal(Part::Reason, reason.as_str())?,
            Command::Accept | Command::Complete | Command::Withdraw { reason: None } => {}
        }
        Ok(())
    }

    /// How the measures of a case are shown to a caller for whom it exists.
    fn shown<'a>(&'a self, case: &'a Case, caller: &Caller) -> Result<Shown<'a>> {
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        Ok(Shown {
            view,
            key: case.report.sealed.as_ref(),
            master_key: &self.master_key,
        })
    }
}

/// The id of a measure that a call begins.
fn new_id(call: &Call) -> Uuid {
    let parts: [&[u8]; 2] = [call.caller.subject.as_bytes(), call.request_id.as_bytes()];
    derived_id("measure", &parts)
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::WrongState(state) => {
            let state = state.map_or("pas encore commencée", MeasureState::french);
            wrong_state(format!("la mesure est {state}, ce qui ne le permet pas"))
        }
        Refusal::WrongRole => {
            Error::permission_denied("ROLE_MISSING", "ce rôle ne décide pas de cette mesure")
        }
        Refusal::Ahead => Error::unavailable(
            "LATER_RELEASE",
            "une version plus récente a écrit cette mesure ou son dossier : réessayez dans un \
             instant",
        ),
    }
}

fn wrong_state(why: impl Into<Cow<'static, str>>) -> Error {
    Error::failed_precondition("WRONG_STATE", why)
}

fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : ses mesures sont figées",
    )
}
