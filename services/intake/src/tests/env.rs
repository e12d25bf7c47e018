//! Intake with qualification beside it, and those who call it.

mod user;

use std::ops::Deref;

use crate::{App, Config, IntakeConfig, NAME, ProducersConfig, migrators};
use eventlog::{Event, Log};
use servicetest::{Producer, RunningService, ServiceEnv};
use testkit::TokenSpec;
use tonic::Status;

pub(crate) use self::user::User;
pub(crate) use servicetest::reason;

const REFERENCE_KEY: [u8; 32] = [9; 32];

/// The service, the producer that it follows, and those who call.
pub(crate) struct TestEnv {
    /// The process of the service.
    pub(crate) service: RunningService,
    /// The log of the service.
    pub(crate) log: Log,
    env: ServiceEnv,
}

impl Deref for TestEnv {
    type Target = ServiceEnv;

    fn deref(&self) -> &ServiceEnv {
        &self.env
    }
}

impl TestEnv {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts the service with a configuration of its own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let env = ServiceEnv::start(NAME, &migrators(), &["qualification"]).await;
        let sealing = env.sealing_config();
        let producers = ProducersConfig {
            qualification_url: env.producer("qualification").url(),
        };
        let intake = IntakeConfig::new(env.key_file("reference.key", REFERENCE_KEY));
        let build = |base, metrics| {
            let mut config = Config {
                base,
                sealing,
                producers,
                intake,
            };
            change(&mut config);
            crate::build(config, metrics)
        };
        let service = env.run(build, App::run).await;
        let log = Log::open(env.pool.clone(), NAME, 8).await.unwrap();
        Self { service, log, env }
    }

    /// Starts the service with the directory of [`Self::import_directory`].
    pub(crate) async fn with_directory() -> Self {
        let env = Self::start().await;
        env.import_directory().await;
        env
    }

    /// Loads a directory of the site that the drafts name.
    pub(crate) async fn import_directory(&self) {
        let file = "finess_et,finess_ej,name,category_code,siret,region_code,department,commune,operator_status\n\
                    010000024,010780054,CH DE FLEYRIAT,355,26010004500012,84,01,VIRIAT,OSE\n";
        self.importer().import(file.as_bytes()).await.unwrap();
    }

    pub(crate) fn qualification(&self) -> &Producer {
        self.producer("qualification")
    }

    /// The service as a user sees it.
    pub(crate) fn as_user(&self, user: &TokenSpec) -> User {
        User::new(self.service.as_user(user))
    }

    /// A declarant without a verified structure.
    pub(crate) fn declarant(&self, subject: &str) -> User {
        self.as_user(&TokenSpec::of(subject).role("declarant"))
    }

    /// A declarant of the site of the drafts.
    pub(crate) fn linked(&self, subject: &str) -> User {
        let declarant = TokenSpec::of(subject).role("declarant");
        self.as_user(&declarant.structure("finess:010000024"))
    }

    /// An agent of the ARS of a region.
    pub(crate) fn agent(&self, region: &str) -> User {
        let agent = TokenSpec::of(format!("agent-{region}"));
        self.as_user(&agent.role("regional_agent").region(region))
    }

    /// A user with one role and nothing else.
    pub(crate) fn with_role(&self, role: &str) -> User {
        self.as_user(&TokenSpec::of(role).role(role))
    }

    /// A program that imports.
    pub(crate) fn importer(&self) -> User {
        self.with_role("importer")
    }

    /// The metrics of the service, as Prometheus reads them.
    pub(crate) fn metrics(&self) -> String {
        self.service.metrics.encode()
    }

    /// Every event of the log of the service.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let mut conn = self.pool.acquire().await.unwrap();
        let mut events = Vec::new();
        for shard in 0..self.log.shards() {
            events.extend(self.log.page(&mut conn, shard, 0, 1_000).await.unwrap());
        }
        events
    }

    /// The audit trail of an action: object and outcome, in order.
    pub(crate) async fn trail_of(&self, action: &str) -> Vec<(String, String)> {
        sqlx::query_as(
            "select object, outcome from audit_entry where action = $1 order by audit_entry_id",
        )
        .bind(action)
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }
}

/// Neither a row nor a key nor an event.
pub(crate) async fn nothing_is_stored(env: &TestEnv) {
    assert_eq!(env.count("select count(*) from report").await, 0);
    assert_eq!(env.count("select count(*) from idempotency_key").await, 0);
    assert!(env.events().await.is_empty());
}

/// A text as `t::text` shows it where it stands in a binary column.
pub(crate) fn hex(text: &str) -> String {
    let digits = text.bytes().map(|byte| format!("{byte:02x}"));
    digits.collect::<Vec<_>>().concat()
}

/// The fields and reasons of a refusal, sorted.
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    let mut violations = servicetest::violations(status);
    violations.sort();
    violations
}
