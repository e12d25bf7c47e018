//! A report that was a false alarm is withdrawn.

use eventlog::in_transaction;
use futures::FutureExt as _;
use platform::{
    AuditEntry, Caller, Claim, Error, Outcome, RequestKey, Result, audit, claim_request,
    complete_request, now,
};
use proto::intake::v1 as pb;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::Reports;
use crate::{
    convert::{self, Withdrawing},
    domain::{Refusal, Report, Withdrawal, may_withdraw},
    store,
};

const METHOD: &str = "WithdrawReport";
const ACTION: &str = "report.withdraw";

impl Reports {
    pub(super) async fn withdraw(
        &self,
        caller: Caller,
        request: pb::WithdrawReportRequest,
    ) -> Result<pb::WithdrawReportResponse> {
        let withdrawing = convert::withdrawing(request)?;
        let reports = self.clone();
        let work = async move { reports.withdraw_to_the_end(&caller, &withdrawing).await };
        self.tasks.finish(work).await
    }

    async fn withdraw_to_the_end(
        &self,
        caller: &Caller,
        withdrawing: &Withdrawing,
    ) -> Result<pb::WithdrawReportResponse> {
        let object = format!("report/{}", withdrawing.report_id);
        let with = (self, caller, withdrawing, object.as_str());
        let withdrawn = in_transaction(
            &self.pool,
            &with,
            |conn, &(this, caller, withdrawing, object)| {
                this.withdraw_once(conn, caller, withdrawing, object)
                    .boxed()
            },
        )
        .await;
        match withdrawn {
            Ok(report) => {
                self.log.committed();
                Ok(pb::WithdrawReportResponse {
                    report: Some(self.shown(caller, &report)),
                })
            }
            Err(error) => {
                // The claim of the request went with its transaction, so that it can
                // be sent again; the trace of the attempt stays.
                if let Some(outcome) = outcome(&error) {
                    let with = (caller, object.as_str(), outcome, error.code());
                    in_transaction(
                        &self.pool,
                        &with,
                        |conn, &(caller, object, outcome, code)| {
                            audit(
                                conn,
                                entry(caller, object, outcome, json!({ "reason": code })),
                            )
                            .boxed()
                        },
                    )
                    .await?;
                }
                Err(error)
            }
        }
    }

    async fn withdraw_once(
        &self,
        conn: &mut PgConnection,
        caller: &Caller,
        withdrawing: &Withdrawing,
        object: &str,
    ) -> Result<Report> {
        let now = now();
        let key = RequestKey {
            caller,
            method: METHOD,
            request_id: withdrawing.request_id,
        };
        let claim = claim_request(&mut *conn, &key, &withdrawing.hash, now).await?;
        let report = store::lock(&mut *conn, withdrawing.report_id, &caller.parties())
            .await?
            .ok_or(Error::NotFound("report"))?;
        if let Claim::Replay(_) = claim {
            audit(
                conn,
                entry(caller, object, Outcome::Done, json!({ "repeated": true })),
            )
            .await?;
            return Ok(report);
        }
        if !may_withdraw(caller, &report) {
            return Err(Refusal::NotYoursToWithdraw.into());
        }
        let withdrawal = Withdrawal {
            at: now,
            reason: withdrawing.reason.as_str().to_owned(),
        };
        let report = report.withdraw(withdrawal.clone(), &withdrawing.etag)?;
        store::withdraw(&mut *conn, &report).await?;
        // A retry reads the answer anew: it holds personal data, which rest in one
        // place only, sealed.
        complete_request(&mut *conn, &key, &[]).await?;
        audit(&mut *conn, entry(caller, object, Outcome::Done, json!({}))).await?;
        self.log
            .append(conn, &[convert::withdrawn(&report, &withdrawal)])
            .await?;
        Ok(report)
    }
}

fn entry<'a>(
    caller: &'a Caller,
    object: &'a str,
    outcome: Outcome,
    detail: Value,
) -> AuditEntry<'a> {
    AuditEntry {
        caller,
        action: ACTION,
        object,
        outcome,
        detail,
        at: now(),
    }
}

/// How an attempt ended that its caller could not carry through.
fn outcome(error: &Error) -> Option<Outcome> {
    match error {
        Error::NotFound(_) => Some(Outcome::NotVisible),
        Error::AlreadyExists(_)
        | Error::FailedPrecondition(_)
        | Error::PermissionDenied(_)
        | Error::Aborted(_) => Some(Outcome::Refused),
        _ => None,
    }
}
