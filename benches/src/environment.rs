//! A suite of its own for a measurement: what is kept is flushed, and nothing
//! runs that is not asked for.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use dev::{Addresses, Layout, Suite};
use proto::intake::v1::{
    ImportStructuresRequest, structure_service_client::StructureServiceClient,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;
use testkit::{TokenSpec, free_port};
use tests::Process;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::Endpoint,
};

use crate::generator::Generator;

/// The directory of structures: the hospital that declares is in it.
const STRUCTURES: &[u8] = include_bytes!("../../examples/structures.csv");

/// What the chart tells PostgreSQL, a setting a line.
const SETTINGS: &str = include_str!("../../deploy/helm/vigie/files/postgresql.yaml");

/// How long a service may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the services may take to catch up.
const CATCH_UP: Duration = Duration::from_mins(5);

/// The surroundings of a measurement.
pub(crate) struct Environment {
    /// Servers, addresses and schemas.
    pub(crate) suite: Suite,
    folder: TempDir,
}

/// A service at work.
pub(crate) struct Service {
    process: Process,
    /// Where people and programs call it.
    pub(crate) public: SocketAddr,
    /// From the start of its process until it was ready.
    pub(crate) started_in: Duration,
}

/// The settings of [`SETTINGS`], with their values.
fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = SETTINGS.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name, value.trim_matches('"')))
}

impl Environment {
    /// Starts the servers and brings the schemas up to date; no service runs.
    /// PostgreSQL is as installed unless it is `tuned` as the chart tunes it.
    pub(crate) async fn prepare(tuned: bool) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("vigie-bench-").tempdir()?;
        // PostgreSQL runs as another user.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        let suite = Suite::prepare(Layout {
            // A folder that is kept has a server that flushes.
            folder: Some(folder.path().join("suite")),
            ..Layout::throw_away()
        })
        .await?;
        let environment = Self { suite, folder };
        // So that the time between two commits can be asked for afterwards.
        environment
            .tell_postgres("alter system set track_commit_timestamp = on")
            .await?;
        for (name, value) in settings().filter(|_| tuned) {
            let told = format!("alter system set {name} = '{value}'");
            sqlx::raw_sql(AssertSqlSafe(told))
                .execute(&mut environment.look_behind().await?)
                .await?;
        }
        environment.suite.postgres.restart().await?;
        Ok(environment)
    }

    /// Starts a service with these variables on top of the usual, and waits
    /// until it is ready.
    pub(crate) async fn start(&self, name: &str, variables: &[(&str, &str)]) -> Result<Service> {
        self.start_at(self.suite.addresses(name), name, variables)
            .await
    }

    /// Starts so many replicas of a service: the first has the addresses of the
    /// suite, the others have free ones.
    pub(crate) async fn start_replicas(&self, name: &str, replicas: usize) -> Result<Vec<Service>> {
        let mut started = vec![self.start(name, &[]).await?];
        while started.len() < replicas {
            let free = || free_port().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
            let addresses = Addresses {
                public: free()?,
                internal: free()?,
                metrics: free()?,
            };
            let listens = [
                ("SERVER_LISTEN", addresses.public.to_string()),
                ("SERVER_INTERNAL_LISTEN", addresses.internal.to_string()),
                ("SERVER_METRICS_LISTEN", addresses.metrics.to_string()),
            ];
            let listens = listens
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            started.push(self.start_at(addresses, name, &listens).await?);
        }
        Ok(started)
    }

    async fn start_at(
        &self,
        addresses: Addresses,
        name: &str,
        variables: &[(&str, &str)],
    ) -> Result<Service> {
        let mut command = tests::service(&self.suite, name);
        command.envs(variables.iter().copied());
        let log = format!("{name}-{}.log", addresses.public.port());
        let started = Instant::now();
        let process = Process::start(command, self.folder.path().join(log));
        while !is_ready(addresses.metrics).await {
            if started.elapsed() > PATIENCE {
                bail!("{name} is not ready: {}", process.log());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(Service {
            process,
            public: addresses.public,
            started_in: started.elapsed(),
        })
    }

    /// Somebody who declares to intake, for a hospital that its directory knows.
    pub(crate) async fn generator(&self) -> Result<Generator> {
        self.generator_for(vec![self.suite.addresses("intake").public])
            .await
    }

    /// Somebody who declares to these replicas of intake by turns.
    pub(crate) async fn generator_for(&self, intakes: Vec<SocketAddr>) -> Result<Generator> {
        let intake = intakes[0];
        let channel = Endpoint::from_shared(format!("http://{intake}"))?;
        let mut file = Request::new(tokio_stream::once(ImportStructuresRequest {
            chunk: STRUCTURES.into(),
            ..Default::default()
        }));
        let bearer = self.bearer("importer")?;
        file.metadata_mut().insert("authorization", bearer);
        StructureServiceClient::new(channel.connect().await?)
            .import_structures(file)
            .await?;
        Ok(Generator::new(intakes, self.bearer("declarant")?))
    }

    /// What proves that a call is from somebody with this role.
    pub(crate) fn bearer(&self, role: &str) -> Result<MetadataValue<Ascii>> {
        let spec = TokenSpec::of(role).role(role);
        let spec = spec.structure(format!("finess:{}", tests::MONTPELLIER));
        let token = self.suite.issuer.token(&spec);
        Ok(format!("Bearer {token}").parse()?)
    }

    /// A connection that sees every schema.
    pub(crate) async fn look_behind(&self) -> Result<PgConnection> {
        let url = self.suite.database.superuser_url();
        Ok(PgConnection::connect(&url).await?)
    }

    /// How many events each consumer has not applied yet.
    pub(crate) async fn lags(&self) -> Result<Vec<i64>> {
        let lags = sqlx::query_scalar(include_str!("measure/lags.sql"));
        Ok(lags.fetch_all(&mut self.look_behind().await?).await?)
    }

    /// Waits until every event is applied.
    pub(crate) async fn calm(&self) -> Result<()> {
        let caught_up = async {
            while self.lags().await?.iter().any(|lag| *lag != 0) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        };
        match tokio::time::timeout(CATCH_UP, caught_up).await {
            Ok(caught_up) => caught_up,
            Err(_) => bail!("the services do not catch up"),
        }
    }

    /// Has the server do something that is no query.
    pub(crate) async fn tell_postgres(&self, sql: &'static str) -> Result<()> {
        sqlx::raw_sql(sql)
            .execute(&mut self.look_behind().await?)
            .await?;
        Ok(())
    }

    /// The process that has PostgreSQL's others for children.
    pub(crate) fn postmaster(&self) -> Result<u32> {
        let file = self.suite.postgres.folder().join("data/postmaster.pid");
        first_number(&fs::read_to_string(file)?)
    }

    /// The process of Redis.
    pub(crate) fn redis(&self) -> Result<u32> {
        first_number(&fs::read_to_string(self.suite.redis.folder().join("pid"))?)
    }
}

impl Service {
    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Has it finish what it began, and end.
    pub(crate) fn stop(mut self) -> Result<()> {
        let ended = self.process.stop();
        if !ended.success() {
            bail!("a service did not end in order: {}", self.process.log());
        }
        Ok(())
    }
}

async fn is_ready(metrics: SocketAddr) -> bool {
    let asked = async {
        let mut probe = TcpStream::connect(metrics).await?;
        probe.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        probe.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    asked.await.is_ok_and(|answer| answer.contains(" 200 "))
}

fn first_number(text: &str) -> Result<u32> {
    let line = text.lines().next().unwrap_or_default();
    line.trim()
        .parse()
        .context("the file of a server's process")
}

#[cfg(test)]
mod of_settings {
    #[test]
    fn the_settings_of_the_chart_are_read() {
        let settings: Vec<_> = super::settings().collect();
        assert_eq!(settings.len(), 6, "{settings:?}");
        assert!(
            settings.contains(&("random_page_cost", "1.1")),
            "{settings:?}"
        );
        assert!(settings.contains(&("max_wal_size", "5GB")), "{settings:?}");
    }
}
