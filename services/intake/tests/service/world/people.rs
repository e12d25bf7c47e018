//! Somebody who calls the service.

use std::sync::Arc;

use proto::intake::v1::{
    self as pb, intake_service_client::IntakeServiceClient,
    structure_service_client::StructureServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::Channel,
};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// Somebody who calls the service with a token of his own.
#[derive(Clone)]
pub(crate) struct Person {
    reports: IntakeServiceClient<Channel>,
    structures: StructureServiceClient<Channel>,
    token: Arc<MetadataValue<Ascii>>,
}

impl Person {
    pub(crate) fn new(
        reports: IntakeServiceClient<Channel>,
        structures: StructureServiceClient<Channel>,
        token: &str,
    ) -> Self {
        let token = Arc::new(format!("Bearer {token}").parse().unwrap());
        Self {
            reports,
            structures,
            token,
        }
    }

    /// Sends a draft as a new request.
    pub(crate) async fn submit(&self, draft: pb::ReportDraft) -> Result<pb::Receipt, Status> {
        self.send(pb::SubmitReportRequest {
            request_id: Uuid::new_v4().to_string(),
            draft: Some(draft),
            declared_at: None,
        })
        .await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(
        &self,
        request: pb::SubmitReportRequest,
    ) -> Result<pb::Receipt, Status> {
        let answer = self
            .reports
            .clone()
            .submit_report(self.signed(request))
            .await?;
        Ok(answer.into_inner().receipt.unwrap())
    }

    /// Asks what a draft would set off.
    pub(crate) async fn check(
        &self,
        draft: pb::ReportDraft,
    ) -> Result<pb::CheckReportResponse, Status> {
        let request = pb::CheckReportRequest {
            draft: Some(draft),
            declared_at: None,
        };
        Ok(self
            .reports
            .clone()
            .check_report(self.signed(request))
            .await?
            .into_inner())
    }

    /// Reads a report by its id or its reference.
    pub(crate) async fn get(&self, report_id: &str) -> Result<pb::Report, Status> {
        let request = pb::GetReportRequest {
            report_id: report_id.to_owned(),
        };
        let answer = self
            .reports
            .clone()
            .get_report(self.signed(request))
            .await?;
        Ok(answer.into_inner().report.unwrap())
    }

    /// Lists reports.
    pub(crate) async fn list(
        &self,
        request: pb::ListReportsRequest,
    ) -> Result<pb::ListReportsResponse, Status> {
        Ok(self
            .reports
            .clone()
            .list_reports(self.signed(request))
            .await?
            .into_inner())
    }

    /// Withdraws a report.
    pub(crate) async fn withdraw(
        &self,
        request: pb::WithdrawReportRequest,
    ) -> Result<pb::Report, Status> {
        let answer = self
            .reports
            .clone()
            .withdraw_report(self.signed(request))
            .await?;
        Ok(answer.into_inner().report.unwrap())
    }

    /// Loads the directory from a file, cut into small pieces.
    pub(crate) async fn import(&self, file: &[u8]) -> Result<pb::ImportStructuresResponse, Status> {
        self.import_as(file, pb::ImportStructuresRequest::default())
            .await
    }

    /// Loads the directory from a file whose columns are named as `first` says.
    pub(crate) async fn import_as(
        &self,
        file: &[u8],
        first: pb::ImportStructuresRequest,
    ) -> Result<pb::ImportStructuresResponse, Status> {
        let pieces = file.chunks(1_000).map(|chunk| pb::ImportStructuresRequest {
            chunk: chunk.to_vec().into(),
            ..pb::ImportStructuresRequest::default()
        });
        let pieces: Vec<_> = std::iter::once(first).chain(pieces).collect();
        let request = self.signed(futures::stream::iter(pieces));
        Ok(self
            .structures
            .clone()
            .import_structures(request)
            .await?
            .into_inner())
    }

    /// Shows a structure.
    pub(crate) async fn structure(&self, finess: &str) -> Result<pb::Structure, Status> {
        let request = pb::GetStructureRequest {
            finess: finess.to_owned(),
        };
        let answer = self
            .structures
            .clone()
            .get_structure(self.signed(request))
            .await?;
        Ok(answer.into_inner().structure.unwrap())
    }

    /// Searches structures.
    pub(crate) async fn search(
        &self,
        query: &str,
        page_size: u32,
        page_token: &str,
    ) -> Result<pb::SearchStructuresResponse, Status> {
        let request = pb::SearchStructuresRequest {
            query: query.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
        };
        Ok(self
            .structures
            .clone()
            .search_structures(self.signed(request))
            .await?
            .into_inner())
    }

    /// A request with the person's token.
    pub(crate) fn signed<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert("authorization", (*self.token).clone());
        request
    }
}

/// The fields and reasons of a refusal, sorted.
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let mut violations: Vec<(String, String)> = details
        .bad_request()
        .map(|bad| &bad.field_violations)
        .into_iter()
        .flatten()
        .map(|violation| (violation.field.clone(), violation.reason.clone()))
        .collect();
    violations.sort();
    violations
}

/// The machine-readable reason of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}
