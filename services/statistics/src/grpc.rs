//! The figures, as callers may see them.

use platform::{AuditEntry, Caller, Error, Outcome, Result, audit, now};
use proto::statistics::v1::{
    GetBreakdownRequest, GetBreakdownResponse, GetOverviewRequest, GetOverviewResponse,
    statistics_service_server::StatisticsService,
};
use serde_json::json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tonic::{Request, Response, Status};
use vocabulary::{Role, RoutingRegion};

use crate::{
    consume::{Heads, Progress},
    convert::{BreakdownQuery, Query, row_response},
    domain::{Scope, overview},
    store,
};

/// Answers with figures that carry their denominators.
pub(crate) struct Statistics {
    pub(crate) pool: PgPool,
    pub(crate) progress: Progress,
}

#[tonic::async_trait]
impl StatisticsService for Statistics {
    async fn get_overview(
        &self,
        request: Request<GetOverviewRequest>,
    ) -> Result<Response<GetOverviewResponse>, Status> {
        Ok(Response::new(
            self.overview(Caller::of(&request)?, request.get_ref())
                .await?,
        ))
    }

    async fn get_breakdown(
        &self,
        request: Request<GetBreakdownRequest>,
    ) -> Result<Response<GetBreakdownResponse>, Status> {
        Ok(Response::new(
            self.breakdown(Caller::of(&request)?, request.get_ref())
                .await?,
        ))
    }
}

impl Statistics {
    async fn overview(
        &self,
        caller: &Caller,
        request: &GetOverviewRequest,
    ) -> Result<GetOverviewResponse> {
        let Query { period, region } = request.try_into()?;
        let filter = json!({ "from": period.from().to_string(), "to": period.to().to_string() });
        let access = Access {
            caller,
            action: "statistics.overview",
            filter,
        };
        let scope = self.scope(&access, region).await?;
        let heads = self.progress.heads().await;
        let mut tx = self.begin().await?;
        let up_to_date = are_counted(heads, &mut tx).await?;
        let current = store::tally(&mut tx, period, scope).await?;
        let previous = store::tally(&mut tx, period.previous(), scope).await?;
        access
            .record(&mut tx, &scope.to_string(), Outcome::Done)
            .await?;
        tx.commit().await?;
        Ok(GetOverviewResponse {
            period: Some(period.into()),
            previous_period: Some(period.previous().into()),
            figures: overview(&current, &previous)
                .into_iter()
                .map(Into::into)
                .collect(),
            partial: period.is_partial(now()),
            up_to_date,
        })
    }

    async fn breakdown(
        &self,
        caller: &Caller,
        request: &GetBreakdownRequest,
    ) -> Result<GetBreakdownResponse> {
        let BreakdownQuery {
            query: Query { period, region },
            along,
            second,
        } = request.try_into()?;
        let filter = json!({
            "from": period.from().to_string(),
            "to": period.to().to_string(),
            "dimension": request.dimension().as_str_name(),
            "second_dimension": request.second_dimension().as_str_name(),
        });
        let access = Access {
            caller,
            action: "statistics.breakdown",
            filter,
        };
        let scope = self.scope(&access, region).await?;
        let heads = self.progress.heads().await;
        let mut tx = self.begin().await?;
        let up_to_date = are_counted(heads, &mut tx).await?;
        let total = store::in_scope(&mut tx, period, scope).await?;
        let rows = store::breakdown(&mut tx, period, scope, along, second).await?;
        access
            .record(&mut tx, &scope.to_string(), Outcome::Done)
            .await?;
        tx.commit().await?;
        Ok(GetBreakdownResponse {
            period: Some(period.into()),
            rows: rows
                .into_iter()
                .map(|row| row_response(row, total))
                .collect(),
            total,
            partial: period.is_partial(now()),
            up_to_date,
            overlapping: along.is_overlapping(),
        })
    }

    /// What the caller may see of what it asks for; a refusal is on record.
    async fn scope(&self, access: &Access<'_>, asked: Option<RoutingRegion>) -> Result<Scope> {
        let caller = access.caller;
        if caller.has(Role::Analyst) || caller.has(Role::SecurityOfficer) {
            return Ok(Scope::national(asked));
        }
        if let Ok(scope) = Scope::regional(caller.region, asked) {
            return Ok(scope);
        }
        let object = asked.map_or_else(|| "country".to_owned(), |region| region.to_string());
        let mut conn = self.pool.acquire().await?;
        access.record(&mut conn, &object, Outcome::Refused).await?;
        Err(Error::permission_denied(
            "REGION_NOT_YOURS",
            "the figures of this region are for its own agency",
        ))
    }

    /// One moment for all figures of an answer.
    async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self
            .pool
            .begin_with("begin isolation level repeatable read")
            .await?)
    }
}

/// Whether the figures that `conn` sees hold all that happened until they were
/// asked for; never when that is not known.
async fn are_counted(heads: Option<Heads>, conn: &mut PgConnection) -> Result<bool> {
    match heads {
        Some(heads) => Ok(heads.are_counted(conn).await?),
        None => Ok(false),
    }
}

/// Who looks at which figures.
struct Access<'a> {
    caller: &'a Caller,
    action: &'static str,
    filter: serde_json::Value,
}

impl Access<'_> {
    async fn record(&self, conn: &mut PgConnection, object: &str, outcome: Outcome) -> Result<()> {
        let entry = AuditEntry {
            caller: self.caller,
            action: self.action,
            object,
            outcome,
            detail: self.filter.clone(),
            at: now(),
        };
        audit(conn, entry).await
    }
}
