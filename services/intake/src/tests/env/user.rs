//! The service as one of its users sees it.

use proto::intake::v1::{
    self as pb, amendment_service_client::AmendmentServiceClient,
    delegation_service_client::DelegationServiceClient, draft_service_client::DraftServiceClient,
    duty_dossier_service_client::DutyDossierServiceClient,
    intake_service_client::IntakeServiceClient, link_service_client::LinkServiceClient,
    resolution_service_client::ResolutionServiceClient,
    structure_contact_service_client::StructureContactServiceClient,
    structure_service_client::StructureServiceClient,
    timeline_service_client::TimelineServiceClient,
};
use servicetest::AuthorizedChannel;
use tonic::{Status, Streaming};
use uuid::Uuid;

/// A user who calls the service with a token.
#[derive(Clone)]
pub(crate) struct User {
    reports: IntakeServiceClient<AuthorizedChannel>,
    amendments: AmendmentServiceClient<AuthorizedChannel>,
    resolutions: ResolutionServiceClient<AuthorizedChannel>,
    structures: StructureServiceClient<AuthorizedChannel>,
    drafts: DraftServiceClient<AuthorizedChannel>,
    timelines: TimelineServiceClient<AuthorizedChannel>,
    dossiers: DutyDossierServiceClient<AuthorizedChannel>,
    contacts: StructureContactServiceClient<AuthorizedChannel>,
    links: LinkServiceClient<AuthorizedChannel>,
    delegations: DelegationServiceClient<AuthorizedChannel>,
}

impl User {
    pub(crate) fn new(channel: AuthorizedChannel) -> Self {
        Self {
            reports: IntakeServiceClient::new(channel.clone()),
            amendments: AmendmentServiceClient::new(channel.clone()),
            drafts: DraftServiceClient::new(channel.clone()),
            resolutions: ResolutionServiceClient::new(channel.clone()),
            structures: StructureServiceClient::new(channel.clone()),
            dossiers: DutyDossierServiceClient::new(channel.clone()),
            contacts: StructureContactServiceClient::new(channel.clone()),
            timelines: TimelineServiceClient::new(channel.clone()),
            links: LinkServiceClient::new(channel.clone()),
            delegations: DelegationServiceClient::new(channel),
        }
    }

    /// Sends a draft as a new request.
    pub(crate) async fn submit(&self, draft: pb::ReportDraft) -> Result<pb::Receipt, Status> {
        self.send(pb::SubmitReportRequest {
            request_id: Uuid::new_v4().to_string(),
            draft: Some(draft),
            ..pb::SubmitReportRequest::default()
        })
        .await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(
        &self,
        request: pb::SubmitReportRequest,
    ) -> Result<pb::Receipt, Status> {
        let answer = self.reports.clone().submit_report(request).await?;
        Ok(answer.into_inner().receipt.unwrap())
    }

    /// Sends requests on one stream.
    pub(crate) async fn submit_many(
        &self,
        reports: Vec<pb::SubmitReportRequest>,
    ) -> Result<Streaming<pb::SubmitReportsResponse>, Status> {
        let reports = reports.into_iter().map(|report| pb::SubmitReportsRequest {
            report: Some(report),
        });
        let reports = futures::stream::iter(reports);
        let answers = self.reports.clone().submit_reports(reports).await?;
        Ok(answers.into_inner())
    }

    /// Asks what a draft would set off.
    pub(crate) async fn check(
        &self,
        draft: pb::ReportDraft,
    ) -> Result<pb::CheckReportResponse, Status> {
        let request = pb::CheckReportRequest {
            draft: Some(draft),
            ..pb::CheckReportRequest::default()
        };
        let answer = self.reports.clone().check_report(request).await?;
        Ok(answer.into_inner())
    }

    /// Asks what a request to check would set off.
    pub(crate) async fn check_as(
        &self,
        request: pb::CheckReportRequest,
    ) -> Result<pb::CheckReportResponse, Status> {
        let answer = self.reports.clone().check_report(request).await?;
        Ok(answer.into_inner())
    }

    /// Reads a report by its id or its reference.
    pub(crate) async fn get(&self, report_id: &str) -> Result<pb::Report, Status> {
        let request = pb::GetReportRequest {
            report_id: report_id.to_owned(),
        };
        let answer = self.reports.clone().get_report(request).await?;
        Ok(answer.into_inner().report.unwrap())
    }

    /// Lists reports.
    pub(crate) async fn list(
        &self,
        request: pb::ListReportsRequest,
    ) -> Result<pb::ListReportsResponse, Status> {
        let answer = self.reports.clone().list_reports(request).await?;
        Ok(answer.into_inner())
    }

    /// Withdraws a report.
    pub(crate) async fn withdraw(
        &self,
        request: pb::WithdrawReportRequest,
    ) -> Result<pb::Report, Status> {
        let answer = self.reports.clone().withdraw_report(request).await?;
        Ok(answer.into_inner().report.unwrap())
    }

    /// Saves a draft.
    pub(crate) async fn save_draft(
        &self,
        request: pb::SaveDraftRequest,
    ) -> Result<pb::SavedDraft, Status> {
        let answer = self.drafts.clone().save_draft(request).await?;
        Ok(answer.into_inner().draft.unwrap())
    }

    /// Shows a draft.
    pub(crate) async fn draft(&self, draft_id: &str) -> Result<pb::SavedDraft, Status> {
        let request = pb::GetDraftRequest {
            draft_id: draft_id.to_owned(),
        };
        let answer = self.drafts.clone().get_draft(request).await?;
        Ok(answer.into_inner().draft.unwrap())
    }

    /// Lists drafts.
    pub(crate) async fn drafts(
        &self,
        page_size: u32,
        page_token: &str,
    ) -> Result<pb::ListDraftsResponse, Status> {
        let request = pb::ListDraftsRequest {
            page_size,
            page_token: page_token.to_owned(),
        };
        let answer = self.drafts.clone().list_drafts(request).await?;
        Ok(answer.into_inner())
    }

    /// Erases a draft.
    pub(crate) async fn delete_draft(&self, request: pb::DeleteDraftRequest) -> Result<(), Status> {
        self.drafts.clone().delete_draft(request).await?;
        Ok(())
    }

    /// Declares the incident of a report resolved.
    pub(crate) async fn resolve(
        &self,
        request: pb::DeclareResolvedRequest,
    ) -> Result<pb::DeclareResolvedResponse, Status> {
        let answer = self.resolutions.clone().declare_resolved(request).await?;
        Ok(answer.into_inner())
    }

    /// Adds an entry to the timeline of a report.
    pub(crate) async fn add_entry(
        &self,
        request: pb::AddTimelineEntryRequest,
    ) -> Result<pb::TimelineEntry, Status> {
        let answer = self.timelines.clone().add_timeline_entry(request).await?;
        Ok(answer.into_inner().entry.unwrap())
    }

    /// Lists the timeline of a report.
    pub(crate) async fn timeline(
        &self,
        request: pb::ListTimelineRequest,
    ) -> Result<pb::ListTimelineResponse, Status> {
        let answer = self.timelines.clone().list_timeline(request).await?;
        Ok(answer.into_inner())
    }

    /// Asks for the dossier of a duty.
    pub(crate) async fn dossier(
        &self,
        request: pb::GetDutyDossierRequest,
    ) -> Result<pb::DutyDossier, Status> {
        let answer = self.dossiers.clone().get_duty_dossier(request).await?;
        Ok(answer.into_inner().dossier.unwrap())
    }

    /// Puts the contacts of a structure.
    pub(crate) async fn set_contacts(
        &self,
        request: pb::SetStructureContactsRequest,
    ) -> Result<pb::StructureContacts, Status> {
        let mut contacts = self.contacts.clone();
        let answer = contacts.set_structure_contacts(request).await?;
        Ok(answer.into_inner().contacts.unwrap())
    }

    /// Shows the contacts of a structure.
    pub(crate) async fn contacts(&self, finess: &str) -> Result<pb::StructureContacts, Status> {
        let request = pb::GetStructureContactsRequest {
            finess: finess.to_owned(),
        };
        let mut contacts = self.contacts.clone();
        let answer = contacts.get_structure_contacts(request).await?;
        Ok(answer.into_inner().contacts.unwrap())
    }

    /// Amends a report.
    pub(crate) async fn amend(
        &self,
        request: pb::AmendReportRequest,
    ) -> Result<pb::AmendReportResponse, Status> {
        let answer = self.amendments.clone().amend_report(request).await?;
        Ok(answer.into_inner())
    }

    /// Lists the revisions of a report, so many on a page.
    pub(crate) async fn revisions(
        &self,
        report_id: &str,
        page_size: u32,
        page_token: &str,
    ) -> Result<pb::ListRevisionsResponse, Status> {
        let request = pb::ListRevisionsRequest {
            report_id: report_id.to_owned(),
            page_size,
            page_token: page_token.to_owned(),
        };
        let answer = self.amendments.clone().list_revisions(request).await?;
        Ok(answer.into_inner())
    }

    /// Confirms the link of the declarant of a report.
    pub(crate) async fn confirm_link(
        &self,
        request: pb::ConfirmLinkRequest,
    ) -> Result<pb::ConfirmLinkResponse, Status> {
        let answer = self.links.clone().confirm_link(request).await?;
        Ok(answer.into_inner())
    }

    /// Rejects it.
    pub(crate) async fn reject_link(
        &self,
        request: pb::RejectLinkRequest,
    ) -> Result<pb::RejectLinkResponse, Status> {
        let answer = self.links.clone().reject_link(request).await?;
        Ok(answer.into_inner())
    }

    /// Attaches a report to a site.
    pub(crate) async fn attach(
        &self,
        request: pb::AttachReportToStructureRequest,
    ) -> Result<pb::AttachReportToStructureResponse, Status> {
        let mut links = self.links.clone();
        let answer = links.attach_report_to_structure(request).await?;
        Ok(answer.into_inner())
    }

    /// Delegates.
    pub(crate) async fn delegate(
        &self,
        request: pb::GrantDelegationRequest,
    ) -> Result<pb::Delegation, Status> {
        let answer = self.delegations.clone().grant_delegation(request).await?;
        Ok(answer.into_inner().delegation.unwrap())
    }

    /// Ends a delegation.
    pub(crate) async fn end_delegation(
        &self,
        request: pb::EndDelegationRequest,
    ) -> Result<pb::Delegation, Status> {
        let answer = self.delegations.clone().end_delegation(request).await?;
        Ok(answer.into_inner().delegation.unwrap())
    }

    /// Lists the delegations of a site, or those to oneself.
    pub(crate) async fn delegations(&self, finess: &str) -> Result<Vec<pb::Delegation>, Status> {
        let request = pb::ListDelegationsRequest {
            finess: finess.to_owned(),
            ..pb::ListDelegationsRequest::default()
        };
        let answer = self.delegations.clone().list_delegations(request).await?;
        Ok(answer.into_inner().delegations)
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
        let request = futures::stream::iter(pieces);
        let answer = self.structures.clone().import_structures(request).await?;
        Ok(answer.into_inner())
    }

    /// Shows a structure.
    pub(crate) async fn structure(&self, finess: &str) -> Result<pb::Structure, Status> {
        let request = pb::GetStructureRequest {
            finess: finess.to_owned(),
        };
        let answer = self.structures.clone().get_structure(request).await?;
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
        let answer = self.structures.clone().search_structures(request).await?;
        Ok(answer.into_inner())
    }
}
