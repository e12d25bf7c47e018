//! `DelegationService`: delegations are granted, ended and listed; and who acts by them.

use futures::FutureExt as _;
use platform::{
    AuditEntry, Caller, Deadline, Error, Outcome, Result, SealingKey, Violations, audit, now,
    read_transaction,
};
use proto::intake::v1::{
    self as pb, EndDelegationRequest, EndDelegationResponse, GrantDelegationRequest,
    GrantDelegationResponse, ListDelegationsRequest, ListDelegationsResponse,
    delegation_service_server::DelegationService,
};
use serde_json::json;
use service::{
    Call, Commands, Done, Fields, Page, Sealed, audit_list, request_hash,
    wire::{timestamp, timestamptz},
};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;
use vocabulary::{Finess, Role, Word as _, derived_id};

use super::{
    Delegate, DelegateName, DelegateSubject, Delegation,
    decide::{self, MOST, Refusal},
    purpose,
    store::{self, Position, Whose},
    subject,
};
use crate::{
    reports::{Author, Facts},
    structures::{self, Structure},
};

/// Answers `DelegationService`.
#[derive(Clone, Debug)]
pub(crate) struct DelegationRpc {
    /// Runs the commands.
    pub(crate) commands: Commands,
    /// Serves the lists.
    pub(crate) read_pool: PgPool,
    /// Wraps the keys under which names are sealed.
    pub(crate) master_key: SealingKey,
}

/// A delegation as somebody asks for it.
struct Grant {
    site: Structure,
    delegate: DelegateSubject,
    name: DelegateName,
    from: Option<OffsetDateTime>,
    until: OffsetDateTime,
}

/// The caller of a request, as one of the declarants of the structures that delegate to him now.
pub(crate) async fn acting<T>(pool: &PgPool, request: &Request<T>) -> Result<Caller> {
    let caller = Caller::of(request)?.clone();
    with_delegations(pool, caller, now()).await
}

/// Who declares, for a structure that may delegate to him. Nothing is looked up for whom his
/// token links to it by the number that he gives: hardly any declaration waits for it.
pub(crate) async fn author(
    pool: &PgPool,
    caller: &Caller,
    facts: &Facts,
    now: OffsetDateTime,
) -> Result<Author> {
    if caller.structures.contains(&facts.structure.key()) {
        return Ok(Author::from(caller));
    }
    let acting = with_delegations(pool, caller.clone(), now).await?;
    Ok(Author::from(&acting))
}

async fn with_delegations(
    pool: &PgPool,
    mut caller: Caller,
    now: OffsetDateTime,
) -> Result<Caller> {
    if caller.has(Role::Declarant) {
        let mut conn = pool.acquire().await?;
        let sites = store::delegated_to(&mut conn, &caller.subject, now).await?;
        caller.structures.extend(sites);
    }
    Ok(caller)
}

#[async_trait]
impl DelegationService for DelegationRpc {
    async fn grant_delegation(
        &self,
        request: Request<GrantDelegationRequest>,
    ) -> Result<Response<GrantDelegationResponse>, Status> {
        // By his own token alone: a delegate does not delegate.
        let caller = Caller::of(&request)?.clone();
        let (request_id, grant) = self.read_grant(request.into_inner()).await?;
        let name = grant.name.as_str().to_owned();
        let content = json!([
            grant.site.finess,
            grant.delegate.as_str(),
            name,
            grant.from.map(timestamptz),
            timestamptz(grant.until),
        ]);
        let id = derived_id(
            "delegation",
            &[caller.subject.as_bytes(), request_id.as_bytes()],
        );
        let call = Call {
            caller,
            method: "GrantDelegation",
            action: "delegation.grant",
            object: subject(id),
            request_id,
            hash: request_hash(&self.master_key.mac(content.to_string().as_bytes())),
            at: now(),
        };
        let input = (self.clone(), id, grant);
        let kept: pb::Delegation = self
            .commands
            .run(call, input, |conn, call, (rpc, id, grant)| {
                rpc.grant(conn, call, *id, grant).boxed()
            })
            .await?;
        // The same request has the same name, which is not kept with it.
        let delegation = pb::Delegation {
            delegate_name: name,
            ..kept
        };
        Ok(Response::new(GrantDelegationResponse {
            delegation: Some(delegation),
        }))
    }

    async fn end_delegation(
        &self,
        request: Request<EndDelegationRequest>,
    ) -> Result<Response<EndDelegationResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let sent = request.get_ref();
        let mut violations = Violations::default();
        let mut fields = Fields::new("", &mut violations);
        let request_id = fields.uuid("request_id", &sent.request_id);
        let id = fields.uuid("delegation_id", &sent.delegation_id);
        let (Some(request_id), Some(id)) = (request_id, id) else {
            return Err(Error::from(violations).into());
        };
        let call = Call {
            caller,
            method: "EndDelegation",
            action: "delegation.end",
            object: subject(id),
            request_id,
            hash: request_hash(id.as_bytes()),
            at: now(),
        };
        let kept: pb::Delegation = self
            .commands
            .run(call, id, |conn, call, id| end(conn, call, *id).boxed())
            .await?;
        // The name rests in one place only, sealed.
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        let ended = store::lock(&mut conn, id).await?;
        let delegate_name = ended.and_then(|it| self.name(&it)).unwrap_or_default();
        Ok(Response::new(EndDelegationResponse {
            delegation: Some(pb::Delegation {
                delegate_name,
                ..kept
            }),
        }))
    }

    async fn list_delegations(
        &self,
        request: Request<ListDelegationsRequest>,
    ) -> Result<Response<ListDelegationsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let sent = request.get_ref();
        let mut violations = Violations::default();
        let mut fields = Fields::new("", &mut violations);
        let finess = fields.identifier::<Finess>("finess", &sent.finess);
        if !violations.is_empty() {
            return Err(Error::from(violations).into());
        }
        let site = match finess {
            Some(finess) => Some(self.site(finess).await?),
            None => None,
        };
        let whose = match &site {
            Some(site) => {
                if decide::granting_role(site, &Author::from(caller)).is_none() {
                    self.audit_refused_list(caller, site.finess).await?;
                    return Err(Error::from(Refusal::NotYours).into());
                }
                Whose::Site(site.finess)
            }
            None => Whose::Delegate(&caller.subject),
        };
        let filter = format!("delegations {whose:?}");
        let page = Page::<Position>::read(sent.page_size, &sent.page_token, filter)?;
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let mut found = store::page(&mut read, whose, page.after, page.limit()).await?;
        drop(read);
        let next_page_token = page.cut(&mut found, Position::of);
        let detail = json!({ "finess": finess, "delegations": found.len() });
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_list(&mut conn, caller, "delegation.list", "delegation", detail).await?;
        let now = now();
        let delegations = found.iter().map(|delegation| pb::Delegation {
            delegate_name: self.name(delegation).unwrap_or_default(),
            ..shown(delegation, now)
        });
        Ok(Response::new(ListDelegationsResponse {
            delegations: delegations.collect(),
            next_page_token,
        }))
    }
}

impl DelegationRpc {
    async fn read_grant(&self, sent: GrantDelegationRequest) -> Result<(Uuid, Grant)> {
        let mut violations = Violations::default();
        let mut fields = Fields::new("", &mut violations);
        let request_id = fields.uuid("request_id", &sent.request_id);
        let finess = fields.required_identifier::<Finess>("finess", &sent.finess);
        let delegate = fields.required_text("delegate", sent.delegate);
        let name = fields.required_text("delegate_name", sent.delegate_name);
        let from = fields.moment("valid_from", sent.valid_from.as_ref());
        if sent.valid_until.is_none() {
            fields.missing("valid_until");
        }
        let until = fields.moment("valid_until", sent.valid_until.as_ref());
        let is_sound = violations.is_empty();
        match (request_id, finess, delegate, name, until) {
            (Some(request_id), Some(finess), Some(delegate), Some(name), Some(until))
                if is_sound =>
            {
                let grant = Grant {
                    site: self.site(finess).await?,
                    delegate,
                    name,
                    from,
                    until,
                };
                Ok((request_id, grant))
            }
            _ => Err(violations.into()),
        }
    }

    /// Who asks for what is not his to see leaves an entry too.
    async fn audit_refused_list(&self, caller: &Caller, finess: Finess) -> Result<()> {
        let mut conn = self.commands.pool.acquire().await?;
        let entry = AuditEntry {
            caller,
            action: "delegation.list",
            object: "delegation",
            outcome: Outcome::Refused,
            detail: json!({ "finess": finess }),
            at: now(),
        };
        audit(&mut conn, entry).await
    }

    async fn site(&self, finess: Finess) -> Result<Structure> {
        let mut conn = self.commands.pool.acquire().await?;
        structures::site_named(&mut conn, finess).await
    }

    async fn grant(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        id: Uuid,
        grant: &Grant,
    ) -> Result<Done<pb::Delegation>> {
        let caller = Author::from(&call.caller);
        let role = decide::granting_role(&grant.site, &caller).ok_or(Refusal::NotYours)?;
        let delegate = grant.delegate.as_str();
        if delegate == caller.subject {
            return Err(Refusal::ToOneself.into());
        }
        let (from, until) = decide::span(grant.from, grant.until, call.at)?;
        let finess = grant.site.finess;
        if store::lock_and_count(conn, finess, call.at).await? >= MOST {
            return Err(Refusal::TooMany.into());
        }
        let name = grant.name.as_str().as_bytes();
        let delegation = Delegation {
            id,
            finess,
            delegate: Some(Delegate {
                subject: delegate.to_owned(),
                name: Sealed::new(&self.master_key, &purpose(id), name),
            }),
            from,
            until,
            granted_at: call.at,
            granted_by: caller.subject.clone(),
            granted_as: role,
            ended_at: None,
        };
        store::insert(conn, &delegation).await?;
        Ok(Done {
            answer: shown(&delegation, call.at),
            events: Vec::new(),
            detail: json!({
                "finess": finess,
                "delegate": delegate,
                "from": timestamptz(from),
                "until": timestamptz(until),
            }),
        })
    }

    /// The name of a delegate; one that does not open must not hide the others.
    fn name(&self, delegation: &Delegation) -> Option<String> {
        let sealed = &delegation.delegate.as_ref()?.name;
        let purpose = purpose(delegation.id);
        sealed.open_text(&self.master_key, &purpose, &sealed.sealed, delegation.id)
    }
}

/// Ends a delegation: for those who may grant it, and for the delegate.
async fn end(conn: &mut PgConnection, call: &Call, id: Uuid) -> Result<Done<pb::Delegation>> {
    let found = store::lock(conn, id).await?;
    let delegation = found.ok_or(Error::NotFound("delegation"))?;
    let caller = Author::from(&call.caller);
    let finess = delegation.finess;
    let site = structures::sites(conn, &[finess]).await?.remove(&finess);
    let grants = site.is_some_and(|site| decide::granting_role(&site, &caller).is_some());
    let is_delegate = delegation.is_of(&caller.subject) && caller.roles.contains(&Role::Declarant);
    if !grants && !is_delegate {
        return Err(Error::NotFound("delegation"));
    }
    let ended = decide::end(delegation, call.at)?;
    store::end(conn, &ended, &caller.subject).await?;
    Ok(Done {
        answer: shown(&ended, call.at),
        events: Vec::new(),
        detail: json!({ "finess": finess, "delegate": ended.delegate.map(|it| it.subject) }),
    })
}

/// A delegation without the name of the delegate.
fn shown(delegation: &Delegation, now: OffsetDateTime) -> pb::Delegation {
    let delegate = delegation.delegate.as_ref();
    pb::Delegation {
        delegation_id: delegation.id.to_string(),
        finess: delegation.finess.to_string(),
        delegate: delegate.map(|it| it.subject.clone()).unwrap_or_default(),
        delegate_name: String::new(),
        valid_from: Some(timestamp(delegation.from)),
        valid_until: Some(timestamp(delegation.until)),
        granted_at: Some(timestamp(delegation.granted_at)),
        granted_as: delegation.granted_as.number(),
        ended_at: delegation.ended_at.map(timestamp),
        running: decide::runs(delegation, now),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotYours => Self::permission_denied(
                "NOT_YOURS_TO_DELEGATE",
                "seuls la direction de la structure et l'ARS de sa région délèguent pour elle",
            ),
            Refusal::InPast => Self::invalid("valid_from", "CONFLICT", "ce début est passé"),
            Refusal::EndsTooSoon => Self::invalid(
                "valid_until",
                "CONFLICT",
                "cette fin est passée, ou précède le début",
            ),
            Refusal::TooLong => Self::invalid(
                "valid_until",
                "TOO_LONG",
                "une délégation dure au plus un an",
            ),
            Refusal::ToOneself => {
                Self::invalid("delegate", "CONFLICT", "nul ne délègue à soi-même")
            }
            Refusal::TooMany => Self::failed_precondition(
                "TOO_MANY_DELEGATIONS",
                "cette structure a déjà 50 délégations : mettez fin à l'une d'elles",
            ),
            Refusal::Ended => {
                Self::failed_precondition("DELEGATION_ENDED", "cette délégation a pris fin")
            }
        }
    }
}
