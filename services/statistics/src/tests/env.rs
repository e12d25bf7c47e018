//! Statistics with intake and qualification in front of it, without Redis.

use std::ops::Deref;

use crate::{App, Config, LogKeyConfig, NAME, ProducersConfig, migrators};
use eventlog::EventLogConfig;
use proto::statistics::v1::{
    BreakdownRow, Comparison, Dimension, GetBreakdownRequest, GetBreakdownResponse,
    GetOverviewRequest, GetOverviewResponse, Period,
    statistics_service_client::StatisticsServiceClient,
};
use servicetest::{AuthorizedChannel, Producer, RunningService, ServiceEnv};
use testkit::{TokenSpec, eventually};
use tonic::Status;

use crate::tests::story::timestamp;

/// The service and the producers that it follows.
pub(crate) struct TestEnv(ServiceEnv);

impl Deref for TestEnv {
    type Target = ServiceEnv;

    fn deref(&self) -> &ServiceEnv {
        &self.0
    }
}

impl TestEnv {
    pub(crate) async fn start() -> Self {
        let producers = ["intake", "qualification"];
        let event_log = EventLogConfig::default();
        Self(ServiceEnv::start_with(NAME, &migrators(), &producers, event_log).await)
    }

    pub(crate) fn intake(&self) -> &Producer {
        self.producer("intake")
    }

    pub(crate) fn qualification(&self) -> &Producer {
        self.producer("qualification")
    }

    /// Starts a process of the service.
    pub(crate) async fn start_replica(&self) -> Replica {
        let sealing = LogKeyConfig {
            log_key_file: self.sealing_config().log_key_file,
        };
        let producers = ProducersConfig {
            intake_url: self.intake().url(),
            qualification_url: self.qualification().url(),
        };
        let build = |base, metrics| {
            let config = Config {
                base,
                sealing,
                producers,
            };
            crate::build(config, metrics)
        };
        Replica(self.run(build, App::run).await)
    }

    /// Starts a process of the service and waits until it has counted everything.
    pub(crate) async fn counted(&self) -> Replica {
        let replica = self.start_replica().await;
        replica.is_up_to_date().await;
        replica
    }

    /// Every fact with its period of validity.
    pub(crate) async fn facts(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select fact_version::text from fact_version
             where known_from > '-infinity' order by report_id, known_from",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    /// The facts of each report follow each other without a gap, and the last one is valid.
    pub(crate) async fn is_seamless(&self) {
        let seams: Vec<String> = sqlx::query_scalar(
            "select report_id || ' from ' || known_from
             from (
                 select *, lead(known_from) over (partition by report_id order by known_from)
                     as next
                 from fact_version where known_from > '-infinity'
             ) as fact
             where known_until is distinct from next",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        assert_eq!(seams, [""; 0]);
    }
}

/// A process of the service, read by an analyst of the cell.
pub(crate) struct Replica(RunningService);

impl Deref for Replica {
    type Target = RunningService;

    fn deref(&self) -> &RunningService {
        &self.0
    }
}

impl Replica {
    pub(crate) async fn stop(self) {
        self.0.stop().await.unwrap();
    }

    /// Waits until every event has been counted.
    pub(crate) async fn is_up_to_date(&self) {
        eventually(async || self.overview("2026-01", "2026-01").await.up_to_date).await;
    }

    /// The figures as a user sees them.
    pub(crate) fn client(&self, user: &TokenSpec) -> StatisticsServiceClient<AuthorizedChannel> {
        StatisticsServiceClient::new(self.as_user(user))
    }

    /// The overview of the country.
    pub(crate) async fn overview(&self, from: &str, to: &str) -> GetOverviewResponse {
        self.overview_as(&analyst(), from, to, "").await.unwrap()
    }

    /// The overview of a region as a user sees it.
    pub(crate) async fn overview_as(
        &self,
        user: &TokenSpec,
        from: &str,
        to: &str,
        region: &str,
    ) -> Result<GetOverviewResponse, Status> {
        let request = GetOverviewRequest {
            period: Some(period(from, to)),
            region: region.to_owned(),
            ..Default::default()
        };
        let answer = self.client(user).get_overview(request).await?;
        Ok(answer.into_inner())
    }

    /// The overview of the country as it was known at a moment.
    pub(crate) async fn overview_known_at(
        &self,
        from: &str,
        to: &str,
        moment: &str,
    ) -> GetOverviewResponse {
        let request = GetOverviewRequest {
            period: Some(period(from, to)),
            as_known_at: Some(timestamp(moment)),
            ..Default::default()
        };
        let answer = self.client(&analyst()).get_overview(request).await;
        answer.unwrap().into_inner()
    }

    /// A breakdown of the country.
    pub(crate) async fn breakdown(
        &self,
        from: &str,
        to: &str,
        dimension: Dimension,
        second: Dimension,
    ) -> GetBreakdownResponse {
        let request = GetBreakdownRequest {
            period: Some(period(from, to)),
            dimension: dimension.into(),
            second_dimension: second.into(),
            ..Default::default()
        };
        self.broken_down(request).await
    }

    pub(crate) async fn broken_down(&self, request: GetBreakdownRequest) -> GetBreakdownResponse {
        let answer = self.client(&analyst()).get_breakdown(request).await;
        answer.unwrap().into_inner()
    }
}

/// An analyst of the cell.
pub(crate) fn analyst() -> TokenSpec {
    TokenSpec::of("analyst").role("analyst")
}

/// An agent of the ARS of a region.
pub(crate) fn agent(region: &str) -> TokenSpec {
    let agent = TokenSpec::of(format!("agent-{region}"));
    agent.role("regional_agent").region(region)
}

/// A figure of an overview, by its name.
pub(crate) fn figure<'a>(overview: &'a GetOverviewResponse, name: &str) -> &'a Comparison {
    let mut figures = overview.figures.iter();
    figures.find(|figure| figure.name == name).unwrap()
}

/// The count of a figure in the period.
pub(crate) fn current(overview: &GetOverviewResponse, name: &str) -> u64 {
    figure(overview, name).current
}

/// The rows of a breakdown as values and count.
pub(crate) fn rows(breakdown: &GetBreakdownResponse) -> Vec<(&str, &str, u64)> {
    let count = |row: &BreakdownRow| row.share.as_ref().unwrap().numerator;
    let rows = breakdown.rows.iter();
    rows.map(|row| (row.value.as_str(), row.second_value.as_str(), count(row)))
        .collect()
}

pub(crate) fn period(from: &str, to: &str) -> Period {
    Period {
        from_month: from.to_owned(),
        to_month: to.to_owned(),
        to_day: String::new(),
    }
}
