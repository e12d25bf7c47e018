//! Channels to the services, with the caller's token on every call.

use std::time::Duration;

use anyhow::Context as _;
use proto::eventlog::v1::consumer_service_client::ConsumerServiceClient;
use proto::intake::v1::{
    intake_service_client::IntakeServiceClient, structure_service_client::StructureServiceClient,
};
use proto::notification::v1::{
    delivery_service_client::DeliveryServiceClient,
    notification_service_client::NotificationServiceClient,
};
use proto::qualification::v1::qualification_service_client::QualificationServiceClient;
use proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::{Interceptor, interceptor::InterceptedService};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::args::{Connection, Format, Service};
use crate::clock::Zone;
use crate::exit::Failure;
use crate::language::Language;
use crate::retry::RetryChannel;
use crate::{login, text_file};

/// A channel that carries a token.
pub(crate) type Authenticated = InterceptedService<RetryChannel, Bearer>;

/// Puts the token on every call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// What every command needs: where to call, as whom, and how to print.
pub struct Client {
    connection: Connection,
    /// Whether answers are printed as JSON.
    pub json: bool,
    /// The language of what is printed for people.
    pub language: Language,
    /// The time zone of what is printed for people.
    pub zone: Zone,
}

impl Client {
    /// Connects to nothing yet.
    pub fn new(connection: Connection, format: Format, language: Language) -> Self {
        let zone = if format.utc { Zone::Utc } else { Zone::Paris };
        Self {
            connection,
            json: format.json,
            language,
            zone,
        }
    }

    /// Calls intake about reports.
    pub async fn intake(&self) -> Result<IntakeServiceClient<Authenticated>, Failure> {
        let channel = self.channel(&self.connection.intake_url).await?;
        Ok(IntakeServiceClient::new(channel))
    }

    pub(crate) async fn structures(
        &self,
    ) -> Result<StructureServiceClient<Authenticated>, Failure> {
        let channel = self.channel(&self.connection.intake_url).await?;
        Ok(StructureServiceClient::new(channel))
    }

    pub(crate) async fn qualification(
        &self,
    ) -> Result<QualificationServiceClient<Authenticated>, Failure> {
        let channel = self.channel(&self.connection.qualification_url).await?;
        Ok(QualificationServiceClient::new(channel))
    }

    /// Calls notification about what happens.
    pub async fn notification(&self) -> Result<NotificationServiceClient<Authenticated>, Failure> {
        let channel = self.channel(&self.connection.notification_url).await?;
        Ok(NotificationServiceClient::new(channel))
    }

    /// Calls statistics.
    pub async fn statistics(&self) -> Result<StatisticsServiceClient<Authenticated>, Failure> {
        let channel = self.channel(&self.connection.statistics_url).await?;
        Ok(StatisticsServiceClient::new(channel))
    }

    pub(crate) async fn deliveries(&self) -> Result<DeliveryServiceClient<Authenticated>, Failure> {
        let channel = self.channel(&self.connection.notification_url).await?;
        Ok(DeliveryServiceClient::new(channel))
    }

    pub(crate) async fn consumers(
        &self,
        service: Service,
    ) -> Result<ConsumerServiceClient<Authenticated>, Failure> {
        Ok(ConsumerServiceClient::new(self.channel_to(service).await?))
    }

    /// A channel to a service, for the clients of its features.
    pub(crate) async fn channel_to(&self, service: Service) -> Result<Authenticated, Failure> {
        let url = match service {
            Service::Intake => &self.connection.intake_url,
            Service::Qualification => &self.connection.qualification_url,
            Service::Notification => &self.connection.notification_url,
            Service::Statistics => &self.connection.statistics_url,
        };
        self.channel(url).await
    }

    /// Whether every connection asks for a token of its own, so that one which
    /// expired does not end a stream.
    pub(crate) fn renews_its_token(&self) -> bool {
        self.connection.identity.is_some() || self.connection.token_file.is_some()
    }

    async fn channel(&self, url: &str) -> Result<Authenticated, Failure> {
        // A wrong address is told before a token is asked for.
        let endpoint = endpoint(url, &self.connection)?;
        let token = login::token(&self.connection, self.language).await?;
        let bearer = token
            .map(|token| format!("Bearer {token}").parse())
            .transpose()
            .context("the token is not one line of ASCII")?;
        let limit = Duration::from_secs(self.connection.timeout);
        let channel = RetryChannel::new(endpoint.connect_lazy(), url, limit);
        Ok(InterceptedService::new(channel, Bearer(bearer)))
    }
}

fn endpoint(url: &str, connection: &Connection) -> Result<Endpoint, Failure> {
    let not_an_address = || Failure::Usage(format!("not an address like http://host:port: {url}"));
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(not_an_address());
    }
    let mut endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|_| not_an_address())?
        .connect_timeout(Duration::from_secs(5))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_while_idle(true);
    if url.starts_with("https://") {
        let mut tls = ClientTlsConfig::new().with_native_roots();
        if let Some(file) = &connection.ca_file {
            tls = tls.ca_certificate(Certificate::from_pem(text_file::read(file)?));
        }
        endpoint = endpoint.tls_config(tls).context("preparing TLS")?;
    }
    Ok(endpoint)
}
