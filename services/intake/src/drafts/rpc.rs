//! `DraftService`: drafts are saved, shown, listed and erased.

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, Violations, now, read_transaction};
use prost::Message as _;
use proto::intake::v1::{
    self as pb, DeleteDraftRequest, DeleteDraftResponse, GetDraftRequest, GetDraftResponse,
    ListDraftsRequest, ListDraftsResponse, SaveDraftRequest, SaveDraftResponse,
    draft_service_server::DraftService,
};
use serde_json::json;
use service::{
    Call, Commands, Done, Fields, Page, Sealed, audit_list, audit_read, request_hash,
    wire::timestamp,
};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;
use vocabulary::{derived_id, is_empty_text};

use super::{
    KEPT, MAX_BYTES, MAX_DRAFTS, Position, SavedDraft, Times,
    decide::{self, Refusal},
    expiry, purpose, store, subject,
};

/// Answers `DraftService`.
#[derive(Clone, Debug)]
pub(crate) struct DraftRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Wraps the keys under which drafts are sealed.
    pub(crate) master_key: SealingKey,
}

/// A draft as somebody asks to save it.
struct Save {
    draft_id: Uuid,
    draft: pb::ReportDraft,
    etag: String,
}

#[async_trait]
impl DraftService for DraftRpc {
    async fn save_draft(
        &self,
        request: Request<SaveDraftRequest>,
    ) -> Result<Response<SaveDraftResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, save) = read_save(&caller.subject, request.into_inner())?;
        let draft = save.draft.clone();
        let content = SaveDraftRequest {
            request_id: String::new(),
            draft_id: save.draft_id.to_string(),
            draft: Some(save.draft.clone()),
            etag: save.etag.clone(),
        };
        let call = Call {
            caller,
            method: "SaveDraft",
            action: "draft.save",
            object: subject(save.draft_id),
            request_id,
            hash: request_hash(&self.master_key.mac(&content.encode_to_vec())),
            at: now(),
        };
        let kept: pb::SavedDraft = self
            .commands
            .run(call, (self.clone(), save), |conn, call, (rpc, save)| {
                rpc.save(conn, call, save).boxed()
            })
            .await?;
        // The same request has the same draft, which is not kept with it.
        Ok(Response::new(SaveDraftResponse {
            draft: Some(pb::SavedDraft {
                draft: Some(draft),
                ..kept
            }),
        }))
    }

    async fn get_draft(
        &self,
        request: Request<GetDraftRequest>,
    ) -> Result<Response<GetDraftResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut violations = Violations::default();
        let id = Fields::new("", &mut violations).uuid("draft_id", &request.get_ref().draft_id);
        let id = id.ok_or(Error::from(violations))?;
        let mut transaction = self.commands.pool.begin().await.map_err(Error::from)?;
        let after = expiry(now());
        let found = store::find(&mut transaction, &caller.subject, id, after).await?;
        let is_found = found.is_some();
        audit_read(
            &mut transaction,
            caller,
            "draft.get",
            &subject(id),
            is_found,
        )
        .await?;
        transaction.commit().await.map_err(Error::from)?;
        let draft = found.ok_or(Error::NotFound("draft"))?;
        Ok(Response::new(GetDraftResponse {
            draft: Some(self.shown(&draft)),
        }))
    }

    async fn list_drafts(
        &self,
        request: Request<ListDraftsRequest>,
    ) -> Result<Response<ListDraftsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let page = Page::<Position>::read(asked.page_size, &asked.page_token, "drafts")?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let mut drafts = store::page(
            &mut read,
            &caller.subject,
            expiry(now()),
            page.after,
            page.limit(),
        )
        .await?;
        drop(read);
        let next_page_token = page.cut(&mut drafts, SavedDraft::position);
        let detail = json!({ "continued": page.after.is_some(), "drafts": drafts.len() });
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_list(&mut conn, caller, "draft.list", "draft", detail).await?;
        Ok(Response::new(ListDraftsResponse {
            drafts: drafts.iter().map(|draft| self.shown(draft)).collect(),
            next_page_token,
        }))
    }

    async fn delete_draft(
        &self,
        request: Request<DeleteDraftRequest>,
    ) -> Result<Response<DeleteDraftResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, id) = read_delete(request.get_ref())?;
        let call = Call {
            caller,
            method: "DeleteDraft",
            action: "draft.delete",
            object: subject(id),
            request_id,
            hash: request_hash(id.as_bytes()),
            at: now(),
        };
        let () = self
            .commands
            .run(call, id, |conn, call, id| delete(conn, call, *id).boxed())
            .await?;
        Ok(Response::new(DeleteDraftResponse {}))
    }
}

impl DraftRpc {
    async fn save(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        save: &Save,
    ) -> Result<Done<pb::SavedDraft>> {
        let author = &call.caller.subject;
        store::lock_author(conn, author).await?;
        // Another statement: the one that waited does not see what was saved meanwhile.
        let kept = store::times(conn, author, expiry(call.at)).await?;
        let (own, others): (Vec<_>, Vec<_>) =
            kept.into_iter().partition(|(id, _)| *id == save.draft_id);
        let own = own.first().map(|(_, times)| *times);
        let times = decide::save(own, &save.etag, others.len(), call.at)?;
        let plain = save.draft.encode_to_vec();
        let draft = SavedDraft {
            id: save.draft_id,
            author: author.clone(),
            times,
            content: Sealed::new(&self.master_key, &purpose(author, save.draft_id), &plain),
        };
        store::save(conn, &draft).await?;
        Ok(Done {
            answer: shown(draft.id, times),
            events: Vec::new(),
            detail: json!({ "bytes": plain.len() }),
        })
    }

    /// A draft with what it says; one that does not open must not hide the others.
    fn shown(&self, draft: &SavedDraft) -> pb::SavedDraft {
        let purpose = purpose(&draft.author, draft.id);
        let opened = draft.content.open(&self.master_key, &purpose).ok();
        let content = opened.and_then(|plain| pb::ReportDraft::decode(plain.as_slice()).ok());
        if content.is_none() {
            tracing::error!(
                draft.id = %draft.id,
                "a draft does not open: is the master key the one of this installation?",
            );
        }
        pb::SavedDraft {
            draft: content,
            ..shown(draft.id, draft.times)
        }
    }
}

async fn delete(conn: &mut PgConnection, call: &Call, draft_id: Uuid) -> Result<Done<()>> {
    let author = &call.caller.subject;
    if !store::delete(conn, author, draft_id, expiry(call.at)).await? {
        return Err(Error::NotFound("draft"));
    }
    Ok(Done {
        detail: json!({}),
        ..Done::default()
    })
}

/// Reads what is to be saved; an id that the author did not choose follows from the request.
fn read_save(author: &str, wire: SaveDraftRequest) -> Result<(Uuid, Save)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &wire.request_id);
    let draft_id = if is_empty_text(&wire.draft_id) {
        request_id.map(|id| derived_id("draft", &[author.as_bytes(), id.as_bytes()]))
    } else {
        fields.uuid("draft_id", &wire.draft_id)
    };
    match &wire.draft {
        None => fields.missing("draft"),
        Some(draft) if draft.encoded_len() > MAX_BYTES => {
            let why = "l'ensemble du brouillon dépasse 64 Kio";
            fields.refuse("draft", "TOO_LONG", why);
        }
        Some(_) => {}
    }
    match (request_id, draft_id, wire.draft, violations.is_empty()) {
        (Some(request_id), Some(draft_id), Some(draft), true) => Ok((
            request_id,
            Save {
                draft_id,
                draft,
                etag: wire.etag,
            },
        )),
        _ => Err(violations.into()),
    }
}

fn read_delete(wire: &DeleteDraftRequest) -> Result<(Uuid, Uuid)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &wire.request_id);
    let draft_id = fields.uuid("draft_id", &wire.draft_id);
    request_id.zip(draft_id).ok_or(violations.into())
}

/// Shows a draft without what it says.
fn shown(draft_id: Uuid, times: Times) -> pb::SavedDraft {
    pb::SavedDraft {
        draft_id: draft_id.to_string(),
        draft: None,
        created_at: Some(timestamp(times.created_at)),
        saved_at: Some(timestamp(times.saved_at)),
        expires_at: Some(timestamp(times.saved_at + KEPT)),
        etag: times.etag(),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound("draft"),
            Refusal::EtagMismatch => Self::aborted(
                "ETAG_MISMATCH",
                "ce brouillon a changé depuis que vous l'avez lu",
            ),
            Refusal::TooMany => Self::failed_precondition(
                "TOO_MANY_DRAFTS",
                format!(
                    "vous gardez déjà {MAX_DRAFTS} brouillons ; envoyez-en un ou supprimez-en un"
                ),
            ),
        }
    }
}
