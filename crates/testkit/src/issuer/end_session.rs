//! The log-out of a browser (OpenID Connect RP-Initiated Logout 1.0).

use axum::{
    Form,
    extract::{RawQuery, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};

use super::{client::loopback_url, language::Language, pages, parameters::Parameters};

/// Sends the browser back to the client. The issuer keeps no session of a browser that
/// it could end; the client revokes its refresh token.
pub(super) async fn log_out(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&Parameters::of_query(query.as_deref()), &headers)
}

/// The same for a client that sends a form.
pub(super) async fn log_out_by_form(
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let pairs = form.map(|Form(pairs)| pairs).unwrap_or_default();
    answer(&Parameters::of_form(pairs), &headers)
}

fn answer(parameters: &Parameters, headers: &HeaderMap) -> Response {
    let language = Language::of_request(parameters, headers);
    let Some(address) = parameters.one("post_logout_redirect_uri") else {
        return pages::logged_out(language);
    };
    let Some(mut address) = loopback_url(address) else {
        let foreign = pages::Refusal::ForeignAddress;
        return pages::refusal(StatusCode::BAD_REQUEST, foreign, language);
    };
    if let Some(state) = parameters.one("state") {
        address.query_pairs_mut().append_pair("state", state);
    }
    Redirect::to(address.as_str()).into_response()
}
