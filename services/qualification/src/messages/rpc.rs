//! The calls of people about messages.

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, SealingKey, Violations, now, read_transaction};
use proto::qualification::v1::{
    self as pb, ListMessagesRequest, ListMessagesResponse, PostMessageRequest, PostMessageResponse,
    message_service_server::MessageService,
};
use serde_json::json;
use service::{Call, Commands, Done, Fields, Page, View, request_hash, wire::timestamp};
use sqlx::{PgConnection, PgPool};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vocabulary::{Role, Word as _, derived_id};

use super::{
    Audience, Message, MessageText,
    decide::{self, Refusal},
    events, purpose, store,
};
use crate::cases;

/// Who posts messages.
const AUTHORS: &[Role] = &[
    Role::Declarant,
    Role::Analyst,
    Role::RegionalAgent,
    Role::SecurityOfficer,
];

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
    audience: Audience,
    text: MessageText,
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
        let content = json!([post.case_id, post.audience.as_str(), text]);
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
        let page = Page::<u64>::read(
            asked.page_size,
            &asked.page_token,
            format!("messages {name:?}"),
        )?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let case = cases::find_case(&mut read, &name, &caller.parties()).await?;
        let view = case
            .as_ref()
            .and_then(|case| View::of(&case.visible_to, caller));
        let mut messages = match (&case, view) {
            (Some(case), Some(view)) => {
                store::page(&mut read, case.id, view.agencies, page.after, page.limit()).await?
            }
            _ => Vec::new(),
        };
        drop(read);
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        cases::audit_case(&mut conn, caller, "message.list", &name, case.as_ref()).await?;
        drop(conn);
        let (case, view) = case.zip(view).ok_or(Error::NotFound("case"))?;
        let next_page_token = page.cut(&mut messages, |(number, _)| *number);
        let key = case.report.sealed.as_ref();
        let shown = messages.iter().map(|(number, message)| {
            let text = key.and_then(|key| {
                let purpose = purpose(message.id);
                key.open_text(&self.master_key, &purpose, &message.sealed_text, message.id)
            });
            pb::Message {
                erased: text.is_none(),
                text: text.unwrap_or_default(),
                ..shown(*number, message, view)
            }
        });
        Ok(Response::new(ListMessagesResponse {
            messages: shown.collect(),
            next_page_token,
        }))
    }
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
        let view = View::of(&case.visible_to, caller).ok_or(Error::NotFound("case"))?;
        decide::post(view, post.audience).map_err(refused)?;
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
            audience: post.audience,
            author_role: cases::acting_on(&case, caller, AUTHORS)?,
            author: caller.subject.clone(),
            posted_at: call.at,
            sealed_text: sealed_text.map_err(Error::internal)?,
        };
        let number = store::insert(conn, &message).await?;
        Ok(Done {
            answer: shown(number, &message, view),
            events: vec![events::posted(&case, &message)],
            detail: json!({ "message": id, "audience": post.audience.as_str() }),
        })
    }
}

fn read_post(request: PostMessageRequest) -> Result<(Uuid, Post)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let case_id = fields.uuid("case_id", &request.case_id);
    let audience = match pb::Audience::try_from(request.audience) {
        Ok(pb::Audience::Structure) => Some(Audience::Structure),
        Ok(pb::Audience::Agencies) => Some(Audience::Agencies),
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
    match (request_id, case_id, audience, text) {
        (Some(request_id), Some(case_id), Some(audience), Some(text)) => Ok((
            request_id,
            Post {
                case_id,
                audience,
                text,
            },
        )),
        _ => Err(violations.into()),
    }
}

/// Shows a message without its text.
fn shown(number: u64, message: &Message, view: View) -> pb::Message {
    let audience = match message.audience {
        Audience::Structure => pb::Audience::Structure,
        Audience::Agencies => pb::Audience::Agencies,
    };
    let author = Some(message.author.clone()).filter(|_| view.people);
    pb::Message {
        message_id: message.id.to_string(),
        case_id: message.case_id.to_string(),
        number,
        audience: audience.into(),
        author_role: message.author_role.number(),
        author: author.unwrap_or_default(),
        posted_at: Some(timestamp(message.posted_at)),
        text: String::new(),
        erased: false,
    }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::AudienceNotYours => Error::permission_denied(
            "AUDIENCE_NOT_YOURS",
            "les échanges entre agences ne sont pas ouverts à ce rôle",
        ),
    }
}

fn erased() -> Error {
    Error::failed_precondition(
        "ERASED",
        "les données personnelles de ce signalement sont effacées : la conversation est terminée",
    )
}
