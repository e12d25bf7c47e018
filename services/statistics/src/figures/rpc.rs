//! The figures, as callers may see them.

use platform::{AuditEntry, Caller, Error, Outcome, Result, audit, now};
use proto::statistics::v1::{
    GetBreakdownRequest, GetBreakdownResponse, GetOverviewRequest, GetOverviewResponse,
    statistics_service_server::StatisticsService,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use time::OffsetDateTime;
use tonic::{Request, Response, Status};
use vocabulary::{Role, RoutingRegion};

use super::{
    Selection, decide,
    period::Span,
    request::{self, Query},
    response,
    scope::Scope,
    store,
};
use crate::consume::{Heads, Progress};

/// Answers with figures that carry their denominators.
pub(crate) struct Figures {
    pub(crate) pool: PgPool,
    pub(crate) progress: Progress,
}

#[tonic::async_trait]
impl StatisticsService for Figures {
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

impl Figures {
    async fn overview(
        &self,
        caller: &Caller,
        request: &GetOverviewRequest,
    ) -> Result<GetOverviewResponse> {
        let now = now();
        let query = request::overview(request, now)?;
        let access = Access {
            caller,
            action: "statistics.overview",
            filter: filter(&query),
        };
        let scope = self.scope(&access, query.region).await?;
        let span = Span::until(query.as_known_at.unwrap_or(now), query.period);
        let (previous, year_before) = (span.previous(), span.year_before());
        let selection = |declared_on| Selection {
            declared_on,
            scope,
            filters: query.filters.clone(),
            as_known_at: query.as_known_at,
        };

        let heads = self.progress.heads().await;
        let mut tx = self.begin().await?;
        let up_to_date = are_applied(heads, &mut tx).await?;
        let counts = [query.period.days(), previous.days(), year_before.days()].map(selection);
        let figures = decide::overview(
            &store::period_counts(&mut tx, &counts[0]).await?,
            &store::period_counts(&mut tx, &counts[1]).await?,
            &store::period_counts(&mut tx, &counts[2]).await?,
        );
        access
            .record(&mut tx, &scope.to_string(), Outcome::Done)
            .await?;
        tx.commit().await?;
        Ok(GetOverviewResponse {
            period: Some(span.into()),
            previous_period: Some(previous.into()),
            year_before_period: Some(year_before.into()),
            figures: figures.into_iter().map(Into::into).collect(),
            partial: span.is_partial(),
            up_to_date,
        })
    }

    async fn breakdown(
        &self,
        caller: &Caller,
        request: &GetBreakdownRequest,
    ) -> Result<GetBreakdownResponse> {
        let now = now();
        let (query, group_by) = request::breakdown(request, now)?;
        let mut filter = filter(&query);
        filter["dimension"] = group_by.first.name.into();
        filter["second_dimension"] = group_by.second.map(|second| second.name).into();
        let access = Access {
            caller,
            action: "statistics.breakdown",
            filter,
        };
        let scope = self.scope(&access, query.region).await?;
        let span = Span::until(query.as_known_at.unwrap_or(now), query.period);
        let selection = Selection {
            declared_on: query.period.days(),
            scope,
            filters: query.filters,
            as_known_at: query.as_known_at,
        };

        let heads = self.progress.heads().await;
        let mut tx = self.begin().await?;
        let up_to_date = are_applied(heads, &mut tx).await?;
        let total = store::in_scope(&mut tx, &selection).await?;
        let rows = store::breakdown(&mut tx, &selection, group_by).await?;
        access
            .record(&mut tx, &scope.to_string(), Outcome::Done)
            .await?;
        tx.commit().await?;
        Ok(GetBreakdownResponse {
            period: Some(span.into()),
            rows: rows
                .into_iter()
                .map(|row| response::row(row, total))
                .collect(),
            total,
            partial: span.is_partial(),
            up_to_date,
            overlapping: group_by.is_overlapping(),
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
async fn are_applied(heads: Option<Heads>, conn: &mut PgConnection) -> Result<bool> {
    match heads {
        Some(heads) => Ok(heads.are_counted(conn).await?),
        None => Ok(false),
    }
}

/// What of a query stands in the audit trail.
fn filter(query: &Query) -> Value {
    let filters = query.filters.iter();
    json!({
        "from": query.period.from().to_string(),
        "to": query.period.to().to_string(),
        "filters": filters.map(|it| json!({ it.key.name: it.values })).collect::<Value>(),
        "as_known_at": query.as_known_at.map(OffsetDateTime::unix_timestamp),
    })
}

/// Who looks at which figures.
struct Access<'a> {
    caller: &'a Caller,
    action: &'static str,
    filter: Value,
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
