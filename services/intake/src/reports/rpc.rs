//! `IntakeService`: reports are checked, submitted, shown, listed and withdrawn.

use std::sync::Arc;

use futures::FutureExt as _;
use platform::{
    AuditEntry, Caller, Deadline, Error, Outcome, Result, SealingKey, audit, now, read_transaction,
};
use prost::Message as _;
use proto::intake::v1::{
    self as pb, CheckReportRequest, CheckReportResponse, GetReportRequest, GetReportResponse,
    ListReportsRequest, ListReportsResponse, SubmitReportRequest, SubmitReportResponse,
    SubmitReportsRequest, WithdrawReportRequest, WithdrawReportResponse,
    intake_service_server::IntakeService,
};
use serde_json::json;
use service::{Call, Commands, Done, Sealed, audit_list, audit_read};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tonic::{Request, Response, Status, Streaming, async_trait};
use uuid::Uuid;
use vocabulary::{Party, ReferenceCipher, derived_after, derived_id};

use super::{
    EnteredBy, OnBehalf, Queue, ReferenceNumbers, Report, Settings, Withdrawal, bulk, contacts,
    decide::{Context, Decision, Refusal, decide, may_withdraw},
    events,
    facts::{Draft, Facts},
    list::{Position, ReportName},
    request::{self, Submission, WithdrawCommand, report_name},
    response,
    store::{self, NewReport, Receipt},
    warnings::warnings,
};
use crate::{
    amendments::as_submitted,
    delegations,
    structures::{self, Directory},
};

/// The most bytes that a page holds, but for a report that is larger alone: clients
/// take 4 MiB.
pub(crate) const MAX_PAGE_BYTES: usize = 2 << 20;

/// Answers `IntakeService`.
#[derive(Clone)]
pub(crate) struct ReportRpc {
    /// Runs withdrawals.
    pub(crate) commands: Commands,
    /// Serves lists, apart from writes.
    pub(crate) read_pool: PgPool,
    pub(crate) queue: Arc<Queue>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) numbers: Arc<ReferenceNumbers>,
    pub(crate) references: Arc<ReferenceCipher>,
    /// Wraps the keys under which contacts are sealed.
    pub(crate) master_key: SealingKey,
    pub(crate) settings: Arc<Settings>,
}

#[async_trait]
impl IntakeService for ReportRpc {
    async fn check_report(
        &self,
        request: Request<CheckReportRequest>,
    ) -> Result<Response<CheckReportResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let now = now();
        let answer = match request::check(request.into_inner(), now) {
            Err(violations) => CheckReportResponse {
                violations: violations.iter().map(response::violation).collect(),
                ..CheckReportResponse::default()
            },
            Ok((draft, declared_at, on_behalf)) => {
                let facts = &draft.facts;
                let decided = self.decide(&caller, facts, declared_at, on_behalf.as_ref(), now);
                match decided.await? {
                    Err(refusal) => CheckReportResponse {
                        violations: vec![response::refused(refusal)],
                        ..CheckReportResponse::default()
                    },
                    Ok(decision) => {
                        let candidates = decision.found.shown_candidates();
                        let warnings = warnings(&draft, &decision, now);
                        CheckReportResponse {
                            violations: Vec::new(),
                            warnings: warnings.iter().map(response::warning).collect(),
                            consequences: Some(response::consequences(&decision.consequences)),
                            candidates: candidates
                                .map(|site| structures::shown(&caller, site))
                                .collect(),
                        }
                    }
                }
            }
        };
        Ok(Response::new(answer))
    }

    async fn submit_report(
        &self,
        request: Request<SubmitReportRequest>,
    ) -> Result<Response<SubmitReportResponse>, Status> {
        let caller = Arc::new(Caller::of(&request)?.clone());
        let receipt = self.submit(&caller, request.into_inner()).await?;
        Ok(Response::new(SubmitReportResponse {
            receipt: Some(receipt),
        }))
    }

    type SubmitReportsStream = bulk::Results;

    async fn submit_reports(
        &self,
        request: Request<Streaming<SubmitReportsRequest>>,
    ) -> Result<Response<Self::SubmitReportsStream>, Status> {
        let caller = Caller::of(&request)?.clone();
        let results = bulk::submit_all(self.clone(), caller, request.into_inner());
        Ok(Response::new(results))
    }

    async fn withdraw_report(
        &self,
        request: Request<WithdrawReportRequest>,
    ) -> Result<Response<WithdrawReportResponse>, Status> {
        let caller = delegations::acting(&self.commands.pool, &request).await?;
        let command = request::withdrawal(request.into_inner())?;
        let name = ReportName::Id(command.report_id);
        let call = Call {
            caller: caller.clone(),
            method: "WithdrawReport",
            action: "report.withdraw",
            object: name.subject(),
            request_id: command.request_id,
            hash: command.hash.clone(),
            at: now(),
        };
        // A retry reads the answer anew: it holds personal data, which rest in one place
        // only, sealed.
        let () = self
            .commands
            .run(call, command, |conn, call, command| {
                withdraw(conn, call, command).boxed()
            })
            .await?;
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        let report = store::find(&mut conn, &name, &caller.parties()).await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        Ok(Response::new(WithdrawReportResponse {
            report: Some(self.shown(&caller, &report)),
        }))
    }

    async fn get_report(
        &self,
        request: Request<GetReportRequest>,
    ) -> Result<Response<GetReportResponse>, Status> {
        let caller = &delegations::acting(&self.commands.pool, &request).await?;
        let name = report_name(&request.get_ref().report_id)?;
        let mut transaction = self.commands.pool.begin().await.map_err(Error::from)?;
        let found = store::find(&mut transaction, &name, &caller.parties()).await?;
        let object = found
            .as_ref()
            .map_or_else(|| name.subject(), Report::subject);
        audit_read(
            &mut transaction,
            caller,
            "report.get",
            &object,
            found.is_some(),
        )
        .await?;
        transaction.commit().await.map_err(Error::from)?;
        let report = found.ok_or(Error::NotFound("report"))?;
        Ok(Response::new(GetReportResponse {
            report: Some(self.shown(caller, &report)),
        }))
    }

    async fn list_reports(
        &self,
        request: Request<ListReportsRequest>,
    ) -> Result<Response<ListReportsResponse>, Status> {
        let caller = &delegations::acting(&self.commands.pool, &request).await?;
        let (filter, page) = request::list(request.get_ref())?;
        let parties = caller.parties();
        let mut read = read_transaction(&self.read_pool, Deadline::of(&request)).await?;
        let mut found = store::list(&mut read, &filter, page.after, page.limit(), &parties).await?;
        drop(read);
        // A page ends early where clients would not take more.
        let mut bytes = 0;
        let mut shown = found.iter().map(|report| self.shown(caller, report));
        let mut reports: Vec<pb::Report> = shown.next().into_iter().collect();
        bytes += reports.iter().map(pb::Report::encoded_len).sum::<usize>();
        reports.extend(shown.take_while(|report| {
            bytes += report.encoded_len();
            bytes <= MAX_PAGE_BYTES
        }));
        let next_page_token = page.cut_to(reports.len(), &mut found, Position::of);
        reports.truncate(found.len());
        let detail = json!({
            "routing_region": filter.routing_region,
            "state": filter.state.map(super::ReportState::as_str),
            "declared_after": filter.declared_after.map(OffsetDateTime::unix_timestamp),
            "declared_before": filter.declared_before.map(OffsetDateTime::unix_timestamp),
            "facts": filter.facts,
            "continued": page.after.is_some(),
            "reports": reports.len(),
        });
        let mut conn = self.commands.pool.acquire().await.map_err(Error::from)?;
        audit_list(&mut conn, caller, "report.list", "report", detail).await?;
        Ok(Response::new(ListReportsResponse {
            reports,
            next_page_token,
        }))
    }
}

impl ReportRpc {
    /// Has a report committed, and gives back its receipt.
    pub(super) async fn submit(
        &self,
        caller: &Arc<Caller>,
        request: SubmitReportRequest,
    ) -> Result<pb::Receipt> {
        let now = now();
        let submission = request::submission(request, now)?;
        let Submission {
            draft,
            declared_at,
            on_behalf,
            ..
        } = &submission;
        let on_behalf = on_behalf.as_ref();
        let decided = self.decide(caller, &draft.facts, *declared_at, on_behalf, now);
        let decision = decided.await?.map_err(Error::from)?;
        let consequences = decision.consequences.clone();

        let (request_key, report_id) = identity(&caller.subject, submission.request_id);
        #[cfg(feature = "mutants")]
        let (request_key, report_id) = if platform::mutant::Mutant::RetryWithoutTheKey.is_alive() {
            (Uuid::now_v7(), Uuid::now_v7())
        } else {
            (request_key, report_id)
        };
        let cause = self.cause(caller, &draft.facts).await?;
        let entered_by = on_behalf.map(|it| EnteredBy {
            medium: it.medium,
            subject: caller.subject.clone(),
        });
        let report = Report {
            cause,
            entered_by,
            ..self.report(report_id, draft, decision, now).await?
        };
        let receipt = response::receipt(&report, &consequences, &self.settings.emergency_phone);
        let event = events::submitted(&report, 0);
        let new = NewReport {
            request_key,
            author: caller.subject.clone(),
            sent_draft: submission.sent_draft.clone(),
            receipt: Receipt {
                request_key,
                report_id: report.id,
                request_hash: submission.hash.clone(),
                answer: receipt.encode_to_vec(),
            },
            report,
        };
        let receipt = self.queue.submit(new, event, Arc::clone(caller)).await?;
        if receipt.request_hash != submission.hash {
            self.recognise(caller, receipt.report_id, &submission)
                .await?;
        }
        pb::Receipt::decode(receipt.answer.as_slice()).map_err(Error::internal)
    }

    /// What becomes of a declaration.
    async fn decide(
        &self,
        caller: &Caller,
        facts: &Facts,
        declared_at: Option<OffsetDateTime>,
        on_behalf: Option<&OnBehalf>,
        now: OffsetDateTime,
    ) -> Result<Result<Decision, Refusal>> {
        let context = Context {
            author: &delegations::author(&self.commands.pool, caller, facts, now).await?,
            entries: &self.directory.entries(facts).await?,
            settings: &self.settings,
            now,
        };
        Ok(decide(facts, declared_at, on_behalf, &context))
    }

    /// The report that a declaration names as that of its cause, where the caller sees it.
    async fn cause(&self, caller: &Caller, facts: &Facts) -> Result<Option<Uuid>> {
        let Some(reference) = &facts.cause_reference else {
            return Ok(None);
        };
        let mut conn = self.commands.pool.acquire().await?;
        store::id_of(&mut conn, reference, &caller.parties()).await
    }

    async fn report(
        &self,
        report_id: Uuid,
        draft: &Draft,
        decision: Decision,
        received_at: OffsetDateTime,
    ) -> Result<Report> {
        let number = self.numbers.next().await?;
        let contacts = contacts::to_wire(&draft.contacts);
        Ok(Report {
            id: report_id,
            reference: self.references.reference_at(received_at, number),
            facts: draft.facts.clone(),
            cause: None,
            contacts: Some(Sealed::contacts_of(&self.master_key, report_id, &contacts)),
            structure: decision.routing.structure,
            routing_region: decision.routing.region,
            visible_to: decision.routing.visible_to,
            channel: decision.channel,
            entered_by: None,
            received_at,
            declared_at: decision.declared_at,
            withdrawal: None,
            case: None,
            revision: 1,
            amendment: None,
        })
    }

    /// Refuses a submission that says something else than the report that its request made
    /// before; the same may have been spelt otherwise.
    async fn recognise(
        &self,
        caller: &Caller,
        report_id: Uuid,
        submission: &Submission,
    ) -> Result<()> {
        let mut transaction = self.commands.pool.begin().await?;
        let stands = ReportName::Id(report_id);
        let found = store::find(&mut transaction, &stands, &caller.parties()).await?;
        let report = match found {
            Some(report) => Some(as_submitted(&mut transaction, report).await?),
            None => None,
        };
        let is_same = report.is_some_and(|report| self.is_of(&report, submission));
        let entry = AuditEntry {
            caller,
            action: "report.submit",
            object: &stands.subject(),
            outcome: if is_same {
                Outcome::Done
            } else {
                Outcome::Refused
            },
            detail: json!({ "repeated": true }),
            at: now(),
        };
        audit(&mut transaction, entry).await?;
        transaction.commit().await?;
        if is_same {
            return Ok(());
        }
        Err(Error::already_exists(
            "REQUEST_ID_REUSED",
            "ce request_id a servi pour un autre signalement",
        ))
    }

    /// Whether a report says what was submitted; one whose contacts are erased does not.
    fn is_of(&self, report: &Report, submission: &Submission) -> bool {
        let sealed = report.contacts.as_ref();
        let contacts = sealed.and_then(|it| contacts::open(&self.master_key, report.id, it));
        let mut facts = submission.draft.facts.clone();
        // The release before this one does not keep these, and may have the report.
        facts.cross_border = facts.cross_border.and(report.facts.cross_border);
        let named = report.facts.cause_reference.as_ref();
        facts.cause_reference = facts.cause_reference.filter(|_| named.is_some());
        let stored = report.entered_by.as_ref();
        let on_behalf = submission.on_behalf.filter(|_| stored.is_some());
        let came_at = on_behalf.and_then(|it| it.received_at);
        let declared_at = came_at.or(submission.declared_at);
        report.facts == facts
            && contacts.as_ref() == Some(&submission.draft.contacts)
            && report.declared_at == declared_at.unwrap_or(report.received_at)
            && stored.map(|it| it.medium) == on_behalf.map(|it| it.medium)
    }

    /// A report as this caller may see it.
    pub(crate) fn shown(&self, caller: &Caller, report: &Report) -> pb::Report {
        let own = caller.parties();
        let sees = report
            .seen_by(&own)
            .any(|party| party.sees_contacts(&caller.roles));
        let sealed = report.contacts.as_ref().filter(|_| sees);
        let contacts = sealed.and_then(|it| contacts::open(&self.master_key, report.id, it));
        let is_national = |party: &Party| matches!(party, Party::Cell | Party::SecurityOfficer);
        let sees_people = report.seen_by(&own).any(is_national);
        let mut shown = response::report(report, contacts.as_ref());
        if let Some(entered_by) = shown.entered_by.as_mut().filter(|_| !sees_people) {
            entered_by.subject.clear();
        }
        shown
    }
}

/// By what a request is recognised, and the id of the report that it makes. The id begins with
/// the moment of the request where its id does (UUIDv7), and with the present one where not:
/// the keys of a report, and of all that follows from it, arrive nearly in order. The former is
/// the same also when the report was lost with its database and is sent again, so that nothing
/// is done twice elsewhere.
fn identity(subject: &str, request_id: Uuid) -> (Uuid, Uuid) {
    let parts = [subject.as_bytes(), request_id.as_bytes()];
    let request_key = derived_id("report", &parts);
    let report_id = derived_after(request_id, "report", &parts);
    if report_id == request_key {
        return (request_key, Uuid::now_v7());
    }
    (request_key, report_id)
}

async fn withdraw(
    conn: &mut PgConnection,
    call: &Call,
    command: &WithdrawCommand,
) -> Result<Done<()>> {
    let own = call.caller.parties();
    let report = store::lock(conn, command.report_id, &own).await?;
    let report = report.ok_or(Error::NotFound("report"))?;
    if !may_withdraw(&report, &own, &call.caller.roles) {
        return Err(Refusal::NotYoursToWithdraw.into());
    }
    let withdrawal = Withdrawal {
        at: call.at,
        reason: command.reason.as_str().to_owned(),
    };
    let report = report.withdraw(withdrawal.clone(), &command.etag)?;
    store::withdraw(conn, &report, &withdrawal).await?;
    Ok(Done {
        answer: (),
        events: vec![events::withdrawn(&report, &withdrawal)],
        detail: json!({}),
    })
}
