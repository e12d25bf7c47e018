//! A process of the service under test.

use std::sync::Arc;

use platform::{Files, Listeners, Metrics, StartError, internal_channel};
use testkit::{Certificates, Issuer, TokenSpec};
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};

use crate::{
    ServiceEnv,
    client::{AuthorizedChannel, Bearer},
    env::internal_tls,
};

/// One process of the service, on free ports.
pub struct RunningService {
    /// Its metrics.
    pub metrics: Arc<Metrics>,
    name: &'static str,
    channel: Channel,
    internal_url: String,
    issuer: Arc<Issuer>,
    certificates: Certificates,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), StartError>>,
}

impl RunningService {
    pub(crate) fn new<R>(
        env: &ServiceEnv,
        metrics: Arc<Metrics>,
        listeners: Listeners,
        shutdown: CancellationToken,
        run: impl FnOnce(Listeners, CancellationToken) -> R,
    ) -> Self
    where
        R: Future<Output = Result<(), StartError>> + Send + 'static,
    {
        let public = listeners.public.local_addr().expect("a bound socket");
        let internal = listeners.internal.local_addr().expect("a bound socket");
        let endpoint = Endpoint::from_shared(format!("http://{public}")).expect("an address");
        Self {
            metrics,
            name: env.name(),
            channel: endpoint.connect_lazy(),
            internal_url: format!("https://{internal}"),
            issuer: Arc::clone(env.issuer()),
            certificates: env.certificates().clone(),
            task: TaskTracker::new().spawn(run(listeners, shutdown.clone())),
            shutdown,
        }
    }

    /// A channel to the public listener, with a token that says this.
    pub fn as_user(&self, user: &TokenSpec) -> AuthorizedChannel {
        let bearer = Bearer::new(&self.issuer.token(user));
        InterceptedService::new(self.channel.clone(), bearer)
    }

    /// A channel to the public listener, without a token.
    pub fn anonymous(&self) -> Channel {
        self.channel.clone()
    }

    /// A channel to the internal listener, with the certificate of this service.
    pub fn as_service(&self, service: &str) -> Channel {
        let tls = internal_tls(&self.certificates, service);
        internal_channel(self.name, &self.internal_url, &tls, &Files::default())
            .expect("the certificates can be read")
    }

    /// The value of the first metric whose line begins like this; zero without one.
    pub fn metric(&self, begin: &str) -> f64 {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| line.starts_with(begin));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or_default()
    }

    /// Asks the process to end, without waiting for it.
    pub fn begin_shutdown(&self) {
        self.shutdown.cancel();
    }

    /// Whether the process has ended.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops the process in order and gives its result.
    pub async fn stop(self) -> Result<(), StartError> {
        self.shutdown.cancel();
        self.task.await.expect("the service does not panic")
    }
}
