//! Commands: claim the request, load, decide, store, announce, in one
//! transaction.

use aws_lc_rs::digest;
use futures::FutureExt as _;
use platform::{
    AuditEntry, Caller, Claim, Error, Outcome, RequestKey, Result, audit, claim_request,
    complete_request,
};
use prost::Message as _;
use proto::qualification::v1 as pb;
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;
use vocabulary::{Role, Text};

use super::Service;
use crate::{
    announce::{self, History},
    convert::{self, Asked},
    domain::{self, Actor, Command, Refusal, Scope, View},
    store::{self, Entry},
};

impl Service {
    /// Carries out a command once and answers every retry alike.
    pub(super) async fn command(&self, caller: Caller, asked: Asked) -> Result<pb::Case> {
        let service = self.clone();
        self.tasks
            .finish(async move { service.run(&caller, &asked).await })
            .await
    }

    async fn run(&self, caller: &Caller, asked: &Asked) -> Result<pb::Case> {
        let attempt = Attempt {
            service: self,
            caller,
            asked,
            now: platform::now(),
        };
        // A lost connection runs it again: what was committed is answered as a retry.
        let answered = eventlog::in_transaction(&self.pool, &attempt, |conn, attempt| {
            attempt.answer(conn).boxed()
        })
        .await;
        match &answered {
            Ok(_) => self.log.committed(),
            Err(error) => attempt.record_refusal(error).await?,
        }
        answered
    }
}

/// One call of a command.
struct Attempt<'a> {
    service: &'a Service,
    caller: &'a Caller,
    asked: &'a Asked,
    now: OffsetDateTime,
}

impl Attempt<'_> {
    /// Does what is asked, or finds what was answered before.
    async fn answer(&self, conn: &mut PgConnection) -> Result<pb::Case> {
        let Self {
            service,
            caller,
            asked,
            now,
        } = *self;
        let (method, action) = names(&asked.command);
        let key = RequestKey {
            caller,
            method,
            request_id: asked.request_id,
        };
        let parties = caller.parties();
        let case_id = asked.case_id.to_string();
        let entry = |detail| AuditEntry {
            caller,
            action,
            object: &case_id,
            outcome: Outcome::Done,
            detail,
            at: now,
        };

        if let Claim::Replay(answer) = claim_request(conn, &key, &hash(asked), now).await? {
            let answer = pb::Case::decode(answer.as_slice()).map_err(Error::internal)?;
            let case = store::read_cases(conn, &[asked.case_id]).await?.pop();
            let case = case.ok_or(Error::NotFound("case"))?;
            let view = View::of(&case.visible_to, &parties).ok_or(Error::NotFound("case"))?;
            audit(conn, entry(json!({ "retry": true }))).await?;
            return Ok(self.service.with_contacts(answer, &case, view));
        }

        let locked = store::lock_case(conn, asked.case_id, &parties).await?;
        let case_ids: Vec<_> = locked.into_iter().collect();
        let case = store::read_cases(conn, &case_ids).await?.pop();
        let case = case.ok_or(Error::NotFound("case"))?;
        if asked
            .etag
            .as_ref()
            .is_some_and(|etag| *etag != convert::etag(&case))
        {
            return Err(Error::aborted(
                "ETAG_MISMATCH",
                "Le dossier a changé : relisez-le.",
            ));
        }
        let actor = Actor::Person {
            role: acting_role(caller),
            subject: caller.subject.clone(),
        };
        let (case, change) = domain::decide(&case, &asked.command, actor, now).map_err(refused)?;

        let line = Entry {
            change,
            cause: None,
        };

        store::update_case(conn, &case, line.change.triage.as_ref()).await?;
        let history = History::of(&service.log, conn).await?;
        let announcement = announce::change(&case, &line, history);
        store::insert_entries(conn, &[line]).await?;
        audit(conn, entry(json!({ "revision": case.revision }))).await?;
        let view = View::of(&case.visible_to, &parties).ok_or(Error::NotFound("case"))?;
        // Contacts are never kept with the request: they are added to each answer.
        let answer = convert::case(&case, view);
        complete_request(conn, &key, &answer.encode_to_vec()).await?;
        service.log.append(conn, &[announcement]).await?;
        Ok(self.service.with_contacts(answer, &case, view))
    }

    /// Leaves the entry of a command that was refused, in a transaction of its
    /// own: the one of the command is gone.
    async fn record_refusal(&self, error: &Error) -> Result<()> {
        let outcome = match error {
            Error::NotFound(_) => Outcome::NotVisible,
            Error::Unavailable { .. } | Error::Exhausted { .. } | Error::Internal(_) => {
                return Ok(());
            }
            _ => Outcome::Refused,
        };
        let entry = AuditEntry {
            caller: self.caller,
            action: names(&self.asked.command).1,
            object: &self.asked.case_id.to_string(),
            outcome,
            detail: json!({ "reason": error.code() }),
            at: self.now,
        };
        let mut conn = self.service.pool.acquire().await?;
        audit(&mut conn, entry).await
    }
}

/// The name of the RPC, and of the deed in the audit trail.
fn names(command: &Command) -> (&'static str, &'static str) {
    match command {
        Command::Claim => ("ClaimCase", "case.claim"),
        Command::Qualify(_) => ("QualifyCase", "case.qualify"),
        Command::Close { .. } => ("CloseCase", "case.close"),
    }
}

/// Tells one request from another, however it was spelt.
fn hash(asked: &Asked) -> Vec<u8> {
    let command = match &asked.command {
        Command::Claim => json!("claim"),
        Command::Qualify(Scope::In { triage, note }) => {
            json!({ "triage": triage, "note": note.as_ref().map(Text::as_str) })
        }
        Command::Qualify(Scope::Out { note }) => json!({ "out_of_scope": note.as_str() }),
        Command::Close { lessons } => json!({ "close": lessons.as_str() }),
    };
    let asked = json!([asked.case_id, asked.etag, command]).to_string();
    digest::digest(&digest::SHA256, asked.as_bytes())
        .as_ref()
        .to_vec()
}

/// The role in which a caller commands: the policy of the contract has let him
/// through, the table of transitions decides.
fn acting_role(caller: &Caller) -> Role {
    let own = caller.roles.iter().copied();
    own.clone()
        .find(|role| *role == Role::Analyst)
        .or(own.min())
        .unwrap_or(Role::Anyone)
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::WrongState(state) => Error::failed_precondition(
            "WRONG_STATE",
            format!(
                "Le dossier est à l'état « {} », qui ne le permet pas.",
                state.french()
            ),
        ),
        Refusal::WrongRole(role) => Error::permission_denied(
            "ROLE_MISSING",
            format!("Le rôle « {} » ne conduit pas les dossiers.", role.french()),
        ),
        Refusal::Ahead => Error::unavailable(
            "LATER_RELEASE",
            "Une version plus récente a écrit ce dossier : réessayez quand elle sera installée partout.",
        ),
    }
}
