//! A report is checked and taken.

use std::sync::Arc;

use platform::{AuditEntry, Caller, Error, Outcome, Result, Violation, audit, now};
use prost::Message as _;
use proto::intake::v1 as pb;
use serde_json::json;
use uuid::Uuid;
use vocabulary::derived_id;

use super::{Reports, structures::shown};
use crate::{
    convert::{self, Submission},
    domain::{Context, Decision, Draft, Report, Wanted, decide, warnings},
    store::{self, NewReport},
};

impl Reports {
    pub(super) async fn check(
        &self,
        caller: &Caller,
        request: pb::CheckReportRequest,
    ) -> Result<pb::CheckReportResponse> {
        let now = now();
        let (draft, declared_at) = match convert::check(request, now) {
            Ok(checked) => checked,
            Err(violations) => {
                return Ok(refused(violations.iter().map(convert::violation).collect()));
            }
        };
        let entries = self.directory.entries(&draft.facts).await?;
        let context = Context {
            caller,
            entries: &entries,
            settings: &self.settings,
            now,
        };
        match decide(&draft.facts, declared_at, &context) {
            Ok(decision) => Ok(pb::CheckReportResponse {
                violations: Vec::new(),
                warnings: warnings(&draft, &decision, now)
                    .iter()
                    .map(convert::warning)
                    .collect(),
                consequences: Some(convert::consequences(&decision.consequences)),
                candidates: decision
                    .found
                    .shown_candidates()
                    .map(|site| shown(caller, site))
                    .collect(),
            }),
            Err(refusal) => Ok(refused(vec![convert::violation(&Violation {
                field: refusal.field().to_owned(),
                reason: refusal.code(),
                description: refusal.french().to_owned(),
            })])),
        }
    }

    pub(super) async fn submit(
        &self,
        caller: Caller,
        request: pb::SubmitReportRequest,
    ) -> Result<pb::SubmitReportResponse> {
        let now = now();
        let submission = convert::submission(request, now)?;
        let draft = &submission.draft;
        let entries = self.directory.entries(&draft.facts).await?;
        let context = Context {
            caller: &caller,
            entries: &entries,
            settings: &self.settings,
            now,
        };
        let decision = decide(&draft.facts, submission.declared_at, &context)?;

        let report_id = derived_id(
            "report",
            &[caller.subject.as_bytes(), submission.request_id.as_bytes()],
        );
        #[cfg(feature = "mutants")]
        let report_id = if platform::mutant::Mutant::RetryWithoutTheKey.is_alive() {
            uuid::Uuid::now_v7()
        } else {
            report_id
        };
        let consequences = decision.consequences.clone();
        let report = self.report(report_id, draft, decision, now).await?;
        let receipt = convert::receipt(&report, &consequences, &self.settings.emergency_phone);
        let event = convert::submitted(&report);
        let new = NewReport {
            report,
            author: caller.subject.clone(),
            request_hash: submission.hash.clone(),
            receipt: receipt.encode_to_vec(),
        };
        let caller = Arc::new(caller);
        let receipt = self.queue.submit(new, event, Arc::clone(&caller)).await?;
        if receipt.request_hash != submission.hash {
            self.recognise(&caller, report_id, &submission).await?;
        }
        let receipt = pb::Receipt::decode(receipt.answer.as_slice()).map_err(Error::internal)?;
        Ok(pb::SubmitReportResponse {
            receipt: Some(receipt),
        })
    }

    /// Refuses a submission that says something else than the report that stands under
    /// its id; the same may have been spelt otherwise.
    async fn recognise(
        &self,
        caller: &Caller,
        report_id: Uuid,
        submission: &Submission,
    ) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        let stands = Wanted::Id(report_id);
        let report = store::find(&mut transaction, &stands, &caller.parties()).await?;
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
        let contacts =
            sealed.and_then(|sealed| convert::open_contacts(&self.master, report.id, sealed).ok());
        report.facts == submission.draft.facts
            && contacts.as_ref() == Some(&submission.draft.contacts)
            && report.declared_at == submission.declared_at.unwrap_or(report.received_at)
    }

    async fn report(
        &self,
        report_id: Uuid,
        draft: &Draft,
        decision: Decision,
        received_at: time::OffsetDateTime,
    ) -> Result<Report> {
        let number = self.numbers.next().await?;
        Ok(Report {
            id: report_id,
            reference: self.references.reference_at(received_at, number),
            facts: draft.facts.clone(),
            contacts: Some(convert::seal_contacts(
                &self.master,
                report_id,
                &draft.contacts,
            )),
            structure: decision.routing.structure,
            routing_region: decision.routing.region,
            visible_to: decision.routing.visible_to,
            channel: decision.channel,
            received_at,
            declared_at: decision.declared_at,
            withdrawal: None,
            case: None,
            revision: 1,
        })
    }
}

fn refused(violations: Vec<pb::Violation>) -> pb::CheckReportResponse {
    pb::CheckReportResponse {
        violations,
        warnings: Vec::new(),
        consequences: None,
        candidates: Vec::new(),
    }
}
