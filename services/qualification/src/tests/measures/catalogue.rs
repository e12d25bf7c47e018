//! The catalogue of measures, and requests that are refused with their fields.

use proto::{
    qualification::v1::{
        self as pb, measure_service_client::MeasureServiceClient, propose_measure_request::Content,
    },
    types::v1 as types,
};
use tonic::Status;
use uuid::Uuid;

use super::calls::{declarant, proposal};
use crate::tests::env::{TestEnv, agent, analyst, violations};

#[tokio::test]
async fn a_measure_of_the_catalogue_keeps_what_it_said_whatever_the_editors_change() {
    let env = TestEnv::start_with_catalogue(&edition("first", "Débrancher")).await;
    let id = env.qualified().await;
    let code = |locale: &str| {
        Content::FromCatalogue(pb::CatalogueChoice {
            code: "unplug".into(),
            locale: locale.into(),
        })
    };
    let request = |locale: &str| pb::ProposeMeasureRequest {
        content: Some(code(locale)),
        ..proposal(&id, "")
    };
    let french = request("fr");
    let first = env.send_proposal(french.clone()).await.unwrap();
    assert_eq!(
        (first.title.as_str(), first.text.as_str(), first.kind()),
        (
            "Débrancher",
            "Débrancher le câble",
            types::MeasureKind::Emergency
        )
    );
    assert_eq!(
        (
            first.catalogue_code.as_str(),
            first.catalogue_version.as_str()
        ),
        ("unplug", "first")
    );
    let english = env.send_proposal(request("en-GB")).await.unwrap();
    assert_eq!(english.text, "Pull the cable");

    // The editors word the entry anew, and then replace it by another.
    env.file("measures.toml", &edition("second", "Isoler"));
    let second = env.start_replica().await;
    let newer = MeasureServiceClient::new(second.as_user(&analyst()))
        .propose_measure(request("fr"))
        .await;
    let newer = newer.unwrap().into_inner().measure.unwrap();
    assert_eq!(
        (newer.title.as_str(), newer.catalogue_version.as_str()),
        ("Isoler", "second")
    );
    let third = edition("third", "Isoler").replace("unplug", "isolate");
    env.file("measures.toml", &third);
    let third = env.start_replica().await;
    let mut third = MeasureServiceClient::new(third.as_user(&analyst()));
    let refused = third.propose_measure(request("fr")).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("from_catalogue.code".to_owned(), "UNKNOWN_VALUE".to_owned())]
    );
    let again = third.propose_measure(french).await.unwrap();
    assert_eq!(again.into_inner().measure.unwrap(), first);
    let seen = env.measures(&declarant(), &id).await.unwrap();
    let titles: Vec<_> = seen.iter().map(|measure| measure.title.as_str()).collect();
    assert_eq!(titles, ["Isoler", "Unplug", "Débrancher"]);
}

#[tokio::test]
async fn the_catalogue_lists_what_fits_best_first_in_the_language_that_is_asked_for() {
    let env = TestEnv::start().await;
    let wanted = pb::ListCatalogueRequest {
        origin_types: vec![types::OriginType::Ransomware.into()],
        structure_kind: types::StructureKind::Pharmacy.into(),
        page_size: 200,
        ..Default::default()
    };
    let listed = env.catalogue(&declarant(), wanted.clone()).await.unwrap();
    let first = &listed.entries[0];
    assert_eq!(first.kind(), types::MeasureKind::Emergency);
    assert!(first.title.starts_with("Rançongiciel"), "{}", first.title);
    let place = |code: &str| listed.entries.iter().position(|it| it.code == code);
    assert!(place("offline-backups") < place("small-practice-first-steps"));
    assert!(place("small-practice-first-steps") < place("first-hour"));
    assert_eq!(place("website-offline"), None);
    assert_eq!(place("radiotherapy-hold"), None);

    let english = pb::ListCatalogueRequest {
        locale: "en".into(),
        kinds: vec![types::MeasureKind::Improvement.into()],
        ..wanted.clone()
    };
    let improvements = env.catalogue(&agent("76"), english).await.unwrap().entries;
    assert!(
        improvements
            .iter()
            .all(|it| it.kind() == types::MeasureKind::Improvement)
    );
    assert!(
        improvements
            .iter()
            .any(|it| it.title.starts_with("Backups offline"))
    );

    let (mut codes, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListCatalogueRequest {
            page_size: 4,
            page_token: token.clone(),
            ..wanted.clone()
        };
        let page = env.catalogue(&analyst(), request).await.unwrap();
        codes.extend(page.entries.into_iter().map(|entry| entry.code));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let all: Vec<_> = listed.entries.iter().map(|it| it.code.clone()).collect();
    assert_eq!(codes, all);
}

#[tokio::test]
async fn a_malformed_request_about_measures_is_refused_with_its_fields() {
    let env = TestEnv::start().await;
    let client = || env.measure_client(&analyst());
    let told = |refused: Status| -> Vec<String> {
        let told = violations(&refused).into_iter();
        told.map(|(field, reason)| format!("{field} {reason}"))
            .collect()
    };
    let refused = client()
        .propose_measure(pb::ProposeMeasureRequest::default())
        .await;
    assert_eq!(
        told(refused.unwrap_err()),
        [
            "content REQUIRED",
            "request_id REQUIRED",
            "case_id REQUIRED"
        ]
    );
    let draft = Content::Draft(pb::MeasureDraft {
        kind: 9,
        title: "deux\nlignes".into(),
        text: "x".repeat(4_001),
    });
    let request = pb::ProposeMeasureRequest {
        content: Some(draft),
        measure_id: "one".into(),
        ..proposal(&Uuid::nil().to_string(), "")
    };
    assert_eq!(
        told(env.send_proposal(request).await.unwrap_err()),
        [
            "draft.kind UNKNOWN_VALUE",
            "draft.title BAD_CHARACTER",
            "draft.text TOO_LONG",
            "measure_id BAD_FORMAT",
        ]
    );
    let decline = pb::DeclineMeasureRequest {
        reason: " \n".into(),
        ..Default::default()
    };
    assert_eq!(
        told(client().decline_measure(decline).await.unwrap_err()),
        [
            "reason REQUIRED",
            "request_id REQUIRED",
            "case_id REQUIRED",
            "measure_id REQUIRED",
        ]
    );
    let catalogue = pb::ListCatalogueRequest {
        origin_types: vec![99],
        structure_kind: 99,
        kinds: vec![1, 1],
        ..Default::default()
    };
    assert_eq!(
        told(env.catalogue(&analyst(), catalogue).await.unwrap_err()),
        [
            "origin_types[0] UNKNOWN_VALUE",
            "structure_kind UNKNOWN_VALUE",
            "kinds[1] DUPLICATE",
        ]
    );
}

/// An edition of the catalogue with one entry.
fn edition(version: &str, title: &str) -> String {
    format!(
        "version = \"{version}\"\n[[measure]]\ncode = \"unplug\"\nkind = \"emergency\"\n\
         fr = {{ title = \"{title}\", text = \"{title} le câble\" }}\n\
         en = {{ title = \"Unplug\", text = \"Pull the cable\" }}\n"
    )
}
