//! `LinkService`: links are confirmed and rejected, and reports attached to their structure.

use futures::FutureExt as _;
use platform::{Caller, Error, Result, Violations, now};
use proto::intake::v1::{
    self as pb, AttachReportToStructureRequest, AttachReportToStructureResponse,
    ConfirmLinkRequest, ConfirmLinkResponse, RejectLinkRequest, RejectLinkResponse,
    link_service_server::LinkService,
};
use serde::Deserialize as _;
use serde_json::json;
use service::{Call, Done, Fields, audit_read, request_hash, revision_base};
use sqlx::PgConnection;
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;
use vocabulary::{Department, Finess};

use super::{LinkDecision, LinkDecisionKind, Reason, decide, events, purpose, response, store};
use crate::{
    amendments::{self, Revision},
    reports::{
        self, Author, Consequences, Context, Decision, Facts, Report, ReportName, ReportRpc,
        StructureIdentifier, consequences_to_wire,
    },
    structures::{self, Structure},
};

/// Answers `LinkService`.
#[derive(Clone)]
pub(crate) struct LinkRpc {
    /// What reports are decided by and shown with.
    pub(crate) reports: ReportRpc,
}

/// What somebody decides of the structure of a report.
#[derive(Clone, Debug)]
struct LinkCommand {
    request_id: Uuid,
    report_id: Uuid,
    /// The state that was seen; empty for any.
    etag: String,
    kind: LinkDecisionKind,
    reason: Option<Reason>,
    /// To which the report is attached.
    site: Option<Structure>,
    /// What the directory tells of the structure that it is about.
    entries: Vec<Structure>,
    /// The structure for which that was read; nothing where it is that of the site.
    read_for: Option<Named>,
}

/// How a report names its structure.
type Named = (StructureIdentifier, Option<Department>);

#[async_trait]
impl LinkService for LinkRpc {
    async fn confirm_link(
        &self,
        request: Request<ConfirmLinkRequest>,
    ) -> Result<Response<ConfirmLinkResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let sent = request.into_inner();
        let mut violations = Violations::default();
        let read = read(&mut violations, &sent.request_id, &sent.report_id);
        let command = match read {
            Some((request_id, report_id)) => {
                let (read_for, entries) = self.entries(&caller, report_id).await?;
                LinkCommand {
                    request_id,
                    report_id,
                    etag: sent.etag,
                    kind: LinkDecisionKind::Confirmed,
                    reason: None,
                    site: None,
                    entries,
                    read_for,
                }
            }
            None => return Err(Error::from(violations).into()),
        };
        let done = self.run("ConfirmLink", "link.confirm", caller, command);
        let AttachReportToStructureResponse {
            report,
            consequences,
            ..
        } = done.await?;
        Ok(Response::new(ConfirmLinkResponse {
            report,
            consequences,
        }))
    }

    async fn reject_link(
        &self,
        request: Request<RejectLinkRequest>,
    ) -> Result<Response<RejectLinkResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let sent = request.into_inner();
        let mut violations = Violations::default();
        let read = read(&mut violations, &sent.request_id, &sent.report_id);
        let reason = Fields::new("", &mut violations).required_text("reason", sent.reason);
        let command = match (read, reason) {
            (Some((request_id, report_id)), Some(reason)) => {
                let (read_for, entries) = self.entries(&caller, report_id).await?;
                LinkCommand {
                    request_id,
                    report_id,
                    etag: sent.etag,
                    kind: LinkDecisionKind::Rejected,
                    reason: Some(reason),
                    site: None,
                    entries,
                    read_for,
                }
            }
            _ => return Err(Error::from(violations).into()),
        };
        let done = self.run("RejectLink", "link.reject", caller, command);
        let AttachReportToStructureResponse {
            report,
            consequences,
            ..
        } = done.await?;
        Ok(Response::new(RejectLinkResponse {
            report,
            consequences,
        }))
    }

    async fn attach_report_to_structure(
        &self,
        request: Request<AttachReportToStructureRequest>,
    ) -> Result<Response<AttachReportToStructureResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let sent = request.into_inner();
        let mut violations = Violations::default();
        let read = read(&mut violations, &sent.request_id, &sent.report_id);
        let mut fields = Fields::new("", &mut violations);
        let finess = fields.required_identifier::<Finess>("finess", &sent.finess);
        let reason = fields.required_text("reason", sent.reason);
        let (Some((request_id, report_id)), Some(finess), Some(reason)) = (read, finess, reason)
        else {
            return Err(Error::from(violations).into());
        };
        let site = self.site(finess).await?;
        let command = LinkCommand {
            request_id,
            report_id,
            etag: sent.etag,
            kind: LinkDecisionKind::Attached,
            reason: Some(reason),
            entries: vec![site.clone()],
            site: Some(site),
            read_for: None,
        };
        let answer = if sent.validate_only {
            self.preview(&caller, &command).await?
        } else {
            let method = "AttachReportToStructure";
            self.run(method, "report.attach", caller, command).await?
        };
        Ok(Response::new(answer))
    }
}

impl LinkRpc {
    async fn site(&self, finess: Finess) -> Result<Structure> {
        let mut conn = self.reports.commands.pool.acquire().await?;
        structures::site_named(&mut conn, finess).await
    }

    /// How a report that the caller sees names its structure, and what the directory tells of it.
    async fn entries(
        &self,
        caller: &Caller,
        report_id: Uuid,
    ) -> Result<(Option<Named>, Vec<Structure>)> {
        let mut conn = self.reports.commands.pool.acquire().await?;
        let name = ReportName::Id(report_id);
        let known = reports::find(&mut conn, &name, &caller.parties()).await?;
        drop(conn);
        let Some(report) = known else {
            return Ok((None, Vec::new()));
        };
        let entries = self.reports.directory.entries(&report.facts).await?;
        Ok((Some(named(&report.facts)), entries))
    }

    /// Makes a decision. A retry reads the report anew: it holds personal data, which rest in
    /// one place only, sealed.
    async fn run(
        &self,
        method: &'static str,
        action: &'static str,
        caller: Caller,
        command: LinkCommand,
    ) -> Result<AttachReportToStructureResponse> {
        let name = ReportName::Id(command.report_id);
        let reason = command.reason.as_ref().map(Reason::as_str);
        let site = command.site.as_ref().map(|site| site.finess);
        let content = json!([command.report_id, command.etag, reason, site]);
        let key = &self.reports.master_key;
        let call = Call {
            caller: caller.clone(),
            method,
            action,
            object: name.subject(),
            request_id: command.request_id,
            hash: request_hash(&key.mac(content.to_string().as_bytes())),
            at: now(),
        };
        let input = (self.clone(), command);
        let commands = &self.reports.commands;
        let kept: AttachReportToStructureResponse = commands
            .run(call, input, |conn, call, (rpc, command)| {
                rpc.decide(conn, call, command).boxed()
            })
            .await?;
        let mut conn = commands.pool.acquire().await?;
        let report = reports::find(&mut conn, &name, &caller.parties()).await?;
        Ok(AttachReportToStructureResponse {
            report: report.map(|report| self.reports.shown(&caller, &report)),
            ..kept
        })
    }

    async fn decide(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        command: &LinkCommand,
    ) -> Result<Done<AttachReportToStructureResponse>> {
        let own = call.caller.parties();
        let kind = command.kind;
        let report = reports::lock(conn, command.report_id, &own).await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        let site = command.site.as_ref();
        let role = decide::admit(&report, &own, &call.caller.roles, &command.etag, site)?;
        if site.is_none() && command.read_for != Some(named(&report.facts)) {
            return Err(Error::aborted(
                "CONCURRENT_CHANGE",
                "la structure de ce signalement vient de changer ; réessayez",
            ));
        }
        let (after, _) = self.settled(&report, &call.caller, site, &command.entries, kind)?;
        let told_of = self.consequences(&report, &call.caller, command)?;
        if decide::is_settled(&report, kind, &after.facts) {
            return Ok(Done {
                answer: answer(&report, &report, &told_of, &own),
                events: Vec::new(),
                detail: json!({ "revision": report.declared_revision(), "decision": null }),
            });
        }
        let number = report.declared_revision() + 1;
        let reason = command.reason.as_ref().map(|reason| {
            let key = report.contacts.as_ref();
            let key = key.ok_or_else(|| Error::internal("contacts were erased meanwhile"))?;
            let text = reason.as_str().as_bytes();
            key.seal(&self.reports.master_key, &purpose(report.id, number), text)
                .map_err(Error::internal)
        });
        let link_decision = LinkDecision {
            kind,
            no_longer_visible_to: decide::losing(&report, &after),
            sealed_reason: reason.transpose()?,
        };
        let last = report.amendment.as_ref();
        let revision = Revision {
            number,
            stage: report.stage(),
            author: call.caller.subject.clone(),
            role,
            // What waited its turn may have come before what it waited for.
            at: call.at.max(last.map_or(report.received_at, |it| it.at)),
            changed_paths: amendments::changed_paths(&report.facts, &after.facts),
            decision: Some(link_decision.clone()),
        };
        let after = Report {
            revision: report.revision + 1,
            amendment: Some(revision.clone()),
            ..after
        };
        let stored = amendments::facts(conn, report.id).await?;
        let at_rest = amendments::at_rest(stored, &report.facts, &after.facts);
        // What does not read again is not stored.
        Facts::deserialize(&at_rest).map_err(Error::internal)?;
        amendments::amend(conn, &report, &after, &at_rest).await?;
        store::insert(conn, &after, &link_decision).await?;
        let base = revision_base(&self.reports.commands.log, conn).await?;
        let mut told = vec![events::decided(&after, &revision, &link_decision, base)];
        told.extend(events::activity(&after, &revision, kind));
        let answer = answer(&report, &after, &told_of, &own);
        let detail = json!({
            "revision": number,
            "decision": kind.as_str(),
            "no_longer_visible_to": answer.no_longer_visible_to,
        });
        Ok(Done {
            answer,
            events: told,
            detail,
        })
    }

    /// Tells what would come of a decision.
    async fn preview(
        &self,
        caller: &Caller,
        command: &LinkCommand,
    ) -> Result<AttachReportToStructureResponse> {
        let name = ReportName::Id(command.report_id);
        let own = caller.parties();
        let mut transaction = self.reports.commands.pool.begin().await?;
        let found = reports::find(&mut transaction, &name, &own).await?;
        let (action, object) = ("report.attach_preview", name.subject());
        audit_read(&mut transaction, caller, action, &object, found.is_some()).await?;
        transaction.commit().await?;
        let report = found.ok_or(Error::NotFound("report"))?;
        let LinkCommand { site, entries, .. } = command;
        let site = site.as_ref();
        decide::admit(&report, &own, &caller.roles, &command.etag, site)?;
        let (after, _) = self.settled(&report, caller, site, entries, command.kind)?;
        let told_of = self.consequences(&report, caller, command)?;
        Ok(answer(&report, &after, &told_of, &own))
    }

    /// What a decision sets off as far as the caller may know it: by the duties that it sets off
    /// the critical-operator status of a site would be learnt (arrêté of 17 April 2023).
    fn consequences(
        &self,
        report: &Report,
        caller: &Caller,
        command: &LinkCommand,
    ) -> Result<Consequences> {
        let known = |site: &Structure| structures::known_to(caller, site);
        let entries: Vec<Structure> = command.entries.iter().map(known).collect();
        let site = command.site.as_ref().map(known);
        let settled = self.settled(report, caller, site.as_ref(), &entries, command.kind);
        let (_, decision) = settled?;
        Ok(decision.consequences)
    }

    /// The report after a decision, and what it sets off.
    fn settled(
        &self,
        report: &Report,
        caller: &Caller,
        site: Option<&Structure>,
        entries: &[Structure],
        kind: LinkDecisionKind,
    ) -> Result<(Report, Decision)> {
        let context = Context {
            author: &Author::from(caller),
            entries,
            settings: &self.reports.settings,
            now: now(),
        };
        Ok(decide::decided(report, kind, site, &context)?)
    }
}

fn named(facts: &Facts) -> Named {
    (facts.structure.clone(), facts.department)
}

fn read(violations: &mut Violations, request_id: &str, report_id: &str) -> Option<(Uuid, Uuid)> {
    let mut fields = Fields::new("", violations);
    let request_id = fields.uuid("request_id", request_id);
    let report_id = fields.uuid("report_id", report_id);
    request_id.zip(report_id)
}

/// What is answered without the report itself.
fn answer(
    before: &Report,
    after: &Report,
    consequences: &Consequences,
    own: &[String],
) -> AttachReportToStructureResponse {
    pb::AttachReportToStructureResponse {
        report: None,
        consequences: Some(consequences_to_wire(consequences)),
        no_longer_visible_to: response::offices(&decide::losing(before, after)),
        leaves_your_sight: after.seen_by(own).next().is_none(),
    }
}
