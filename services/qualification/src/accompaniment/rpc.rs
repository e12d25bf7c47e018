//! The calls of people about accompaniment.

use eventlog::NewEvent;
use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, now, read_transaction};
use proto::qualification::v1::{
    self as pb, AnswerOfferRequest, AnswerOfferResponse, AskForAccompanimentRequest,
    AskForAccompanimentResponse, BeginAccompanimentRequest, BeginAccompanimentResponse,
    EndAccompanimentRequest, EndAccompanimentResponse, ListAccompanimentsRequest,
    ListAccompanimentsResponse, OfferAccompanimentRequest, OfferAccompanimentResponse,
    accompaniment_service_server::AccompanimentService,
};
use serde_json::json;
use service::{Call, Commands, Done, Page, Sealed, View, request_hash};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{CaseState, Role, derived_id};

use super::{
    Accompaniment, Giver, Person,
    decide::{self, Refusal, Step},
    events, purpose,
    request::{self, Command, CommandRequest, Opening},
    response::{etag, shown, with_texts},
    store::{self, Resting},
};
use crate::cases::{self, Case, CaseName};

/// Who gives accompaniment.
const GIVERS: &[Role] = &[Role::Analyst, Role::RegionalAgent];

/// They and the structure, for which they enter what it says.
const EVERYBODY: &[Role] = &[Role::Declarant, Role::Analyst, Role::RegionalAgent];

/// Answers `AccompanimentService`.
#[derive(Clone, Debug)]
pub(crate) struct AccompanimentRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
}

#[tonic::async_trait]
impl AccompanimentService for AccompanimentRpc {
    async fn ask_for_accompaniment(
        &self,
        request: Request<AskForAccompanimentRequest>,
    ) -> Result<Response<AskForAccompanimentResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::ask(request.into_inner())?;
        let method = ("AskForAccompaniment", "accompaniment.ask");
        let accompaniment = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(AskForAccompanimentResponse { accompaniment }))
    }

    async fn offer_accompaniment(
        &self,
        request: Request<OfferAccompanimentRequest>,
    ) -> Result<Response<OfferAccompanimentResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::offer(request.into_inner())?;
        let method = ("OfferAccompaniment", "accompaniment.offer");
        let accompaniment = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(OfferAccompanimentResponse { accompaniment }))
    }

    async fn answer_offer(
        &self,
        request: Request<AnswerOfferRequest>,
    ) -> Result<Response<AnswerOfferResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::answer(request.into_inner())?;
        let method = ("AnswerOffer", "accompaniment.answer");
        let accompaniment = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(AnswerOfferResponse { accompaniment }))
    }

    async fn begin_accompaniment(
        &self,
        request: Request<BeginAccompanimentRequest>,
    ) -> Result<Response<BeginAccompanimentResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::begin(request.into_inner())?;
        let method = ("BeginAccompaniment", "accompaniment.begin");
        let accompaniment = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(BeginAccompanimentResponse { accompaniment }))
    }

    async fn end_accompaniment(
        &self,
        request: Request<EndAccompanimentRequest>,
    ) -> Result<Response<EndAccompanimentResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::end(request.into_inner())?;
        let method = ("EndAccompaniment", "accompaniment.end");
        let accompaniment = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(EndAccompanimentResponse { accompaniment }))
    }

    async fn list_accompaniments(
        &self,
        request: Request<ListAccompanimentsRequest>,
    ) -> Result<Response<ListAccompanimentsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let filter = format!("accompaniment {name:?}");
        let page = Page::<u64>::read(asked.page_size, &asked.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let mut resting = match &case {
            Some(case) => store::page(&mut read, case.id, page.after, page.limit()).await?,
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(
            &mut conn,
            caller,
            "accompaniment.list",
            &name,
            case.as_ref(),
        )
        .await?;
        drop(conn);
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        let next_page_token = page.cut(&mut resting, |(accompaniment, _)| accompaniment.number);
        let shown = resting
            .into_iter()
            .map(|resting| shown(&self.opened(&case, resting), view));
        Ok(Response::new(ListAccompanimentsResponse {
            accompaniments: shown.collect(),
            next_page_token,
        }))
    }
}

impl AccompanimentRpc {
    /// Carries out a command once and answers every retry alike, with the texts, which
    /// are not kept with the answer, as they rest.
    async fn command(
        &self,
        caller: Caller,
        (method, action): (&'static str, &'static str),
        asked: CommandRequest,
    ) -> Result<pb::Accompaniment> {
        let call = Call {
            caller: caller.clone(),
            method,
            action,
            object: asked.object.to_string(),
            request_id: asked.request_id,
            hash: request_hash(asked.content().to_string().as_bytes()),
            at: now(),
        };
        let input = (self.clone(), asked);
        let kept: pb::Accompaniment = self
            .commands
            .run(call, input, |conn, call, (rpc, asked)| {
                rpc.change(conn, call, asked).boxed()
            })
            .await?;
        let mut conn = self.commands.pool.acquire().await?;
        let id = Uuid::try_parse(&kept.accompaniment_id).map_err(Error::internal)?;
        let unknown = || Error::NotFound("accompaniment");
        let resting = store::find(&mut conn, id).await?.ok_or_else(unknown)?;
        let name = CaseName::Id(resting.0.case_id);
        let case = cases::find_case(&mut conn, &name, &caller.parties()).await?;
        let known = self.opened(&case.ok_or_else(unknown)?, resting);
        Ok(with_texts(kept, known.texts))
    }

    async fn change(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        asked: &CommandRequest,
    ) -> Result<Done<pb::Accompaniment>> {
        let (case, accompaniment, changed) = match &asked.command {
            Command::Open(opening) => self.open(conn, call, asked, opening).await?,
            Command::Step(step) => self.step(conn, call, asked, step).await?,
        };
        let view = View::of(&case.visible_to, &call.caller).ok_or(Error::NotFound("case"))?;
        let mut events: Vec<NewEvent> = changed.into_iter().collect();
        events.extend(events::changed(&case, &accompaniment));
        Ok(Done {
            answer: with_texts(shown(&accompaniment, view), None),
            events,
            detail: json!({
                "case": case.id,
                "accompaniment": accompaniment.id,
                "state": accompaniment.state,
            }),
        })
    }

    /// Asks for accompaniment on a case, or offers it.
    async fn open(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        asked: &CommandRequest,
        opening: &Opening,
    ) -> Result<(Case, Accompaniment, Option<NewEvent>)> {
        let caller = &call.caller;
        let case = cases::lock_case(conn, asked.object, &caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        cases::check_etag(&case, asked.etag.as_deref())?;
        goes_on(&case)?;
        let by = acting(&case, caller, allowed_to_open(opening))?;
        let open = store::open(conn, case.id).await?.into_iter();
        let open: Vec<_> = open.map(|resting| self.opened(&case, resting)).collect();
        let id = derived_id(
            "accompaniment",
            &[caller.subject.as_bytes(), call.request_id.as_bytes()],
        );
        let accompaniment = match opening {
            Opening::Ask(need) => decide::ask(&open, id, case.id, need, by, call.at),
            Opening::Offer { giver, name, offer } => {
                let routed = case.report.routing_region.parse().ok();
                let region = decide::agency(*giver, by.role, caller.region, routed);
                let giver = Giver {
                    kind: *giver,
                    region: region.map_err(refused)?,
                    name: name.clone(),
                };
                decide::offer(&open, id, case.id, &giver, offer, by, call.at)
            }
        };
        let accompaniment = accompaniment.map_err(refused)?;
        let sealed_texts = self.seal(&case, &accompaniment)?;
        if accompaniment.revision > 1 {
            store::update(conn, &accompaniment, Some(&sealed_texts)).await?;
            return Ok((case, accompaniment, None));
        }
        let number = store::insert(conn, &accompaniment, &sealed_texts).await?;
        let accompaniment = Accompaniment {
            number,
            ..accompaniment
        };
        Ok((case, accompaniment, None))
    }

    /// Takes a step with accompaniment that there is.
    async fn step(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        asked: &CommandRequest,
        step: &Step,
    ) -> Result<(Case, Accompaniment, Option<NewEvent>)> {
        let caller = &call.caller;
        let unknown = || Error::NotFound("accompaniment");
        let case_id = store::case_of(conn, asked.object).await?;
        let case_id = case_id.ok_or_else(unknown)?;
        let case = cases::lock_case(conn, case_id, &caller.parties()).await?;
        let case = case.ok_or_else(unknown)?;
        let resting = store::find(conn, asked.object).await?;
        let known = self.opened(&case, resting.ok_or_else(unknown)?);
        if asked
            .etag
            .as_ref()
            .is_some_and(|wanted| *wanted != etag(&known))
        {
            let why = "l'accompagnement a changé : relisez-le";
            return Err(Error::aborted("ETAG_MISMATCH", why));
        }
        let ends = matches!(step, Step::End(_));
        if !ends {
            goes_on(&case)?;
        }
        let by = acting(&case, caller, allowed_to_take(step))?;
        let role = by.role;
        let next = decide::take(&known, step, caller.region, by, call.at).map_err(refused)?;
        let sealed_texts = match case.report.sealed {
            None if ends => None,
            _ => Some(self.seal(&case, &next)?),
        };
        store::update(conn, &next, sealed_texts.as_deref()).await?;
        // What is qualified is in treatment once the structure is accompanied.
        if *step == Step::Begin && case.state == CaseState::Qualified {
            let treat = cases::Command::Treat;
            let (case, changed) =
                cases::step(conn, &self.commands, call, role, &case, &treat).await?;
            return Ok((case, next, Some(changed)));
        }
        Ok((case, next, None))
    }

    fn seal(&self, case: &Case, accompaniment: &Accompaniment) -> Result<Vec<u8>> {
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        let texts = serde_json::to_vec(&accompaniment.texts).map_err(Error::internal)?;
        let sealed = key.seal(&self.master_key, &purpose(accompaniment.id), &texts);
        sealed.map_err(Error::internal)
    }

    /// Opens the texts of accompaniment, unless they are erased.
    fn opened(&self, case: &Case, (accompaniment, sealed_texts): Resting) -> Accompaniment {
        let key = case.report.sealed.as_ref();
        let texts = key.and_then(|key| {
            let sealed = Sealed {
                sealed: sealed_texts,
                data_key: key.data_key.clone(),
            };
            let opened = sealed.open(&self.master_key, &purpose(accompaniment.id));
            if opened.is_err() {
                tracing::error!(
                    accompaniment.id = %accompaniment.id,
                    "accompaniment does not open: is the master key the one of this installation?",
                );
            }
            serde_json::from_slice(&opened.ok()?).ok()
        });
        Accompaniment {
            texts,
            ..accompaniment
        }
    }
}

/// Who acts on a case, in the role that may do it.
fn acting(case: &Case, caller: &Caller, allowed: &[Role]) -> Result<Person> {
    Ok(Person {
        role: cases::acting_on(case, caller, allowed)?,
        subject: caller.subject.clone(),
    })
}

/// Who opens accompaniment like this.
const fn allowed_to_open(opening: &Opening) -> &'static [Role] {
    match opening {
        Opening::Ask(_) => EVERYBODY,
        Opening::Offer { .. } => GIVERS,
    }
}

/// Who takes a step.
const fn allowed_to_take(step: &Step) -> &'static [Role] {
    match step {
        Step::Accept(_) | Step::Decline(_) => EVERYBODY,
        Step::Begin | Step::End(_) => GIVERS,
    }
}

/// Checks that nothing but an end comes to a case that is ended.
fn goes_on(case: &Case) -> Result<()> {
    if case.is_ended() {
        return Err(wrong_state("le dossier est terminé"));
    }
    Ok(())
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::WrongState(state) => {
            let state = state.french();
            wrong_state(format!(
                "l'accompagnement est dans l'état « {state} », qui ne le permet pas"
            ))
        }
        Refusal::AlreadyOpen => Error::failed_precondition(
            "ALREADY_OPEN",
            "une demande attend déjà, ou cet accompagnement est déjà proposé ou en cours",
        ),
        Refusal::GiverNotYours => Error::permission_denied(
            "GIVER_NOT_YOURS",
            "une agence ne conduit ni l'accompagnement de la cellule ni celui d'une autre agence",
        ),
        Refusal::NoAgency => {
            let why = "Ce signalement n'est adressé à aucune région.";
            Error::invalid("giver", "CONFLICT", why)
        }
    }
}

fn wrong_state(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::failed_precondition("WRONG_STATE", why)
}

fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : rien ne s'y ajoute",
    )
}
