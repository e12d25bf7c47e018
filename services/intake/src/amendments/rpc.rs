//! `AmendmentService`: reports are amended, and what they said is shown.

use futures::FutureExt as _;
use platform::{Caller, Deadline, Error, Result, Violations, now, read_transaction};
use prost::Message as _;
use proto::intake::v1::{
    self as pb, AmendReportRequest, AmendReportResponse, ListRevisionsRequest,
    ListRevisionsResponse, amendment_service_server::AmendmentService,
};
use serde::Deserialize as _;
use serde_json::json;
use service::{Call, Commands, Done, Page, Parties, View, audit_read, revision_base};
use sqlx::PgConnection;
use tonic::{Request, Response, Status, async_trait};

use super::{
    Revision,
    decide::{self, Wish},
    events, fields,
    request::{self, AmendCommand},
    response, store,
};
use crate::{
    delegations, links,
    reports::{
        self, Author, Context, Facts, MAX_PAGE_BYTES, Report, ReportName, ReportRpc,
        consequences_to_wire, contacts_to_seal, draft_to_wire, open_contacts, read_draft,
        report_name,
    },
    structures::Structure,
};

/// Answers `AmendmentService`.
#[derive(Clone)]
pub(crate) struct AmendmentRpc {
    /// What reports are decided by and shown with.
    pub(crate) reports: ReportRpc,
}

#[async_trait]
impl AmendmentService for AmendmentRpc {
    async fn amend_report(
        &self,
        request: Request<AmendReportRequest>,
    ) -> Result<Response<AmendReportResponse>, Status> {
        let caller = delegations::acting(&self.reports.commands.pool, &request).await?;
        let command = request::amendment(request.into_inner())?;
        let name = ReportName::Id(command.report_id);
        let Commands { pool, .. } = &self.reports.commands;
        let mut conn = pool.acquire().await.map_err(Error::from)?;
        let known = reports::find(&mut conn, &name, &caller.parties()).await?;
        drop(conn);
        // A report keeps its structure: what the directory tells of it is read before.
        let entries = match &known {
            Some(report) => self.reports.directory.entries(&report.facts).await?,
            None => Vec::new(),
        };
        let sealed = known.as_ref().and_then(|report| report.contacts.as_ref());
        let call = Call {
            caller: caller.clone(),
            method: "AmendReport",
            action: "report.amend",
            object: name.subject(),
            request_id: command.request_id,
            hash: command.hash(sealed.map(|sealed| sealed.data_key.as_slice())),
            at: now(),
        };
        let input = (self.clone(), command, entries);
        // A retry reads the report anew: it holds personal data, which rest in one place
        // only, sealed.
        let kept: AmendReportResponse = self
            .reports
            .commands
            .run(call, input, |conn, call, (rpc, command, entries)| {
                rpc.amend(conn, call, command, entries).boxed()
            })
            .await?;
        let mut conn = pool.acquire().await.map_err(Error::from)?;
        let report = reports::find(&mut conn, &name, &caller.parties()).await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        Ok(Response::new(AmendReportResponse {
            report: Some(self.reports.shown(&caller, &report)),
            ..kept
        }))
    }

    async fn list_revisions(
        &self,
        request: Request<ListRevisionsRequest>,
    ) -> Result<Response<ListRevisionsResponse>, Status> {
        let caller = &delegations::acting(&self.reports.commands.pool, &request).await?;
        let asked = request.get_ref();
        let name = report_name(&asked.report_id)?;
        let filter = format!("revisions {name:?}");
        let page = Page::<u64>::read(asked.page_size, &asked.page_token, filter)?;
        let deadline = Deadline::of(&request);
        let mut read = read_transaction(&self.reports.read_pool, deadline).await?;
        let report = reports::find(&mut read, &name, &caller.parties()).await?;
        let mut found = match &report {
            Some(report) => store::page(&mut read, report.id, page.after, page.limit()).await?,
            None => Vec::new(),
        };
        drop(read);
        let Commands { pool, .. } = &self.reports.commands;
        let mut conn = pool.acquire().await.map_err(Error::from)?;
        let object = report
            .as_ref()
            .map_or_else(|| name.subject(), Report::subject);
        audit_read(
            &mut conn,
            caller,
            "report.revisions",
            &object,
            report.is_some(),
        )
        .await?;
        drop(conn);
        let report = report.ok_or(Error::NotFound("report"))?;
        let revisions = self.shown(caller, &report, &found);
        let next_page_token = page.cut_to(revisions.len(), &mut found, |(it, _)| it.number);
        let shown = revisions.into_iter().take(found.len());
        Ok(Response::new(ListRevisionsResponse {
            revisions: shown.collect(),
            next_page_token,
        }))
    }
}

impl AmendmentRpc {
    async fn amend(
        &self,
        conn: &mut PgConnection,
        call: &Call,
        command: &AmendCommand,
        entries: &[Structure],
    ) -> Result<Done<AmendReportResponse>> {
        let own = call.caller.parties();
        let report = reports::lock(conn, command.report_id, &own).await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        let role = decide::admit(
            &report,
            &Wish {
                own: &own,
                roles: &call.caller.roles,
                etag: &command.etag,
                stage: command.stage,
            },
        )?;
        let master_key = &self.reports.master_key;
        let sealed = report.contacts.as_ref();
        let sealed = sealed.ok_or_else(|| Error::internal("contacts were erased meanwhile"))?;
        let contacts = open_contacts(master_key, report.id, sealed)
            .ok_or_else(|| Error::internal("the contacts of a report do not open"))?;
        let said = draft_to_wire(&report.facts, Some(&contacts));
        let draft = command.apply(&said, call.at)?;

        let as_read = read_draft(Some(said.clone()), call.at, &mut Violations::default());
        let as_read = as_read.as_ref().map_or(&report.facts, |it| &it.facts);
        let stored = store::facts(conn, report.id).await?;
        let at_rest = decide::at_rest(stored, as_read, &draft.facts);
        let facts = Facts::deserialize(&at_rest).map_err(Error::internal)?;
        let context = Context {
            author: &Author::from(&call.caller),
            entries,
            settings: &self.reports.settings,
            now: call.at,
        };
        let decision = decide::decide(&report, &facts, role, &context)?;
        let answer = AmendReportResponse {
            report: None,
            consequences: Some(consequences_to_wire(&decision.consequences)),
        };
        let told = fields::changes(&said, &draft_to_wire(&facts, Some(&draft.contacts)));
        if told.is_empty() && command.stage == report.stage() {
            // The report says all of it: whoever sends what stands need not compare first.
            return Ok(Done {
                answer,
                events: Vec::new(),
                detail: json!({ "revision": report.declared_revision(), "changed": [] }),
            });
        }
        let last = report.amendment.as_ref();
        let revision = Revision {
            number: report.declared_revision() + 1,
            stage: command.stage,
            author: call.caller.subject.clone(),
            role,
            // What waited its turn may have come before what it waited for.
            at: call.at.max(last.map_or(report.received_at, |it| it.at)),
            changed_paths: told.into_iter().map(|change| change.path).collect(),
            decision: None,
        };
        let detail = json!({
            "revision": revision.number,
            "stage": revision.stage,
            "changed": revision.changed_paths,
        });
        let sealed = if draft.contacts == contacts {
            sealed.clone()
        } else {
            sealed
                .with_contacts(master_key, report.id, &contacts_to_seal(&draft.contacts))
                .map_err(Error::internal)?
        };
        let amended = decide::amended(&report, facts, sealed, decision, revision);
        store::amend(conn, &report, &amended, &at_rest).await?;
        let base = revision_base(&self.reports.commands.log, conn).await?;
        Ok(Done {
            answer,
            events: vec![events::announced(&amended, base)],
            detail,
        })
    }

    /// Why a revision was decided; nothing where nobody decided it, and once erased.
    fn reason(&self, report: &Report, revision: &Revision) -> Option<String> {
        let sealed = revision.decision.as_ref()?.sealed_reason.as_ref()?;
        let purpose = links::purpose(report.id, revision.number);
        let key = report.contacts.as_ref()?;
        key.open_text(&self.reports.master_key, &purpose, sealed, report.id)
    }

    /// The revisions of a page as this caller may see them, fewer where they are too large.
    /// What a page reads beyond its end is what its last revision changed.
    fn shown(
        &self,
        caller: &Caller,
        report: &Report,
        found: &[(Revision, Report)],
    ) -> Vec<pb::Revision> {
        let parties = report.visible_to.iter().map(ToString::to_string);
        let view = View::of(&parties.collect::<Parties>(), caller).unwrap_or_default();
        let drafts: Vec<pb::ReportDraft> = found
            .iter()
            .map(|(_, at)| {
                let sealed = at.contacts.as_ref().filter(|_| view.contacts);
                let key = &self.reports.master_key;
                let contacts = sealed.and_then(|sealed| open_contacts(key, report.id, sealed));
                draft_to_wire(&at.facts, contacts.as_ref())
            })
            .collect();
        let mut bytes = 0;
        let revisions = found.iter().zip(&drafts).enumerate();
        revisions
            .map(|(index, ((revision, _), draft))| {
                let reason = view.contacts.then(|| self.reason(report, revision));
                pb::Revision {
                    reason: reason.flatten().unwrap_or_default(),
                    ..response::revision(revision, view, drafts.get(index + 1), draft)
                }
            })
            .enumerate()
            .take_while(|(index, revision)| {
                bytes += revision.encoded_len();
                *index == 0 || bytes <= MAX_PAGE_BYTES
            })
            .map(|(_, revision)| revision)
            .collect()
    }
}
