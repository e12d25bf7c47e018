//! The page on which people of one machine say who they are.

use std::collections::BTreeSet;

use testkit::{Issuer, IssuerOptions};

/// A request of the portal; the challenge is the example of RFC 7636, appendix B.
const REQUEST: &str = "client_id=vigie-portal&redirect_uri=http://127.0.0.1:5173/callback\
    &response_type=code&scope=openid&code_challenge_method=S256\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn everybody_of_one_machine_is_told_apart_on_the_page_in_both_languages() {
    let identities = dev::identities();
    let options = IssuerOptions {
        identities: identities.clone(),
        ..IssuerOptions::default()
    };
    let issuer = Issuer::start_with(options).await.unwrap();
    for language in ["fr", "en"] {
        let url = format!("{}/authorize?{REQUEST}&ui_locales={language}", issuer.url());
        let page = reqwest::get(url).await.unwrap().text().await.unwrap();
        let mut statements = BTreeSet::new();
        for identity in &identities {
            let pick = |text: &testkit::Bilingual| match language {
                "fr" => text.french.replace('\'', "&#x27;"),
                _ => text.english.replace('\'', "&#x27;"),
            };
            let subject = &identity.token.subject;
            let statement = pick(&identity.statement);
            let button = format!(
                "value=\"{subject}\" aria-describedby=\"rights-{subject}\">{statement}</button>"
            );
            assert!(page.contains(&button), "{button}");
            let rights = format!("<p id=\"rights-{subject}\">{}</p>", pick(&identity.rights));
            assert!(page.contains(&rights), "{rights}");
            assert!(statements.insert(statement), "{subject} is somebody else");
        }
    }
}
