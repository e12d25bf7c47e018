//! The whole suite on one machine: its surroundings, and the four services.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use platform::{Environment, Listeners, Metrics, StartError, Tasks};
use testkit::{
    AUDIENCE, CLIENT_ID, Certificates, Database, Folder, Issuer, IssuerOptions, Postgres,
    PostgresOptions, Redis, RedisOptions, SmtpOptions, SmtpSink,
};
use tokio_util::sync::CancellationToken;

use crate::identities::identities;
use crate::portal::PortalConfig;

/// The services, in the order of their start.
pub const SERVICES: [&str; 4] = ["intake", "qualification", "notification", "statistics"];

/// The on-call chain of one machine.
const ON_CALL: &str = r#"[{"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z",
    "addresses": ["astreinte@example.org"]}]"#;

/// Where a service listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// For people and programs.
    pub public: SocketAddr,
    /// For the other services.
    pub internal: SocketAddr,
    /// For metrics and probes.
    pub metrics: SocketAddr,
}

/// Which ports the suite uses.
#[derive(Clone, Copy, Debug)]
pub enum Ports {
    /// 7410 and following, and 5173 for the portal, so that people know where to call.
    Fixed,
    /// Any free ones.
    Free,
}

/// How the suite is laid out on the machine.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The folder of everything that is kept; a throw-away one when absent.
    pub folder: Option<PathBuf>,
    /// Which ports.
    pub ports: Ports,
    /// Where spans are sent; nowhere when absent.
    pub otlp_endpoint: Option<String>,
    /// Further variables for every service. They win over the suite's own: with
    /// `EVENTLOG_REDIS_URL` and `EVENTLOG_REDIS_MODE` another Redis is used.
    pub variables: Vec<(String, String)>,
}

impl Layout {
    /// A throw-away suite on free ports.
    pub fn throw_away() -> Self {
        Self {
            folder: None,
            ports: Ports::Free,
            otlp_endpoint: None,
            variables: Vec::new(),
        }
    }
}

/// The surroundings of the suite, ready for the services to start.
pub struct Suite {
    /// The database server.
    pub postgres: Postgres,
    /// The database, with a schema and a role for each service.
    pub database: Database,
    /// The queue.
    pub redis: Redis,
    /// The local issuer of tokens.
    pub issuer: Issuer,
    /// The mail server, which delivers nothing.
    pub mail: SmtpSink,
    layout: Layout,
    folder: PathBuf,
    addresses: [Addresses; 4],
    portal: SocketAddr,
    certificates: Certificates,
    /// Removes a throw-away folder.
    _temporary: Option<tempfile::TempDir>,
}

impl Suite {
    /// Starts the surroundings and brings the schemas up to date.
    pub async fn prepare(layout: Layout) -> anyhow::Result<Self> {
        let suite = Self::without_migrations(layout).await?;
        suite.migrate().await?;
        Ok(suite)
    }

    /// Starts the surroundings, and leaves the schemas as they are.
    pub async fn without_migrations(layout: Layout) -> anyhow::Result<Self> {
        let temporary = match layout.folder {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("vigie-").tempdir()?),
        };
        let folder = match (&layout.folder, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => unreachable!("a folder is given or made"),
        };
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let place = |name: &str| match layout.folder {
            Some(_) => Folder::Kept(folder.join(name)),
            None => Folder::ThrowAway,
        };
        let fixed = |port: u16| match layout.ports {
            Ports::Fixed => Some(port),
            Ports::Free => None,
        };

        let postgres = Postgres::start(PostgresOptions {
            folder: place("postgres"),
            port: fixed(7450),
            ..Default::default()
        })
        .await
        .context("starting PostgreSQL")?;
        let redis = Redis::start(RedisOptions {
            folder: place("redis"),
            port: fixed(7460),
            ..Default::default()
        })
        .await
        .context("starting Redis")?;
        let issuer = Issuer::start_with(IssuerOptions {
            port: fixed(7410),
            key_file: Some(folder.join("issuer.key")),
            identities: identities(),
            ..Default::default()
        })
        .await
        .context("starting the local issuer (is another suite up?)")?;
        let mail = SmtpSink::start_with(SmtpOptions {
            port: fixed(7440),
            ..Default::default()
        })
        .await
        .context("starting the local mail server")?;
        let certificates = Certificates::generate(folder.join("certificates"))?;
        for service in SERVICES {
            certificates.issue(service)?;
        }
        for name in ["master.key", "log.key", "reference.key"] {
            make_key(&folder.join(name))?;
        }
        fs::write(folder.join("on-call.json"), ON_CALL)?;
        let database = postgres.named_database("vigie").await?;
        let portal = match fixed(5173) {
            Some(port) => local(port),
            None => local(testkit::free_port()?),
        };
        let addresses = match layout.ports {
            Ports::Fixed => [1, 2, 3, 4].map(|number| Addresses {
                public: local(7410 + number),
                internal: local(7420 + number),
                metrics: local(7430 + number),
            }),
            Ports::Free => {
                let free = || testkit::free_port().map(local);
                let one = || {
                    anyhow::Ok(Addresses {
                        public: free()?,
                        internal: free()?,
                        metrics: free()?,
                    })
                };
                [one()?, one()?, one()?, one()?]
            }
        };
        Ok(Self {
            postgres,
            database,
            redis,
            issuer,
            mail,
            layout,
            folder,
            addresses,
            portal,
            certificates,
            _temporary: temporary,
        })
    }

    /// Where a service listens.
    pub fn addresses(&self, service: &str) -> Addresses {
        let number = SERVICES.iter().position(|name| *name == service);
        self.addresses[number.expect("only the four services are asked for")]
    }

    /// Where the portal is served; the services answer pages that come from there.
    pub fn portal(&self) -> SocketAddr {
        self.portal
    }

    /// Where the portal finds this suite.
    pub fn portal_config(&self) -> PortalConfig {
        let url = |service: &str| format!("http://{}", self.addresses(service).public);
        PortalConfig {
            issuer: self.issuer.url().to_owned(),
            client_id: CLIENT_ID.to_owned(),
            intake: url("intake"),
            qualification: url("qualification"),
            notification: url("notification"),
            statistics: url("statistics"),
        }
    }

    /// Everything a service is told at its start.
    pub fn environment(&self, service: &str) -> Environment {
        let addresses = self.addresses(service);
        let file = |name: &str| self.folder.join(name).display().to_string();
        let internal = |service: &str| format!("https://{}", self.addresses(service).internal);
        // A browser tells both names of this machine apart.
        let origins = format!(
            "http://{},http://localhost:{}",
            self.portal,
            self.portal.port()
        );
        let mut variables = vec![
            ("DATABASE_URL", self.database.url(service)),
            ("DATABASE_SCHEMA", service.to_owned()),
            ("SERVER_LISTEN", addresses.public.to_string()),
            ("SERVER_INTERNAL_LISTEN", addresses.internal.to_string()),
            ("SERVER_METRICS_LISTEN", addresses.metrics.to_string()),
            ("SERVER_REFLECTION", "true".to_owned()),
            ("SERVER_ALLOWED_ORIGINS", origins),
            (
                "INTERNAL_TLS_CERT_FILE",
                self.certificates.cert_file(service).display().to_string(),
            ),
            (
                "INTERNAL_TLS_KEY_FILE",
                self.certificates.key_file(service).display().to_string(),
            ),
            (
                "INTERNAL_TLS_CA_FILE",
                self.certificates.ca_file().display().to_string(),
            ),
            ("AUTH_ISSUER", self.issuer.url().to_owned()),
            ("AUTH_AUDIENCE", AUDIENCE.to_owned()),
            ("SEALING_MASTER_KEY_FILE", file("master.key")),
            ("SEALING_LOG_KEY_FILE", file("log.key")),
            ("EVENTLOG_REDIS_URL", self.redis.url()),
            ("PRODUCER_INTAKE_URL", internal("intake")),
            ("PRODUCER_QUALIFICATION_URL", internal("qualification")),
            ("INTAKE_REFERENCE_KEY_FILE", file("reference.key")),
            // Whoever tries an escalation on one machine does not wait for the night.
            ("QUALIFICATION_ESCALATION_DAY_AND_NIGHT", "true".to_owned()),
            ("QUALIFICATION_ESCALATION_DELAY_SECONDS", "5".to_owned()),
            ("SMTP_HOST", self.mail.address().ip().to_string()),
            ("SMTP_PORT", self.mail.address().port().to_string()),
            ("SMTP_TLS", "none".to_owned()),
            ("NOTIFICATION_FROM", "vigie@example.org".to_owned()),
            ("NOTIFICATION_FSSI_MAILBOXES", "fssi@example.org".to_owned()),
            (
                "NOTIFICATION_CELL_MAILBOXES",
                "cellule@example.org".to_owned(),
            ),
            (
                "NOTIFICATION_AGENCY_MAIL_DOMAIN",
                "ars.example.org".to_owned(),
            ),
            ("NOTIFICATION_ON_CALL_FILE", file("on-call.json")),
            ("INTAKE_AGENCY_MAIL_DOMAIN", "ars.example.org".to_owned()),
        ];
        if let Some(endpoint) = &self.layout.otlp_endpoint {
            variables.push(("TELEMETRY_OTLP_ENDPOINT", endpoint.clone()));
        }
        let own = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        own.chain(self.layout.variables.iter().cloned()).collect()
    }

    /// The folder of the suite.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        for service in SERVICES {
            let database = self.environment(service).read("DATABASE_")?;
            let migrators = match service {
                "intake" => intake::migrators(),
                "qualification" => qualification::migrators(),
                "notification" => notification::migrators(),
                _ => statistics::migrators(),
            };
            platform::migrate(&database, &migrators)
                .await
                .with_context(|| format!("migrating {service}"))?;
        }
        Ok(())
    }

    /// Starts the four services in this process, each a task that ends at the
    /// shutdown.
    pub async fn start(&self, shutdown: &CancellationToken) -> Result<Tasks, StartError> {
        let tasks = Tasks::new(shutdown.clone());
        macro_rules! start {
            ($($service:ident),+) => {$(
                let config = $service::Config::read(&self.environment($service::NAME))?;
                let listeners = Listeners::bind(&config.base.server).await?;
                let app = $service::build(config, Arc::new(Metrics::new())).await?;
                let running = app.run(listeners, shutdown.clone());
                tasks.spawn($service::NAME, async move {
                    if let Err(error) = running.await {
                        tracing::error!(error.message = %error, service.name = $service::NAME, "a service stopped");
                    }
                });
            )+};
        }
        start!(intake, qualification, notification, statistics);
        Ok(tasks)
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Makes a key of 32 random bytes where there is none yet.
fn make_key(file: &Path) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
    {
        Ok(mut kept) => kept.write_all(STANDARD.encode(bytes).as_bytes())?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("making {}", file.display())),
    }
    Ok(())
}
