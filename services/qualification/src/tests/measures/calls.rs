//! Calls about measures by their users.

use proto::{
    qualification::v1::{
        self as pb, measure_service_client::MeasureServiceClient, propose_measure_request::Content,
    },
    types::v1 as types,
};
use servicetest::AuthorizedChannel;
use testkit::TokenSpec;
use tonic::Status;
use uuid::Uuid;

use crate::tests::env::{TestEnv, analyst, in_scope};

impl TestEnv {
    pub(super) fn measure_client(
        &self,
        user: &TokenSpec,
    ) -> MeasureServiceClient<AuthorizedChannel> {
        MeasureServiceClient::new(self.service.as_user(user))
    }

    /// Opens a case and qualifies it; gives its id.
    pub(super) async fn qualified(&self) -> String {
        let id = self.open(&self.report()).await.case_id;
        self.qualify(&analyst(), in_scope(&id)).await.unwrap();
        id
    }

    pub(super) async fn propose(&self, case_id: &str, text: &str) -> Result<pb::Measure, Status> {
        self.send_proposal(proposal(case_id, text)).await
    }

    pub(super) async fn send_proposal(
        &self,
        request: pb::ProposeMeasureRequest,
    ) -> Result<pb::Measure, Status> {
        let mut service = self.measure_client(&analyst());
        let answer = service.propose_measure(request).await?;
        Ok(answer.into_inner().measure.unwrap())
    }

    pub(super) async fn ask_for_measures(
        &self,
        case_id: &str,
        text: &str,
    ) -> Result<pb::Measure, Status> {
        let request = pb::AskForMeasuresRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: case_id.to_owned(),
            request: text.to_owned(),
            ..Default::default()
        };
        let mut service = self.measure_client(&declarant());
        let answer = service.ask_for_measures(request).await?;
        Ok(answer.into_inner().measure.unwrap())
    }

    pub(super) async fn accept(
        &self,
        who: &TokenSpec,
        it: &pb::Measure,
    ) -> Result<pb::Measure, Status> {
        let request = pb::AcceptMeasureRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: it.case_id.clone(),
            measure_id: it.measure_id.clone(),
            etag: it.etag.clone(),
        };
        let answer = self.measure_client(who).accept_measure(request).await?;
        Ok(answer.into_inner().measure.unwrap())
    }

    pub(super) async fn complete(
        &self,
        who: &TokenSpec,
        it: &pb::Measure,
    ) -> Result<pb::Measure, Status> {
        let request = pb::CompleteMeasureRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: it.case_id.clone(),
            measure_id: it.measure_id.clone(),
            etag: it.etag.clone(),
        };
        let answer = self.measure_client(who).complete_measure(request).await?;
        Ok(answer.into_inner().measure.unwrap())
    }

    pub(super) async fn decline(
        &self,
        who: &TokenSpec,
        it: &pb::Measure,
        reason: &str,
    ) -> Result<pb::Measure, Status> {
        let request = pb::DeclineMeasureRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: it.case_id.clone(),
            measure_id: it.measure_id.clone(),
            etag: String::new(),
            reason: reason.to_owned(),
        };
        let answer = self.measure_client(who).decline_measure(request).await?;
        Ok(answer.into_inner().measure.unwrap())
    }

    pub(super) async fn withdraw_measure(&self, it: &pb::Measure) -> Result<pb::Measure, Status> {
        let request = pb::WithdrawMeasureRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: it.case_id.clone(),
            measure_id: it.measure_id.clone(),
            ..Default::default()
        };
        let mut service = self.measure_client(&analyst());
        let answer = service.withdraw_measure(request).await?;
        Ok(answer.into_inner().measure.unwrap())
    }

    pub(super) async fn measures(
        &self,
        who: &TokenSpec,
        case_id: &str,
    ) -> Result<Vec<pb::Measure>, Status> {
        let request = pb::ListMeasuresRequest {
            case_id: case_id.to_owned(),
            ..Default::default()
        };
        let listed = self.measure_client(who).list_measures(request).await?;
        Ok(listed.into_inner().measures)
    }

    pub(super) async fn catalogue(
        &self,
        who: &TokenSpec,
        request: pb::ListCatalogueRequest,
    ) -> Result<pb::ListCatalogueResponse, Status> {
        let listed = self.measure_client(who).list_catalogue(request).await?;
        Ok(listed.into_inner())
    }
}

pub(super) fn declarant() -> TokenSpec {
    TokenSpec::of("decl").role("declarant")
}

/// A measure in the analyst's own words.
pub(super) fn proposal(case_id: &str, text: &str) -> pb::ProposeMeasureRequest {
    pb::ProposeMeasureRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        content: Some(Content::Draft(pb::MeasureDraft {
            kind: types::MeasureKind::Emergency.into(),
            title: "Mesure".to_owned(),
            text: text.to_owned(),
        })),
        ..Default::default()
    }
}
