//! `IntakeService`: each RPC hands its parsed caller and message to a use case.

use platform::{Caller, Deadline};
use proto::intake::v1::{
    CheckReportRequest, CheckReportResponse, GetReportRequest, GetReportResponse,
    ListReportsRequest, ListReportsResponse, SubmitReportRequest, SubmitReportResponse,
    WithdrawReportRequest, WithdrawReportResponse, intake_service_server::IntakeService,
};
use tonic::{Request, Response, Status, async_trait};

use super::Reports;

#[async_trait]
impl IntakeService for Reports {
    async fn check_report(
        &self,
        request: Request<CheckReportRequest>,
    ) -> Result<Response<CheckReportResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        Ok(Response::new(
            self.check(&caller, request.into_inner()).await?,
        ))
    }

    async fn submit_report(
        &self,
        request: Request<SubmitReportRequest>,
    ) -> Result<Response<SubmitReportResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        Ok(Response::new(
            self.submit(caller, request.into_inner()).await?,
        ))
    }

    async fn withdraw_report(
        &self,
        request: Request<WithdrawReportRequest>,
    ) -> Result<Response<WithdrawReportResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        Ok(Response::new(
            self.withdraw(caller, request.into_inner()).await?,
        ))
    }

    async fn get_report(
        &self,
        request: Request<GetReportRequest>,
    ) -> Result<Response<GetReportResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        Ok(Response::new(
            self.get(&caller, &request.into_inner()).await?,
        ))
    }

    async fn list_reports(
        &self,
        request: Request<ListReportsRequest>,
    ) -> Result<Response<ListReportsResponse>, Status> {
        let (caller, deadline) = (Caller::of(&request)?.clone(), Deadline::of(&request));
        Ok(Response::new(
            self.list(&caller, deadline, request.into_inner()).await?,
        ))
    }
}
