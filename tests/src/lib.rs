//! The suite as a user sees it: what the tests of journeys, rights and faults share.

pub mod faults;
mod process;

use std::sync::Arc;

use dev::{Layout, Suite};
use platform::Tasks;
use proto::intake::v1 as intake_pb;
use proto::intake::v1::{
    intake_service_client::IntakeServiceClient, structure_service_client::StructureServiceClient,
};
use proto::notification::v1::{
    delivery_service_client::DeliveryServiceClient,
    notification_service_client::NotificationServiceClient,
};
use proto::qualification::v1::qualification_service_client::QualificationServiceClient;
use proto::statistics::v1::statistics_service_client::StatisticsServiceClient;
use proto::types::v1 as types;
use testkit::TokenSpec;
use tokio_util::sync::CancellationToken;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::{Interceptor, interceptor::InterceptedService};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use uuid::Uuid;

pub use process::{Process, programs, run_briefly, service};

/// A hospital of Occitanie (region 76), of which "director" is a declarant.
pub const MONTPELLIER: &str = "340782085";
/// A hospital of Normandie (region 28), of which "director-rouen" is a declarant.
pub const ROUEN: &str = "760000166";

/// The four services at work in this process, in a throw-away env.
pub struct TestEnv {
    /// Its surroundings.
    pub suite: Arc<Suite>,
    shutdown: CancellationToken,
    _services: Tasks,
}

impl TestEnv {
    /// Starts everything; nothing has been declared yet.
    pub async fn start() -> Self {
        Self::start_with(Layout::throw_away()).await
    }

    /// Starts everything with another layout.
    pub async fn start_with(layout: Layout) -> Self {
        let suite = Suite::prepare(layout)
            .await
            .expect("the surroundings start");
        let shutdown = CancellationToken::new();
        let services = suite.start(&shutdown).await.expect("the services start");
        Self {
            suite: Arc::new(suite),
            shutdown,
            _services: services,
        }
    }

    /// Somebody who calls, by the name of a local identity.
    pub fn as_user(&self, identity: &str) -> Caller {
        let mut tokens = dev::identities().into_iter().map(|it| it.token);
        let spec = tokens.find(|spec| spec.subject == identity);
        self.with_token(&spec.unwrap_or_else(|| panic!("no identity {identity}")))
    }

    /// Somebody who calls with a token that says this.
    pub fn with_token(&self, spec: &TokenSpec) -> Caller {
        self.with_bearer(Some(self.suite.issuer.token(spec)))
    }

    /// Somebody who calls with this as a token, or without any.
    pub fn with_bearer(&self, token: Option<String>) -> Caller {
        Caller {
            suite: Arc::clone(&self.suite),
            bearer: Bearer::new(token),
        }
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A channel that carries a token.
pub type Authenticated = InterceptedService<Channel, Bearer>;

/// Puts the token on every call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Bearer {
    fn new(token: Option<String>) -> Self {
        Self(token.map(|token| format!("Bearer {token}").parse().expect("a token is ASCII")))
    }
}

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

/// Somebody who calls the services.
#[derive(Clone)]
pub struct Caller {
    suite: Arc<Suite>,
    bearer: Bearer,
}

impl Caller {
    /// A channel to the public listener of a service.
    pub fn channel(&self, service: &str) -> Authenticated {
        let address = self.suite.addresses(service).public;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        InterceptedService::new(endpoint.connect_lazy(), self.bearer.clone())
    }

    /// Calls intake about reports.
    pub fn intake(&self) -> IntakeServiceClient<Authenticated> {
        IntakeServiceClient::new(self.channel("intake"))
    }

    /// Calls intake about structures.
    pub fn structures(&self) -> StructureServiceClient<Authenticated> {
        StructureServiceClient::new(self.channel("intake"))
    }

    /// Calls qualification.
    pub fn qualification(&self) -> QualificationServiceClient<Authenticated> {
        QualificationServiceClient::new(self.channel("qualification"))
    }

    /// Calls notification about what happens.
    pub fn notification(&self) -> NotificationServiceClient<Authenticated> {
        NotificationServiceClient::new(self.channel("notification"))
    }

    /// Calls notification about deliveries.
    pub fn deliveries(&self) -> DeliveryServiceClient<Authenticated> {
        DeliveryServiceClient::new(self.channel("notification"))
    }

    /// Calls statistics.
    pub fn statistics(&self) -> StatisticsServiceClient<Authenticated> {
        StatisticsServiceClient::new(self.channel("statistics"))
    }

    /// Submits a draft and gives its receipt.
    pub async fn submit(&self, draft: intake_pb::ReportDraft) -> intake_pb::Receipt {
        let request = intake_pb::SubmitReportRequest {
            request_id: Uuid::now_v7().to_string(),
            draft: Some(draft),
            ..intake_pb::SubmitReportRequest::default()
        };
        let answer = self
            .intake()
            .submit_report(request)
            .await
            .expect("the report is taken");
        answer
            .into_inner()
            .receipt
            .expect("a receipt comes with it")
    }
}

/// A ransomware attack on a hospital, as its director declares it.
pub fn ransomware(finess: &str) -> intake_pb::ReportDraft {
    let now = platform::now();
    intake_pb::ReportDraft {
        kind: types::ReportKind::Incident.into(),
        structure: Some(types::StructureIdentifier {
            identifier: Some(types::structure_identifier::Identifier::Finess(
                finess.to_owned(),
            )),
        }),
        capacity: intake_pb::DeclarantCapacity::Director.into(),
        declarant: Some(intake_pb::Contact {
            family_name: "Martin".to_owned(),
            given_name: "Camille".to_owned(),
            position: "Directrice".to_owned(),
            email: "direction@example.org".to_owned(),
            phone: "04 00 00 00 00".to_owned(),
        }),
        found_at: Some(prost_types::Timestamp {
            seconds: now.unix_timestamp() - 600,
            nanos: 0,
        }),
        description: "Postes chiffrés, accueil des urgences sur papier".to_owned(),
        origin: types::Origin::Malicious.into(),
        origin_types: vec![types::OriginType::Ransomware.into()],
        impacts: Some(types::Impacts {
            data: vec![types::DataImpact::Unavailability.into()],
            data_natures: vec![types::DataNature::Health.into()],
            care: types::CareImpact::DegradedMode.into(),
            patient_endangerment: types::PatientEndangerment::Potential.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}
