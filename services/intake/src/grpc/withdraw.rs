//! A report that was a false alarm is withdrawn.

use futures::FutureExt as _;
use platform::{Caller, Error, Result, now};
use proto::intake::v1 as pb;
use serde_json::json;
use service::{Call, Done};
use sqlx::PgConnection;

use super::Reports;
use crate::{
    convert::{self, Withdrawing},
    domain::{Refusal, Wanted, Withdrawal, may_withdraw},
    store,
};

impl Reports {
    pub(super) async fn withdraw(
        &self,
        caller: Caller,
        request: pb::WithdrawReportRequest,
    ) -> Result<pb::WithdrawReportResponse> {
        let withdrawing = convert::withdrawing(request)?;
        let wanted = Wanted::Id(withdrawing.report_id);
        let call = Call {
            caller: caller.clone(),
            method: "WithdrawReport",
            action: "report.withdraw",
            object: wanted.subject(),
            request_id: withdrawing.request_id,
            hash: withdrawing.hash.clone(),
            at: now(),
        };
        // A retry reads the answer anew: it holds personal data, which rest in one place
        // only, sealed.
        let () = self
            .commands
            .run(call, withdrawing, |conn, call, withdrawing| {
                withdraw(conn, call, withdrawing).boxed()
            })
            .await?;
        let mut conn = self.pool.acquire().await?;
        let report = store::find(&mut conn, &wanted, &caller.parties()).await?;
        let report = report.ok_or(Error::NotFound("report"))?;
        Ok(pb::WithdrawReportResponse {
            report: Some(self.shown(&caller, &report)),
        })
    }
}

async fn withdraw(
    conn: &mut PgConnection,
    call: &Call,
    withdrawing: &Withdrawing,
) -> Result<Done<()>> {
    let caller = &call.caller;
    let report = store::lock(conn, withdrawing.report_id, &caller.parties()).await?;
    let report = report.ok_or(Error::NotFound("report"))?;
    if !may_withdraw(caller, &report) {
        return Err(Refusal::NotYoursToWithdraw.into());
    }
    let withdrawal = Withdrawal {
        at: call.at,
        reason: withdrawing.reason.as_str().to_owned(),
    };
    let report = report.withdraw(withdrawal.clone(), &withdrawing.etag)?;
    store::withdraw(conn, &report).await?;
    Ok(Done {
        answer: (),
        events: vec![convert::withdrawn(&report, &withdrawal)],
        detail: json!({}),
    })
}
