//! The calls of people about messages.

use std::collections::HashMap;

use futures::FutureExt as _;
use platform::{
    AuditEntry, Caller, Deadline, Error, Outcome, Result, SealingKey, Violations, audit, now,
    read_transaction,
};
use proto::qualification::v1::{
    self as pb, ListMessagesRequest, ListMessagesResponse, MarkMessagesReadRequest,
    MarkMessagesReadResponse, PostMessageRequest, PostMessageResponse,
    message_service_server::MessageService,
};
use serde_json::json;
use service::{Call, Commands, Done, Fields, Page, View, request_hash};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{Role, derived_id};

use super::{
    Addressee, Audience, Message, MessageText,
    decide::{self, Refusal},
    events, purpose,
    read::{self, AUTHORS},
    response::{read_by, shown},
    side::Side,
    store,
};
use crate::cases::{self, Case, CaseName};

/// Answers `MessageService`.
#[derive(Clone, Debug)]
pub(crate) struct MessageRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
}

/// A message as it was asked for.
struct Post {
    case_id: Uuid,
    to: Addressee,
    text: MessageText,
}

/// A mark as it was asked for: the case, and the last message that was read.
struct Mark {
    case_id: Uuid,
    message_id: Uuid,
}

#[tonic::async_trait]
impl MessageService for MessageRpc {
    async fn post_message(
        &self,
        request: Request<PostMessageRequest>,
    ) -> Result<Response<PostMessageResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, post) = read_post(request.into_inner())?;
        let text = post.text.as_str().to_owned();
        let content = json!([post.case_id, post.to.as_str(), text]);
        let call = Call {
            caller,
            method: "PostMessage",
            action: "message.post",
            object: post.case_id.to_string(),
            request_id,
            hash: request_hash(content.to_string().as_bytes()),
            at: now(),
        };
        let input = (self.clone(), post);
        let kept: pb::Message = self
            .commands
            .run(call, input, |conn, call, (rpc, post)| {
                rpc.post(conn, call, post).boxed()
            })
            .await?;
        // The same request has the same text, which is not kept with it.
        let message = Some(pb::Message { text, ..kept });
        Ok(Response::new(PostMessageResponse { message }))
    }

    async fn list_messages(
        &self,
        request: Request<ListMessagesRequest>,
    ) -> Result<Response<ListMessagesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.get_ref();
        let name = cases::case_name(&asked.case_id)?;
        let filter = if asked.internal {
            format!("internal {name:?}")
        } else {
            format!("messages {name:?}")
        };
        let page = Page::<u64>::read(asked.page_size, &asked.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let reader = case.as_ref().and_then(|case| reader(case, caller));
        let notes_of = reader
            .filter(|_| asked.internal)
            .map(|(_, _, side)| decide::notes(side).map_err(refused));
        let (below, limit) = (page.after, page.limit());
        let mut messages = match (&case, reader, &notes_of) {
            (Some(case), Some((view, ..)), None) => {
                store::page(&mut read, case.id, view.agencies, below, limit).await?
            }
            (Some(case), _, Some(Ok(side))) => {
                store::notes(&mut read, case.id, *side, below, limit).await?
            }
            _ => Vec::new(),
        };
        let next_page_token = page.cut(&mut messages, |(number, _)| *number);
        let numbers: Vec<u64> = messages.iter().map(|(number, _)| *number).collect();
        let mut read_at = match &case {
            Some(case) if !asked.internal => read::read_at(&mut read, case.id, &numbers).await?,
            _ => HashMap::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        let action = if asked.internal {
            "message.list_internal"
        } else {
            "message.list"
        };
        if let (Some(case), Some(Err(refused))) = (&case, notes_of) {
            let entry = AuditEntry {
                caller,
                action,
                object: &case.id.to_string(),
                outcome: Outcome::Refused,
                detail: json!({ "reason": refused.code() }),
                at: now(),
            };
            audit(&mut conn, entry).await?;
            return Err(refused.into());
        }
        cases::audit_case(&mut conn, caller, action, &name, case.as_ref()).await?;
        drop(conn);
        let (case, (view, ..)) = case.zip(reader).ok_or(Error::NotFound("case"))?;
        let key = case.report.sealed.as_ref();
        let shown = messages.iter().map(|(number, message)| {
            let text = key.and_then(|key| {
                let purpose = purpose(message.id);
                key.open_text(&self.master_key, &purpose, &message.sealed_text, message.id)
            });
            let read_at = read_at.remove(number).unwrap_or_default();
            pb::Message {
                erased: text.is_none(),
                text: text.unwrap_or_default(),
                read_by: read_by(message, &read_at, view),
                ..shown(*number, message, view)
            }
        });
        Ok(Response::new(ListMessagesResponse {
            messages: shown.collect(),
            next_page_token,
        }))
    }

    async fn mark_messages_read(
        &self,
        request: Request<MarkMessagesReadRequest>,
    ) -> Result<Response<MarkMessagesReadResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let (request_id, mark) = read_mark(request.get_ref())?;
        let content = json!([mark.case_id, mark.message_id]);
        let call = Call {
            caller,
            method: "MarkMessagesRead",
            action: "message.mark_read",
            object: mark.case_id.to_string(),
            request_id,
            hash: request_hash(content.to_string().as_bytes()),
            at: now(),
        };
        let answer = self
            .commands
            .run(call, mark, |conn, call, mark| {
                mark_read(conn, call, mark).boxed()
            })
            .await?;
        Ok(Response::new(answer))
    }
}

/// How much a caller sees of a case, in which role and for which side it takes part in its
/// exchanges; `None` where the case or its exchanges do not exist for this one.
fn reader(case: &Case, caller: &Caller) -> Option<(View, Role, Side)> {
    let view = View::of(&case.visible_to, caller)?;
    let role = cases::acting_on(case, caller, AUTHORS).ok()?;
    Some((view, role, Side::of(role, caller.region)?))
}

async fn mark_read(
    conn: &mut PgConnection,
    call: &Call,
    mark: &Mark,
) -> Result<Done<MarkMessagesReadResponse>> {
    // A case that is not seen is told from one without the message by nobody.
    let name = CaseName::Id(mark.case_id);
    let case = cases::find_case(conn, &name, &call.caller.parties()).await?;
    let case = case.ok_or(Error::NotFound("message"))?;
    let (.., side) = reader(&case, &call.caller).ok_or(Error::NotFound("message"))?;
    let number = read::number_of(conn, case.id, mark.message_id, side).await?;
    let number = number.ok_or(Error::NotFound("message"))?;
    let read_up_to = read::mark(conn, case.id, side, number, call.at).await?;
    Ok(Done {
        answer: MarkMessagesReadResponse { read_up_to },
        events: Vec::new(),
        detail: json!({ "message": mark.message_id, "side": side.to_string() }),
    })
}

impl MessageRpc {
    async fn post(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        post: &Post,
    ) -> Result<Done<pb::Message>> {
        let caller = &call.caller;
        let case = cases::lock_case(conn, post.case_id, &caller.parties()).await?;
        let case = case.ok_or(Error::NotFound("case"))?;
        // Whose role does not see the case is told so, as of every other command on it.
        let author_role = cases::acting_on(&case, caller, AUTHORS)?;
        let (view, _, side) = reader(&case, caller).ok_or(Error::NotFound("case"))?;
        decide::post(view, side, post.to).map_err(refused)?;
        let key = case.report.sealed.as_ref().ok_or_else(erased)?;
        let id = derived_id(
            "message",
            &[caller.subject.as_bytes(), call.request_id.as_bytes()],
        );
        let sealed_text = key.seal(
            &self.master_key,
            &purpose(id),
            post.text.as_str().as_bytes(),
        );
        let message = Message {
            id,
            case_id: case.id,
            to: post.to,
            author_role,
            author_side: Some(side),
            author: caller.subject.clone(),
            posted_at: call.at,
            sealed_text: sealed_text.map_err(Error::internal)?,
        };
        let number = match post.to {
            Addressee::Exchange(audience) => store::insert(conn, &message, audience).await?,
            Addressee::Internal => store::insert_note(conn, &message, side).await?,
        };
        Ok(Done {
            answer: shown(number, &message, view),
            events: events::posted(&case, &message).into_iter().collect(),
            detail: json!({ "message": id, "audience": post.to.as_str() }),
        })
    }
}

fn read_post(request: PostMessageRequest) -> Result<(Uuid, Post)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let to = match pb::Audience::try_from(request.audience) {
        Ok(pb::Audience::Structure) => Some(Addressee::Exchange(Audience::Structure)),
        Ok(pb::Audience::Agencies) => Some(Addressee::Exchange(Audience::Agencies)),
        Ok(pb::Audience::Internal) => Some(Addressee::Internal),
        Ok(pb::Audience::Unspecified) => {
            fields.missing("audience");
            None
        }
        Err(_) => {
            fields.refuse(
                "audience",
                "UNKNOWN_VALUE",
                "Cette valeur n'est pas connue.",
            );
            None
        }
    };
    let text = fields.required_text("text", request.text);
    match (request_id, case_id, to, text) {
        (Some(request_id), Some(case_id), Some(to), Some(text)) => {
            Ok((request_id, Post { case_id, to, text }))
        }
        _ => Err(violations.into()),
    }
}

fn read_mark(request: &MarkMessagesReadRequest) -> Result<(Uuid, Mark)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let message_id = fields.uuid("message_id", &request.message_id);
    match (request_id, case_id, message_id) {
        (Some(request_id), Some(case_id), Some(message_id)) => Ok((
            request_id,
            Mark {
                case_id,
                message_id,
            },
        )),
        _ => Err(violations.into()),
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::AudienceNotYours => Error::permission_denied(
            "AUDIENCE_NOT_YOURS",
            "ces échanges ne sont pas ouverts à ce rôle",
        ),
    }
}

fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : la conversation est terminée",
    )
}
