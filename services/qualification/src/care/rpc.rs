//! The calls of people about consequences for care.

use eventlog::NewEvent;
use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, now, read_transaction};
use proto::qualification::v1::{
    self as pb, EndCareConsequenceRequest, EndCareConsequenceResponse, ListCareConsequencesRequest,
    ListCareConsequencesResponse, RecordCareConsequenceRequest, RecordCareConsequenceResponse,
    UpdateCareConsequenceRequest, UpdateCareConsequenceResponse, care_service_server::CareService,
};
use serde_json::json;
use service::{Call, Commands, Done, Page, Sealed, View, request_hash, wire::timestamp};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{Region, Role, Word as _, derived_id};

use super::{
    Consequence, Draft, Texts,
    decide::{self, Command, Refusal, Which},
    events, purpose,
    request::{self, CommandRequest},
    store,
};
use crate::cases::{self, Case, CaseName};

/// Who records what an incident does to care.
const AUTHORS: &[Role] = &[Role::Analyst, Role::RegionalAgent];

/// Answers `CareService`.
#[derive(Clone, Debug)]
pub(crate) struct CareRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
}

#[tonic::async_trait]
impl CareService for CareRpc {
    async fn record_care_consequence(
        &self,
        request: Request<RecordCareConsequenceRequest>,
    ) -> Result<Response<RecordCareConsequenceResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::record(request.into_inner(), now())?;
        let method = ("RecordCareConsequence", "care.record");
        let consequence = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(RecordCareConsequenceResponse { consequence }))
    }

    async fn update_care_consequence(
        &self,
        request: Request<UpdateCareConsequenceRequest>,
    ) -> Result<Response<UpdateCareConsequenceResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::update(request.into_inner(), now())?;
        let method = ("UpdateCareConsequence", "care.update");
        let consequence = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(UpdateCareConsequenceResponse { consequence }))
    }

    async fn end_care_consequence(
        &self,
        request: Request<EndCareConsequenceRequest>,
    ) -> Result<Response<EndCareConsequenceResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = request::end(request.into_inner(), now())?;
        let method = ("EndCareConsequence", "care.end");
        let consequence = Some(self.command(caller, method, asked).await?);
        Ok(Response::new(EndCareConsequenceResponse { consequence }))
    }

    async fn list_care_consequences(
        &self,
        request: Request<ListCareConsequencesRequest>,
    ) -> Result<Response<ListCareConsequencesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let filter = format!("care {name:?}");
        let page = Page::<u64>::read(asked.page_size, &asked.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let mut consequences = match &case {
            Some(case) => store::page(&mut read, case.id, page.after, page.limit()).await?,
            None => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "care.list", &name, case.as_ref()).await?;
        drop(conn);
        let case = case.ok_or(Error::NotFound("case"))?;
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        let next_page_token = page.cut(&mut consequences, |consequence| consequence.number);
        let shown = consequences
            .iter()
            .map(|consequence| self.with_texts(&case, consequence, shown(consequence, view)));
        Ok(Response::new(ListCareConsequencesResponse {
            consequences: shown.collect(),
            next_page_token,
        }))
    }
}

impl CareRpc {
    /// Carries out a command once and answers every retry alike, with the texts, which
    /// are not kept with the answer, as they rest.
    async fn command(
        &self,
        caller: Caller,
        (method, action): (&'static str, &'static str),
        asked: CommandRequest,
    ) -> Result<pb::CareConsequence> {
        let call = Call {
            caller: caller.clone(),
            method,
            action,
            object: asked.object().to_string(),
            request_id: asked.request_id,
            hash: request_hash(asked.content().to_string().as_bytes()),
            at: now(),
        };
        let said = match &asked.command {
            Command::Record { draft, .. } | Command::Update { draft, .. } => {
                Some(Texts::from(draft))
            }
            Command::End { .. } => None,
        };
        let input = (self.clone(), asked);
        let kept: pb::CareConsequence = self
            .commands
            .run(call, input, |conn, call, (rpc, asked)| {
                rpc.change(conn, call, &asked.command).boxed()
            })
            .await?;
        let mut conn = self.commands.pool.acquire().await?;
        let id = Uuid::try_parse(&kept.consequence_id).map_err(Error::internal)?;
        let (case, consequence) = locate(&mut conn, &caller, id).await?;
        let shown = self.with_texts(&case, &consequence, kept);
        Ok(match said {
            // The same request says the same, whatever was corrected since.
            Some(texts) if !shown.erased => saying(shown, texts),
            _ => shown,
        })
    }

    async fn change(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        command: &Command,
    ) -> Result<Done<pb::CareConsequence>> {
        let caller = &call.caller;
        let (case, consequence, events) = match command {
            Command::Record {
                case_id,
                region,
                draft,
            } => {
                let case = cases::lock_case(conn, *case_id, &caller.parties()).await?;
                let case = case.ok_or(Error::NotFound("case"))?;
                self.record(conn, call, case, *region, draft).await?
            }
            Command::Update {
                which,
                draft,
                ended_at,
            } => {
                let (case, known, role) = locked(conn, caller, which).await?;
                let corrected = decide::update(&known, draft, *ended_at, call.at);
                let corrected = Consequence {
                    sealed_texts: self.seal(&case, known.id, draft)?,
                    ..corrected.map_err(refused)?
                };
                let impact = draft.kind.impact();
                let (case, event) = if impact.is_graver_than(Some(known.kind.impact())) {
                    cases::record_care(conn, &self.commands, call, role, &case, impact).await?
                } else {
                    (case, None)
                };
                store::update(conn, &corrected).await?;
                (case, corrected, event.into_iter().collect())
            }
            Command::End { which, ended_at } => {
                let (case, known, role) = locked(conn, caller, which).await?;
                let ended = decide::end(&known, *ended_at, call.at).map_err(refused)?;
                store::update(conn, &ended).await?;
                let event = events::ended(&case, &ended, role);
                (case, ended, vec![event])
            }
        };
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        Ok(Done {
            answer: shown(&consequence, view),
            events,
            detail: json!({
                "case": case.id,
                "consequence": consequence.id,
                "kind": consequence.kind,
            }),
        })
    }

    async fn record(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        case: Case,
        region: Option<Region>,
        draft: &Draft,
    ) -> Result<(Case, Consequence, Vec<NewEvent>)> {
        let caller = &call.caller;
        let role = cases::acting_on(&case, caller, AUTHORS)?;
        let routed = case.report.routing_region.parse().ok();
        let region = decide::region(role, caller.region, region, routed, &case.visible_to);
        let id = derived_id(
            "care_consequence",
            &[caller.subject.as_bytes(), call.request_id.as_bytes()],
        );
        let impact = draft.kind.impact();
        let consequence = Consequence {
            id,
            case_id: case.id,
            number: store::next_number(conn, case.id).await?,
            revision: 1,
            region: region.map_err(refused)?,
            kind: draft.kind,
            persons: draft.persons,
            begun_at: draft.begun_at,
            ended_at: None,
            author_role: role,
            author: caller.subject.clone(),
            recorded_at: call.at,
            changed_at: call.at,
            sealed_texts: self.seal(&case, id, draft)?,
        };
        let (case, event) =
            cases::record_care(conn, &self.commands, call, role, &case, impact).await?;
        store::insert(conn, &consequence).await?;
        let mut events: Vec<NewEvent> = event.into_iter().collect();
        events.push(events::recorded(&case, &consequence));
        Ok((case, consequence, events))
    }

    fn seal(&self, case: &Case, consequence_id: Uuid, draft: &Draft) -> Result<Vec<u8>> {
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        let texts = serde_json::to_vec(&Texts::from(draft)).map_err(Error::internal)?;
        let sealed = key.seal(&self.master_key, &purpose(consequence_id), &texts);
        sealed.map_err(Error::internal)
    }

    fn open(&self, key: &Sealed, consequence: &Consequence) -> Option<Texts> {
        let sealed = Sealed {
            sealed: consequence.sealed_texts.clone(),
            data_key: key.data_key.clone(),
        };
        let opened = sealed.open(&self.master_key, &purpose(consequence.id));
        if opened.is_err() {
            tracing::error!(
                care_consequence.id = %consequence.id,
                "a consequence does not open: is the master key the one of this installation?",
            );
        }
        serde_json::from_slice(&opened.ok()?).ok()
    }

    /// Adds its texts to a consequence that is shown.
    fn with_texts(
        &self,
        case: &Case,
        consequence: &Consequence,
        shown: pb::CareConsequence,
    ) -> pb::CareConsequence {
        let key = case.report.sealed.as_ref();
        let texts = key.and_then(|key| self.open(key, consequence));
        let erased = texts.is_none();
        let shown = pb::CareConsequence { erased, ..shown };
        saying(shown, texts.unwrap_or_default())
    }
}

/// Finds a consequence that a caller sees, with its case.
async fn locate(conn: &mut PgConnection, caller: &Caller, id: Uuid) -> Result<(Case, Consequence)> {
    let unknown = || Error::NotFound("care consequence");
    let consequence = store::find(conn, id).await?.ok_or_else(unknown)?;
    let name = CaseName::Id(consequence.case_id);
    let case = cases::find_case(conn, &name, &caller.parties()).await?;
    Ok((case.ok_or_else(unknown)?, consequence))
}

/// Finds the consequence that is meant, which the caller may change in a role, and keeps
/// others from changing it or its case.
async fn locked(
    conn: &mut PgConnection,
    caller: &Caller,
    which: &Which,
) -> Result<(Case, Consequence, Role)> {
    let unknown = || Error::NotFound("care consequence");
    let case_id = store::case_of(conn, which.id).await?.ok_or_else(unknown)?;
    let case = cases::lock_case(conn, case_id, &caller.parties()).await?;
    let case = case.ok_or_else(unknown)?;
    let known = store::find(conn, which.id).await?.ok_or_else(unknown)?;
    let role = cases::acting_on(&case, caller, AUTHORS)?;
    decide::may_change(role, caller.region, &known).map_err(refused)?;
    if which
        .etag
        .as_ref()
        .is_some_and(|wanted| *wanted != etag(&known))
    {
        let why = "la conséquence a changé : relisez-la";
        return Err(Error::aborted("ETAG_MISMATCH", why));
    }
    Ok((case, known, role))
}

/// Shows a consequence without its texts.
fn shown(consequence: &Consequence, view: View) -> pb::CareConsequence {
    let author = Some(consequence.author.clone()).filter(|_| view.people);
    let region = consequence.region.map(Region::code).unwrap_or_default();
    pb::CareConsequence {
        consequence_id: consequence.id.to_string(),
        case_id: consequence.case_id.to_string(),
        number: consequence.number,
        region: region.to_owned(),
        draft: Some(pb::CareConsequenceDraft {
            kind: consequence.kind.number(),
            service_name: String::new(),
            description: String::new(),
            persons: consequence.persons,
            begun_at: Some(timestamp(consequence.begun_at)),
        }),
        ended_at: consequence.ended_at.map(timestamp),
        author_role: consequence.author_role.number(),
        author: author.unwrap_or_default(),
        recorded_at: Some(timestamp(consequence.recorded_at)),
        changed_at: Some(timestamp(consequence.changed_at)),
        etag: etag(consequence),
        erased: false,
    }
}

/// Shows a consequence with these texts.
fn saying(shown: pb::CareConsequence, texts: Texts) -> pb::CareConsequence {
    let draft = shown.draft.map(|draft| pb::CareConsequenceDraft {
        service_name: texts.service_name,
        description: texts.description,
        ..draft
    });
    pb::CareConsequence { draft, ..shown }
}

/// Changes with every change of the consequence. Names its moment too: after a restore
/// another change takes the revision of a lost one.
fn etag(consequence: &Consequence) -> String {
    let at = consequence.changed_at.unix_timestamp_nanos() / 1_000;
    format!("{}-{at}", consequence.revision)
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::RegionNotYours => Error::permission_denied(
            "REGION_NOT_YOURS",
            "une agence n'enregistre que les conséquences dans sa région",
        ),
        Refusal::RegionDoesNotSee => {
            let why = "L'agence de cette région ne voit pas ce dossier.";
            Error::invalid("region", "CONFLICT", why)
        }
        Refusal::Ended => Error::failed_precondition(
            "WRONG_STATE",
            "cette conséquence a déjà pris fin : corrigez-la",
        ),
        Refusal::GoesOn => {
            let why = "Cette conséquence dure encore : mettez-y fin.";
            Error::invalid("ended_at", "CONFLICT", why)
        }
        Refusal::EndsBeforeItBegins => {
            let why = "La fin précède le début.";
            Error::invalid("ended_at", "CONFLICT", why)
        }
    }
}

fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : rien ne s'y ajoute",
    )
}
