//! The calls of people: read, decide, answer.

mod command;
mod contacts;
mod read;

use eventlog::Log;
use platform::{Caller, SealingKey, Tasks};
use proto::qualification::v1::{
    ClaimCaseRequest, ClaimCaseResponse, CloseCaseRequest, CloseCaseResponse, GetCaseRequest,
    GetCaseResponse, ListCasesRequest, ListCasesResponse, QualifyCaseRequest, QualifyCaseResponse,
    qualification_service_server::QualificationService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::convert;

/// The service as the wire sees it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Where cases rest.
    pub(crate) pool: PgPool,
    /// Where changes are announced.
    pub(crate) log: Log,
    /// Opens the contacts for those who may see them.
    pub(crate) master_key: SealingKey,
    /// Where writes run, so that they end though the client went away.
    pub(crate) tasks: Tasks,
}

#[tonic::async_trait]
impl QualificationService for Service {
    async fn list_cases(
        &self,
        request: Request<ListCasesRequest>,
    ) -> Result<Response<ListCasesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let page = convert::list(request.get_ref(), caller)?;
        Ok(Response::new(self.list(caller, &page).await?))
    }

    async fn get_case(
        &self,
        request: Request<GetCaseRequest>,
    ) -> Result<Response<GetCaseResponse>, Status> {
        let caller = Caller::of(&request)?;
        let key = convert::get(request.get_ref())?;
        let case = Some(self.get(caller, &key).await?);
        Ok(Response::new(GetCaseResponse { case }))
    }

    async fn claim_case(
        &self,
        request: Request<ClaimCaseRequest>,
    ) -> Result<Response<ClaimCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = convert::claim(request.get_ref())?;
        let case = Some(self.command(caller, asked).await?);
        Ok(Response::new(ClaimCaseResponse { case }))
    }

    async fn qualify_case(
        &self,
        request: Request<QualifyCaseRequest>,
    ) -> Result<Response<QualifyCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = convert::qualify(request.into_inner())?;
        let case = Some(self.command(caller, asked).await?);
        Ok(Response::new(QualifyCaseResponse { case }))
    }

    async fn close_case(
        &self,
        request: Request<CloseCaseRequest>,
    ) -> Result<Response<CloseCaseResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let asked = convert::close(request.get_ref())?;
        let case = Some(self.command(caller, asked).await?);
        Ok(Response::new(CloseCaseResponse { case }))
    }
}
