//! `ResolutionService`: incidents are declared resolved.

use futures::FutureExt as _;
use platform::{Error, Result, SealingKey, Violations, now};
use proto::intake::v1::{
    self as pb, DeclareResolvedRequest, DeclareResolvedResponse,
    resolution_service_server::ResolutionService,
};
use serde_json::json;
use service::{
    Call, Commands, Done, Fields, request_hash, resolution_purpose,
    wire::{timestamp, timestamptz},
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;
use vocabulary::Word as _;

use super::{
    How, Resolution,
    decide::{self, Refusal},
    events, store,
};
use crate::delegations;
use crate::reports::{self, CLOCK_DRIFT, Report, ReportName, acting_role};

/// Answers `ResolutionService`.
#[derive(Clone, Debug)]
pub(crate) struct ResolutionRpc {
    /// Runs the declarations.
    pub(crate) commands: Commands,
    /// Opens the keys under which texts are sealed.
    pub(crate) master_key: SealingKey,
}

/// A declaration as it was sent.
struct Declaration {
    report_id: Uuid,
    etag: String,
    resolved_at: OffsetDateTime,
    how: How,
}

#[async_trait]
impl ResolutionService for ResolutionRpc {
    async fn declare_resolved(
        &self,
        request: Request<DeclareResolvedRequest>,
    ) -> Result<Response<DeclareResolvedResponse>, Status> {
        let caller = delegations::acting(&self.commands.pool, &request).await?;
        let at = now();
        let (request_id, sent) = read(request.into_inner(), at)?;
        let how = sent.how.as_str().to_owned();
        let resolved_at = timestamptz(sent.resolved_at);
        let content = json!([sent.report_id, sent.etag, resolved_at, how]);
        let call = Call {
            caller,
            method: "DeclareResolved",
            action: "report.resolve",
            object: ReportName::Id(sent.report_id).subject(),
            request_id,
            hash: request_hash(&self.master_key.mac(content.to_string().as_bytes())),
            at,
        };
        let input = (self.clone(), sent);
        let kept: DeclareResolvedResponse = self
            .commands
            .run(call, input, |conn, call, (rpc, sent)| {
                rpc.declare(conn, call, sent).boxed()
            })
            .await?;
        // The same request has the same text, which is not kept with it.
        let resolution = kept.resolution.map(|kept| pb::Resolution { how, ..kept });
        Ok(Response::new(DeclareResolvedResponse {
            resolution,
            ..kept
        }))
    }
}

impl ResolutionRpc {
    async fn declare(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        sent: &Declaration,
    ) -> Result<Done<DeclareResolvedResponse>> {
        let own = call.caller.parties();
        let report = reports::lock(conn, sent.report_id, &own).await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        let role = acting_role(&report, &own, &call.caller.roles);
        let declared_by = role.ok_or(Refusal::NotYours)?;
        let declared = store::count(conn, report.id).await?;
        let number = decide::declare(&report, declared, sent.resolved_at, &sent.etag)?;
        let key = report.contacts.as_ref().ok_or(Refusal::Erased)?;
        let purpose = resolution_purpose(report.id, number);
        let sealed_how = key.seal(&self.master_key, &purpose, sent.how.as_str().as_bytes());
        let resolution = Resolution {
            number,
            resolved_at: sent.resolved_at,
            declared_at: call.at,
            declared_by,
            sealed_how: sealed_how.map_err(Error::internal)?,
        };
        store::insert(conn, report.id, &resolution).await?;
        let event = events::resolved(&report, &resolution);
        let changed = Report {
            revision: report.revision + 1,
            ..report
        };
        Ok(Done {
            answer: DeclareResolvedResponse {
                resolution: Some(shown(&changed, &resolution)),
                etag: changed.etag(),
            },
            events: vec![event],
            detail: json!({ "number": number }),
        })
    }
}

fn read(request: DeclareResolvedRequest, now: OffsetDateTime) -> Result<(Uuid, Declaration)> {
    let mut violations = Violations::default();
    let mut fields = Fields::new("", &mut violations);
    let request_id = fields.uuid("request_id", &request.request_id);
    let report_id = fields.uuid("report_id", &request.report_id);
    if request.resolved_at.is_none() {
        fields.missing("resolved_at");
    }
    let resolved_at = fields.moment("resolved_at", request.resolved_at.as_ref());
    if resolved_at.is_some_and(|resolved_at| resolved_at > now + CLOCK_DRIFT) {
        fields.refuse(
            "resolved_at",
            "IN_FUTURE",
            "la résolution est dans le futur",
        );
    }
    let how = fields.required_text("how", request.how);
    match (
        request_id,
        report_id,
        resolved_at,
        how,
        violations.is_empty(),
    ) {
        (Some(request_id), Some(report_id), Some(resolved_at), Some(how), true) => Ok((
            request_id,
            Declaration {
                report_id,
                etag: request.etag,
                resolved_at,
                how,
            },
        )),
        _ => Err(violations.into()),
    }
}

/// Shows a declaration without its text.
fn shown(report: &Report, resolution: &Resolution) -> pb::Resolution {
    pb::Resolution {
        report_id: report.id.to_string(),
        number: resolution.number,
        resolved_at: Some(timestamp(resolution.resolved_at)),
        declared_at: Some(timestamp(resolution.declared_at)),
        declared_by: resolution.declared_by.number(),
        how: String::new(),
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotYours => Self::permission_denied(
                "NOT_YOURS_TO_RESOLVE",
                "vous n'êtes pas de ceux qui peuvent déclarer la résolution de ce signalement",
            ),
            Refusal::Withdrawn => {
                Self::failed_precondition("WITHDRAWN", "ce signalement a été retiré")
            }
            Refusal::EtagMismatch => Self::aborted(
                "ETAG_MISMATCH",
                "ce signalement a changé depuis que vous l'avez lu",
            ),
            Refusal::AlreadyResolved => Self::failed_precondition(
                "ALREADY_RESOLVED",
                "la résolution de cet incident a déjà été déclarée",
            ),
            Refusal::BeforeItBegan => Self::invalid(
                "resolved_at",
                "CONFLICT",
                "la résolution est antérieure au début ou au constat de l'incident",
            ),
            Refusal::Erased => Self::failed_precondition(
                "ERASED",
                "les données personnelles de ce signalement sont effacées",
            ),
        }
    }
}
