//! The pages of the issuer: plain HTML, without any script.

use std::sync::LazyLock;

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::{
    authorization::AuthorizationRequest,
    identity::{Bilingual, Identity},
    language::Language,
    parameters::Parameters,
};

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in [
        ("layout.html", include_str!("pages/layout.html")),
        ("login.html", include_str!("pages/login.html")),
        ("message.html", include_str!("pages/message.html")),
    ] {
        templates
            .add_template(name, text)
            .expect("the templates of the issuer are well formed");
    }
    templates
});

/// Why a browser is sent nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownClient,
    ForeignAddress,
    UnknownIdentity,
}

impl Refusal {
    fn text(self) -> Bilingual {
        match self {
            Self::UnknownClient => Bilingual::new(
                "L'émetteur local ne connaît qu'un client : client_id doit être « vigie-portal ».",
                "The local issuer knows one client only: client_id must be \"vigie-portal\".",
            ),
            Self::ForeignAddress => Bilingual::new(
                "L'adresse de retour doit être en http sur cette machine (127.0.0.1, localhost ou [::1]), et ne figurer qu'une fois.",
                "The address to return to must be http on this machine (127.0.0.1, localhost or [::1]), and be there once.",
            ),
            Self::UnknownIdentity => Bilingual::new(
                "Cette identité n'existe pas. Revenez en arrière et choisissez-en une.",
                "There is no such identity. Go back and choose one.",
            ),
        }
    }
}

/// The page that lists who can log in.
pub(super) fn login(
    identities: &[Identity],
    parameters: &Parameters,
    request: &AuthorizationRequest,
    language: Language,
) -> Response {
    let groups: Vec<Value> = identities
        .chunk_by(|one, next| one.group == next.group)
        .map(|group| {
            let entries: Vec<Value> = group.iter().map(|it| entry(it, language)).collect();
            context! { heading => language.pick(&group[0].group), entries }
        })
        .collect();
    let other = language.other();
    let page = context! {
        language => language.tag(),
        groups,
        query => parameters.to_query(),
        other => other.tag(),
        other_query => parameters.with("ui_locales", other.tag()).to_query(),
    };
    // A browser applies `form-action` to the redirects after a form, too.
    let form_action = format!("'self' {}", request.callback.origin());
    render(StatusCode::OK, "login.html", page, &form_action)
}

fn entry(identity: &Identity, language: Language) -> Value {
    context! {
        subject => identity.token.subject.as_str(),
        statement => language.pick(&identity.statement),
        rights => language.pick(&identity.rights),
    }
}

/// The page that names the cause of a refusal.
pub(super) fn refusal(status: StatusCode, refusal: Refusal, language: Language) -> Response {
    let heading = Bilingual::new("Demande refusée", "Request refused");
    message(status, &heading, &refusal.text(), language)
}

/// The page after a log-out whose client names no address to return to.
pub(super) fn logged_out(language: Language) -> Response {
    let heading = Bilingual::new("Vous êtes déconnecté", "You are logged out");
    let text = Bilingual::new("Vous pouvez fermer cette page.", "You can close this page.");
    message(StatusCode::OK, &heading, &text, language)
}

fn message(
    status: StatusCode,
    heading: &Bilingual,
    text: &Bilingual,
    language: Language,
) -> Response {
    let (heading, text) = (language.pick(heading), language.pick(text));
    let page = context! { language => language.tag(), heading, text };
    render(status, "message.html", page, "'none'")
}

fn render(status: StatusCode, template: &str, page: Value, form_action: &str) -> Response {
    let template = TEMPLATES.get_template(template);
    let page = template
        .and_then(|template| template.render(page))
        .expect("a template is given all that it shows");
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(page)).into_response()
}

/// The style of every page.
pub(super) async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, include_str!("pages/style.css"))
}
