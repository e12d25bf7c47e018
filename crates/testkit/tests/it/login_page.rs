//! The page on which people say who they are.

use reqwest::Response;
use testkit::{Bilingual, Identity, Issuer, TokenSpec};

use crate::browser::{REQUEST, authorize_url, choose, client, director, issuer_of, request_with};

async fn page(issuer: &Issuer, request: &[(&str, &str)], language: &str) -> Response {
    let page = client().get(authorize_url(issuer, request));
    let page = page.header("accept-language", language);
    page.send().await.unwrap()
}

#[tokio::test]
async fn both_languages_list_every_identity_with_what_it_may_do() {
    let agent = Identity {
        group: Bilingual::new("Agences", "Agencies"),
        ..TokenSpec::of("ars-76").role("regional_agent").into()
    };
    let issuer = issuer_of(vec![director(), agent]).await;
    let english = request_with(&[("ui_locales", "en")]);
    for (request, accepted, language, expected) in [
        (&REQUEST[..], "", "fr", ["Je suis la directrice", "Déclare"]),
        (
            &REQUEST[..],
            "en-GB",
            "en",
            ["I am the director", "Declares"],
        ),
        (&*english, "fr", "en", ["I am the director", "Declares"]),
    ] {
        let page = page(&issuer, request, accepted).await;
        assert_eq!(page.status(), 200);
        let page = page.text().await.unwrap();
        assert!(
            page.contains(&format!("<html lang=\"{language}\">")),
            "{page}"
        );
        for text in expected.into_iter().chain(["ars-76", "regional_agent"]) {
            assert!(page.contains(&format!(">{text}<")), "{text}: {page}");
        }
        for subject in ["director", "ars-76"] {
            assert!(page.contains(&format!("value=\"{subject}\"")), "{page}");
        }
    }
}

#[tokio::test]
async fn names_and_parameters_cannot_become_markup() {
    let hostile = "<script>alert('1')</script>\"";
    let identity = Identity::from(TokenSpec::of(hostile).role(hostile));
    let issuer = issuer_of(vec![identity]).await;
    let request = request_with(&[("state", hostile)]);
    let page = page(&issuer, &request, "").await.text().await.unwrap();
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("&lt;script&gt;"), "{page}");
}

#[tokio::test]
async fn the_page_runs_no_script_and_sends_its_form_to_the_client_alone() {
    let issuer = issuer_of(vec![director()]).await;
    let page = page(&issuer, &REQUEST, "").await;
    assert_eq!(
        page.headers()["content-security-policy"],
        "default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:5173; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(page.headers()["cache-control"], "no-store");
    let style = client().get(format!("{}/style.css", issuer.url()));
    let style = style.send().await.unwrap();
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_language_of_the_browser() {
    let issuer = issuer_of(vec![director()]).await;
    let foreign = request_with(&[("redirect_uri", "https://portal.example.org")]);
    for (language, expected) in [("fr", "Demande refusée"), ("en", "Request refused")] {
        let page = page(&issuer, &foreign, language).await;
        assert_eq!(page.status(), 400);
        assert!(page.text().await.unwrap().contains(expected));
    }
    let unknown = choose(&issuer, &REQUEST, "mallory").await;
    assert_eq!(unknown.status(), 400);
    let unknown = unknown.text().await.unwrap();
    assert!(
        unknown.contains("Cette identité n&#x27;existe pas"),
        "{unknown}"
    );
}
