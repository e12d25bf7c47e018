//! `FormService`: the form and the words are shown to everybody.

use platform::{Error, Result};
use proto::intake::v1::{
    GetFormRequest, GetFormResponse, GetVocabularyRequest, GetVocabularyResponse,
    form_service_server::FormService,
};
use tonic::{Request, Response, Status, async_trait};
use vocabulary::{ReportKind, Word as _};

use super::{Language, response};

/// Answers `FormService`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormRpc;

#[async_trait]
impl FormService for FormRpc {
    async fn get_form(
        &self,
        request: Request<GetFormRequest>,
    ) -> Result<Response<GetFormResponse>, Status> {
        let asked = request.get_ref();
        let kind = match asked.kind {
            0 => ReportKind::Incident,
            number => ReportKind::known(number).ok_or_else(|| {
                Error::invalid("kind", "UNKNOWN_VALUE", "Cette valeur n'est pas connue.")
            })?,
        };
        let form = response::form(kind, Language::of(&asked.locale));
        Ok(Response::new(GetFormResponse { form: Some(form) }))
    }

    async fn get_vocabulary(
        &self,
        request: Request<GetVocabularyRequest>,
    ) -> Result<Response<GetVocabularyResponse>, Status> {
        let language = Language::of(&request.get_ref().locale);
        Ok(Response::new(response::vocabulary(language)))
    }
}
