//! Calls of the service by its users.

use proto::{
    qualification::v1::{
        self as pb, message_service_client::MessageServiceClient,
        qualification_service_client::QualificationServiceClient,
    },
    types::v1 as types,
};
use servicetest::AuthorizedChannel;
use testkit::TokenSpec;
use tonic::Status;
use uuid::Uuid;

use super::TestEnv;

impl TestEnv {
    /// The cases as a user sees them.
    pub(crate) fn case_client(
        &self,
        user: &TokenSpec,
    ) -> QualificationServiceClient<AuthorizedChannel> {
        QualificationServiceClient::new(self.service.as_user(user))
    }

    /// The messages as a user sees them.
    pub(crate) fn message_client(
        &self,
        user: &TokenSpec,
    ) -> MessageServiceClient<AuthorizedChannel> {
        MessageServiceClient::new(self.service.as_user(user))
    }

    /// Gets a case by id or reference.
    pub(crate) async fn get(&self, user: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let case_id = case_id.to_owned();
        let request = pb::GetCaseRequest { case_id };
        let answer = self.case_client(user).get_case(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Lists one page of cases.
    pub(crate) async fn list(
        &self,
        user: &TokenSpec,
        request: pb::ListCasesRequest,
    ) -> Vec<pb::Case> {
        let answer = self.case_client(user).list_cases(request).await;
        answer.unwrap().into_inner().cases
    }

    /// Claims a case, whatever its etag.
    pub(crate) async fn claim(&self, user: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let claim = pb::ClaimCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: case_id.to_owned(),
            ..Default::default()
        };
        let answer = self.case_client(user).claim_case(claim).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Qualifies a case.
    pub(crate) async fn qualify(
        &self,
        user: &TokenSpec,
        qualification: pb::QualifyCaseRequest,
    ) -> Result<pb::Case, Status> {
        let answer = self.case_client(user).qualify_case(qualification).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Closes a case, whatever its etag.
    pub(crate) async fn close(&self, user: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let close = pb::CloseCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: case_id.to_owned(),
            lessons_learned: "Sauvegardes hors ligne".into(),
            ..Default::default()
        };
        let answer = self.case_client(user).close_case(close).await?;
        Ok(answer.into_inner().case.unwrap())
    }
}

/// An analyst of the cell.
pub(crate) fn analyst() -> TokenSpec {
    TokenSpec::of("ana").role("analyst")
}

/// A colleague.
pub(crate) fn second_analyst() -> TokenSpec {
    TokenSpec::of("bo").role("analyst")
}

/// An agent of the ARS of a region.
pub(crate) fn agent(region: &str) -> TokenSpec {
    TokenSpec::of(format!("agent-{region}"))
        .role("regional_agent")
        .region(region)
}

/// A qualification in scope, without impacts.
pub(crate) fn in_scope(case_id: &str) -> pb::QualifyCaseRequest {
    pb::QualifyCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        etag: String::new(),
        scope: pb::Scope::In.into(),
        triage: Some(pb::Triage {
            origin: types::Origin::Malicious.into(),
            origin_types: vec![types::OriginType::Ransomware.into()],
            impacts: Some(types::Impacts::default()),
            severity: Some(types::Severity {
                serious: true,
                significant: false,
                major: false,
            }),
            fired_rules: Vec::new(),
        }),
        note: String::new(),
    }
}

/// A qualification out of scope.
pub(crate) fn out_of_scope(case_id: &str) -> pb::QualifyCaseRequest {
    pb::QualifyCaseRequest {
        scope: pb::Scope::Out.into(),
        triage: None,
        note: "Ne concerne pas un système numérique".into(),
        ..in_scope(case_id)
    }
}
