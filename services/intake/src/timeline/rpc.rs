//! `TimelineService`: entries are added to timelines and listed.

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, Violations, now, read_transaction};
use proto::intake::v1::{
    self as pb, AddTimelineEntryRequest, AddTimelineEntryResponse, ListTimelineRequest,
    ListTimelineResponse, timeline_service_server::TimelineService,
};
use serde_json::json;
use service::{
    Call, Commands, Done, Fields, Page, Parties, View, audit_read, request_hash,
    wire::{timestamp, timestamptz},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;
use vocabulary::{Word as _, derived_id};

use super::{
    EntryText, TimelineEntry,
    decide::{self, Refusal},
    events, purpose,
    store::{self, Position},
};
use crate::delegations;
use crate::reports::{self, CLOCK_DRIFT, Report, ReportName, acting_role, moment, report_name};

/// Answers `TimelineService`.
#[derive(Clone, Debug)]
pub(crate) struct TimelineRpc {
    /// Runs the additions.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
}

/// An entry as it was sent.
struct Addition {
    report_id: Uuid,
    happened_at: OffsetDateTime,
    text: EntryText,
}

#[async_trait]
impl TimelineService for TimelineRpc {
    async fn add_timeline_entry(
        &self,
        request: Request<AddTimelineEntryRequest>,
    ) -> Result<Response<AddTimelineEntryResponse>, Status> {
        let caller = delegations::acting(&self.commands.pool, &request).await?;
        let at = now();
        let (request_id, sent) = read(request.into_inner(), at)?;
        let text = sent.text.as_str().to_owned();
        let content = json!([sent.report_id, timestamptz(sent.happened_at), text]);
        let call = Call {
            caller,
            method: "AddTimelineEntry",
            action: "timeline.add",
            object: ReportName::Id(sent.report_id).subject(),
            request_id,
            hash: request_hash(&self.master_key.mac(content.to_string().as_bytes())),
            at,
        };
        let input = (self.clone(), sent);
        let kept: pb::TimelineEntry = self
            .commands
            .run(call, input, |conn, call, (rpc, sent)| {
                rpc.add(conn, call, sent).boxed()
            })
            .await?;
        // The same request has the same text, which is not kept with it.
        let entry = Some(pb::TimelineEntry { text, ..kept });
        Ok(Response::new(AddTimelineEntryResponse { entry }))
    }

    async fn list_timeline(
        &self,
        request: Request<ListTimelineRequest>,
    ) -> Result<Response<ListTimelineResponse>, Status> {
        let caller = &delegations::acting(&self.commands.pool, &request).await?;
        let asked = request.get_ref();
        let name = report_name(&asked.report_id)?;
        let filter = format!("timeline {name:?}");
        let page = Page::<Position>::read(asked.page_size, &asked.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let report = reports::find(&mut read, &name, &caller.parties()).await?;
        // The texts name people: they are for those who see how to reach the declarant.
        let seen = report.and_then(|report| {
            let view = view(&report, caller).filter(|view| view.contacts)?;
            Some((report, view))
        });
        let mut entries = match &seen {
            Some((report, _)) => {
                store::page(&mut read, report.id, page.after, page.limit()).await?
            }
            None => Vec::new(),
        };
        drop(read);
        let object = seen
            .as_ref()
            .map_or_else(|| name.subject(), |(report, _)| report.subject());
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_read(&mut conn, caller, "timeline.list", &object, seen.is_some()).await?;
        drop(conn);
        let (report, view) = seen.ok_or(Error::NotFound("report"))?;
        let next_page_token = page.cut(&mut entries, Position::of);
        let key = report.contacts.as_ref();
        let shown = entries.iter().map(|entry| {
            let text = key.and_then(|key| {
                let purpose = purpose(entry.id);
                key.open_text(&self.master_key, &purpose, &entry.sealed_text, entry.id)
            });
            pb::TimelineEntry {
                // A text that does not open may yet do so, under the right master key.
                erased: key.is_none(),
                text: text.unwrap_or_default(),
                ..shown(entry, view)
            }
        });
        Ok(Response::new(ListTimelineResponse {
            entries: shown.collect(),
            next_page_token,
        }))
    }
}

impl TimelineRpc {
    async fn add(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        sent: &Addition,
    ) -> Result<Done<pb::TimelineEntry>> {
        let caller = &call.caller;
        let own = caller.parties();
        let report = reports::lock(conn, sent.report_id, &own).await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        let role = acting_role(&report, &own, &caller.roles);
        let author_role = role.ok_or(Refusal::NotYours)?;
        let number = decide::add(&report, store::count(conn, report.id).await?)?;
        let key = report.contacts.as_ref().ok_or(Refusal::Erased)?;
        let id = derived_id(
            "timeline_entry",
            &[caller.subject.as_bytes(), call.request_id.as_bytes()],
        );
        let text = sent.text.as_str().as_bytes();
        let sealed_text = key.seal(&self.master_key, &purpose(id), text);
        let entry = TimelineEntry {
            id,
            report_id: report.id,
            number,
            happened_at: sent.happened_at,
            author_role,
            author: caller.subject.clone(),
            added_at: call.at,
            sealed_text: sealed_text.map_err(Error::internal)?,
        };
        store::insert(conn, &entry).await?;
        let view = view(&report, caller).ok_or(Error::NotFound("report"))?;
        Ok(Done {
            answer: shown(&entry, view),
            events: vec![events::added(&report, &entry)],
            detail: json!({ "entry": id }),
        })
    }
}

fn read(request: AddTimelineEntryRequest, now: OffsetDateTime) -> Result<(Uuid, Addition)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let report_id = fields.uuid("report_id", &request.report_id);
    if request.happened_at.is_none() {
        fields.missing("happened_at");
    }
    let happened_at = moment(&mut fields, "happened_at", request.happened_at.as_ref());
    if happened_at.is_some_and(|happened_at| happened_at > now + CLOCK_DRIFT) {
        fields.refuse("happened_at", "IN_FUTURE", "cette date est dans le futur");
    }
    let text = fields.required_text("text", request.text);
    match (
        request_id,
        report_id,
        happened_at,
        text,
        violations.is_empty(),
    ) {
        (Some(request_id), Some(report_id), Some(happened_at), Some(text), true) => Ok((
            request_id,
            Addition {
                report_id,
                happened_at,
                text,
            },
        )),
        _ => Err(violations.into()),
    }
}

/// How much of a report a caller sees.
fn view(report: &Report, caller: &Caller) -> Option<View> {
    let parties: Parties = report.visible_to.iter().map(ToString::to_string).collect();
    View::of(&parties, caller)
}

/// Shows an entry without its text.
fn shown(entry: &TimelineEntry, view: View) -> pb::TimelineEntry {
    let author = Some(entry.author.clone()).filter(|_| view.people);
    pb::TimelineEntry {
        entry_id: entry.id.to_string(),
        report_id: entry.report_id.to_string(),
        number: entry.number,
        happened_at: Some(timestamp(entry.happened_at)),
        text: String::new(),
        erased: false,
        author_role: entry.author_role.number(),
        author: author.unwrap_or_default(),
        added_at: Some(timestamp(entry.added_at)),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotYours => Self::permission_denied(
                "NOT_YOURS_TO_COMPLETE",
                "vous n'êtes pas de ceux qui peuvent compléter la chronologie de ce signalement",
            ),
            Refusal::Withdrawn => {
                Self::failed_precondition("WITHDRAWN", "ce signalement a été retiré")
            }
            Refusal::Full => Self::failed_precondition(
                "TIMELINE_FULL",
                "la chronologie de ce signalement est complète : 500 entrées",
            ),
            Refusal::Erased => Self::failed_precondition(
                "ERASED",
                "les données personnelles de ce signalement sont effacées",
            ),
        }
    }
}
