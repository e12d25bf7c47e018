//! What people ask of the service.

use proto::{qualification::v1 as pb, types::v1 as types};
use testkit::TokenSpec;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::World;

impl World {
    /// A request in the name of somebody.
    pub(crate) fn request<T>(&self, who: &TokenSpec, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = format!("Bearer {}", self.issuer.token(who));
        request
            .metadata_mut()
            .insert("authorization", token.parse().unwrap());
        request
    }

    /// Gets a case by id or reference.
    pub(crate) async fn get(&self, who: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let request = self.request(
            who,
            pb::GetCaseRequest {
                case_id: case_id.to_owned(),
            },
        );
        let answer = self.client.clone().get_case(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Lists cases, one page.
    pub(crate) async fn list(
        &self,
        who: &TokenSpec,
        request: pb::ListCasesRequest,
    ) -> Vec<pb::Case> {
        let answer = self
            .client
            .clone()
            .list_cases(self.request(who, request))
            .await;
        answer.unwrap().into_inner().cases
    }

    /// Claims a case, whatever its etag.
    pub(crate) async fn claim(&self, who: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let request_id = Uuid::now_v7().to_string();
        let claim = pb::ClaimCaseRequest {
            request_id,
            case_id: case_id.to_owned(),
            etag: String::new(),
        };
        let answer = self
            .client
            .clone()
            .claim_case(self.request(who, claim))
            .await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Qualifies a case.
    pub(crate) async fn qualify(
        &self,
        who: &TokenSpec,
        qualification: pb::QualifyCaseRequest,
    ) -> Result<pb::Case, Status> {
        let answer = self
            .client
            .clone()
            .qualify_case(self.request(who, qualification))
            .await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Closes a case, whatever its etag.
    pub(crate) async fn close(&self, who: &TokenSpec, case_id: &str) -> Result<pb::Case, Status> {
        let close = pb::CloseCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: case_id.to_owned(),
            etag: String::new(),
            lessons_learned: "Sauvegardes hors ligne".into(),
        };
        let answer = self
            .client
            .clone()
            .close_case(self.request(who, close))
            .await?;
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

/// The code by which programs know a refusal.
pub(crate) fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// The fields that a refusal names, with the reasons.
pub(crate) fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations);
    details
        .unwrap_or_default()
        .into_iter()
        .map(|v| (v.field, v.reason))
        .collect()
}
