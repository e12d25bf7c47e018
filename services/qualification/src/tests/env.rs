//! Qualification with intake in front of it.

mod calls;
mod report;

use std::{
    ops::Deref,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{App, Config, NAME, ProducersConfig, QualificationConfig, migrators};
use eventlog::NewEvent;
use prost::Message as _;
use proto::{events::v1 as events, qualification::v1 as pb, types::v1 as types};
use servicetest::{RunningService, ServiceEnv};
use testkit::eventually_some;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) use self::{
    calls::{agent, analyst, in_scope, out_of_scope, second_analyst},
    report::Report,
};
pub(crate) use servicetest::{reason, violations};

/// When the reports of the tests are declared.
pub(crate) const DECLARED: OffsetDateTime = time::macros::datetime!(2026-11-23 09:00 UTC);

/// The service and a producer in place of intake.
pub(crate) struct TestEnv {
    /// The first process of the service.
    pub(crate) service: RunningService,
    own: QualificationConfig,
    env: ServiceEnv,
    reports: AtomicU32,
}

impl Deref for TestEnv {
    type Target = ServiceEnv;

    fn deref(&self) -> &ServiceEnv {
        &self.env
    }
}

impl TestEnv {
    /// Starts everything with the usual settings.
    pub(crate) async fn start() -> Self {
        Self::start_with(QualificationConfig {
            target_qualified_hours: Some(1),
            ..QualificationConfig::default()
        })
        .await
    }

    /// Starts everything with settings of the service's own.
    pub(crate) async fn start_with(own: QualificationConfig) -> Self {
        let env = ServiceEnv::start(NAME, &migrators(), &["intake"]).await;
        Self::on(env, own).await
    }

    /// Starts the service with a file of this edition of the catalogue of measures.
    pub(crate) async fn start_with_catalogue(edition: &str) -> Self {
        let env = ServiceEnv::start(NAME, &migrators(), &["intake"]).await;
        let own = QualificationConfig {
            measure_catalogue_file: Some(env.file("measures.toml", edition)),
            ..QualificationConfig::default()
        };
        Self::on(env, own).await
    }

    async fn on(env: ServiceEnv, own: QualificationConfig) -> Self {
        Self {
            service: run(&env, own.clone()).await,
            own,
            env,
            reports: AtomicU32::new(0),
        }
    }

    /// Starts a second process of the service, beside the first.
    pub(crate) async fn start_replica(&self) -> RunningService {
        run(&self.env, self.own.clone()).await
    }

    /// Starts a process of the service with other settings, beside the first.
    pub(crate) async fn start_beside(&self, own: QualificationConfig) -> RunningService {
        run(&self.env, own).await
    }

    /// A new report, of Occitanie and without impacts.
    pub(crate) fn report(&self) -> Report {
        Report::new(self.reports.fetch_add(1, Ordering::Relaxed))
    }

    /// Announces events of intake in one transaction.
    pub(crate) async fn announce(&self, events: &[NewEvent]) {
        self.producer("intake").announce(events).await;
    }

    /// Announces a report.
    pub(crate) async fn submit(&self, report: &Report) {
        self.announce(&[report.event()]).await;
    }

    /// Announces the withdrawal of a report and gives the id of the event.
    pub(crate) async fn withdraw(&self, report: &Report, reason: &str) -> Uuid {
        let event_id = Uuid::now_v7();
        self.announce(&[report.withdrawal(event_id, reason)]).await;
        event_id
    }

    /// Announces a report and waits for its case, as the cell sees it.
    pub(crate) async fn open(&self, report: &Report) -> pb::Case {
        self.submit(report).await;
        self.case_where(report, |_| true).await
    }

    /// Waits until the cell sees the case of a report in a state like this.
    pub(crate) async fn case_where(
        &self,
        report: &Report,
        like: impl Fn(&pb::Case) -> bool,
    ) -> pb::Case {
        let case_id = report.submitted.reference.as_str();
        let found = async || self.get(&analyst(), case_id).await.ok().filter(&like);
        eventually_some(found).await
    }

    /// Waits until everything announced so far of a report was applied: until a further
    /// report of the same shard has its case.
    pub(crate) async fn settle(&self, report: &Report) {
        let shard = |report: &Report| self.producer("intake").shard_of(&report.subject());
        let mut marker = std::iter::repeat_with(|| self.report())
            .find(|marker| shard(marker) == shard(report))
            .expect("reports come without end");
        // What a program sent calls nobody.
        marker.submitted.channel = types::Channel::Import.into();
        self.open(&marker).await;
    }

    /// The changes of a case that the service announced, in order.
    pub(crate) async fn announced(&self, case_id: &str) -> Vec<events::CaseChanged> {
        let payloads: Vec<Vec<u8>> =
            sqlx::query_scalar("select payload from event where subject = $1 order by position")
                .bind(format!("case/{case_id}"))
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let read = |payload: &Vec<u8>| events::CaseChanged::decode(payload.as_slice()).unwrap();
        payloads.iter().map(read).collect()
    }
}

async fn run(env: &ServiceEnv, own: QualificationConfig) -> RunningService {
    let producers = ProducersConfig {
        intake_url: env.producer("intake").url(),
    };
    let sealing = env.sealing_config();
    let build = |base, metrics| {
        let config = Config {
            base,
            sealing,
            producers,
            qualification: own,
        };
        crate::build(config, metrics)
    };
    env.run(build, App::run).await
}
