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
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use crate::args::{Connection, Service};
use crate::exit::Failure;
use crate::language::Language;
use crate::login;

/// A channel that carries a token.
pub(crate) type Authenticated = InterceptedService<Channel, Bearer>;

/// Puts the token on every call.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

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
pub(crate) struct Client {
    connection: Connection,
    pub(crate) json: bool,
    pub(crate) language: Language,
}

impl Client {
    pub(crate) fn new(connection: Connection, json: bool, language: Language) -> Self {
        Self {
            connection,
            json,
            language,
        }
    }

    pub(crate) async fn intake(&self) -> Result<IntakeServiceClient<Authenticated>, Failure> {
        let (channel, bearer) = self
            .open(&self.connection.intake_url, Patience::Call)
            .await?;
        Ok(IntakeServiceClient::with_interceptor(channel, bearer))
    }

    pub(crate) async fn structures(
        &self,
    ) -> Result<StructureServiceClient<Authenticated>, Failure> {
        // Loading a directory takes as long as it takes.
        let (channel, bearer) = self
            .open(&self.connection.intake_url, Patience::Stream)
            .await?;
        Ok(StructureServiceClient::with_interceptor(channel, bearer))
    }

    pub(crate) async fn qualification(
        &self,
    ) -> Result<QualificationServiceClient<Authenticated>, Failure> {
        let (channel, bearer) = self
            .open(&self.connection.qualification_url, Patience::Call)
            .await?;
        Ok(QualificationServiceClient::with_interceptor(
            channel, bearer,
        ))
    }

    pub(crate) async fn notification(
        &self,
    ) -> Result<NotificationServiceClient<Authenticated>, Failure> {
        let (channel, bearer) = self
            .open(&self.connection.notification_url, Patience::Stream)
            .await?;
        Ok(NotificationServiceClient::with_interceptor(channel, bearer))
    }

    pub(crate) async fn statistics(
        &self,
    ) -> Result<StatisticsServiceClient<Authenticated>, Failure> {
        let (channel, bearer) = self
            .open(&self.connection.statistics_url, Patience::Call)
            .await?;
        Ok(StatisticsServiceClient::with_interceptor(channel, bearer))
    }

    pub(crate) async fn deliveries(&self) -> Result<DeliveryServiceClient<Authenticated>, Failure> {
        let (channel, bearer) = self
            .open(&self.connection.notification_url, Patience::Call)
            .await?;
        Ok(DeliveryServiceClient::with_interceptor(channel, bearer))
    }

    pub(crate) async fn consumers(
        &self,
        service: Service,
    ) -> Result<ConsumerServiceClient<Authenticated>, Failure> {
        let url = match service {
            Service::Intake => &self.connection.intake_url,
            Service::Qualification => &self.connection.qualification_url,
            Service::Notification => &self.connection.notification_url,
            Service::Statistics => &self.connection.statistics_url,
        };
        let (channel, bearer) = self.open(url, Patience::Call).await?;
        Ok(ConsumerServiceClient::with_interceptor(channel, bearer))
    }

    /// Whether every connection asks for a token of its own, so that one which
    /// expired does not end a stream.
    pub(crate) fn renews_its_token(&self) -> bool {
        self.connection.identity.is_some() || self.connection.token_file.is_some()
    }

    async fn open(&self, url: &str, patience: Patience) -> Result<(Channel, Bearer), Failure> {
        let token = login::token(&self.connection, self.language).await?;
        let bearer = token
            .map(|token| format!("Bearer {token}").parse())
            .transpose()
            .context("the token is not one line of ASCII")?;
        Ok((
            connect(url, &self.connection, patience).await?,
            Bearer(bearer),
        ))
    }
}

/// How long a call may take.
#[derive(Clone, Copy)]
enum Patience {
    /// As long as --timeout says.
    Call,
    /// As long as it lives.
    Stream,
}

async fn connect(
    url: &str,
    connection: &Connection,
    patience: Patience,
) -> Result<Channel, Failure> {
    let not_an_address = || Failure::Usage(format!("not an address like http://host:port: {url}"));
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(not_an_address());
    }
    let mut endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|_| not_an_address())?
        .connect_timeout(Duration::from_secs(5))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_while_idle(true);
    if let Patience::Call = patience {
        endpoint = endpoint.timeout(Duration::from_secs(connection.timeout));
    }
    if url.starts_with("https://") {
        let mut tls = ClientTlsConfig::new().with_native_roots();
        if let Some(file) = &connection.ca_file {
            let pem = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
            tls = tls.ca_certificate(Certificate::from_pem(pem));
        }
        endpoint = endpoint.tls_config(tls).context("preparing TLS")?;
    }
    endpoint.connect().await.map_err(|error| {
        let cause = std::error::Error::source(&error)
            .map_or_else(|| error.to_string(), ToString::to_string);
        Failure::from(Status::unavailable(format!("{url}: {cause}")))
    })
}
