//! What people paste from pages and office programs is understood.

use proto::{
    intake::v1::{Contact, ReportDraft},
    types::v1::{StructureIdentifier, structure_identifier::Identifier},
};

use crate::tests::{
    drafts::{described, finess, incident, martin},
    env::{TestEnv, reason},
};

#[tokio::test]
async fn numbers_are_kept_without_what_pages_put_into_them() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    for (typed, kept) in [
        ("06\u{a0}12\u{a0}34\u{a0}56\u{a0}78", "0612345678"),
        ("06\u{202f}12\u{202f}34\u{202f}56\u{202f}78", "0612345678"),
        ("3646", "3646"),
    ] {
        let draft = ReportDraft {
            structure: finess("\u{202a}010 000\u{2011}024\u{a0}"),
            department: "\u{a0}０１".to_owned(),
            declarant: Some(Contact {
                phone: typed.to_owned(),
                email: "\u{200b}rssi@ch\u{2011}exemple.fr\u{a0}".to_owned(),
                ..martin()
            }),
            ..incident()
        };
        let receipt = declarant.submit(draft).await.unwrap();
        let draft = declarant.get(&receipt.report_id).await.unwrap().draft;
        let draft = draft.unwrap();
        assert_eq!(draft.structure, finess("010000024"));
        assert_eq!(draft.department, "01");
        let contact = draft.declarant.unwrap();
        assert_eq!(
            (contact.phone.as_str(), contact.email.as_str()),
            (kept, "rssi@ch-exemple.fr")
        );
    }
    let siret = Identifier::Siret("356 000 000 09075".to_owned());
    let draft = ReportDraft {
        structure: Some(StructureIdentifier {
            identifier: Some(siret),
        }),
        department: "75".to_owned(),
        ..incident()
    };
    let receipt = declarant.submit(draft).await.unwrap();
    let report = declarant.get(&receipt.report_id).await.unwrap();
    let identifier = report.draft.unwrap().structure.unwrap().identifier;
    assert_eq!(
        identifier,
        Some(Identifier::Siret("35600000009075".to_owned()))
    );
}

#[tokio::test]
async fn a_reference_is_found_as_it_stands_in_a_sentence() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    let receipt = declarant.submit(incident()).await.unwrap();
    for pasted in [
        receipt.reference.replace('-', "\u{2011}") + ".",
        format!("« {} »", receipt.reference.to_lowercase()),
        receipt.reference.replace('-', "\u{a0}"),
        format!("\u{a0}{}\n", receipt.report_id),
    ] {
        let found = declarant.get(&pasted).await.unwrap();
        assert_eq!(found.report_id, receipt.report_id, "{pasted}");
    }
}

#[tokio::test]
async fn texts_are_kept_composed_with_line_feeds_and_without_filler() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    let draft = ReportDraft {
        structure: described("\u{feff}Cabinet du Cha\u{302}teau\u{200b}\n", "75"),
        description: "Serveurs\tchiffre\u{301}s.\r\n« facture\u{202e}fdp.exe »".to_owned(),
        // 4,000 characters once they are composed.
        systems: "e\u{301}".repeat(4_000),
        ..incident()
    };
    let receipt = declarant.submit(draft).await.unwrap();
    let report = declarant.get(&receipt.report_id).await.unwrap();
    assert_eq!(report.structure_name, "Cabinet du Château");
    let draft = report.draft.unwrap();
    assert_eq!(
        draft.description,
        "Serveurs chiffrés.\n« facture\u{202e}fdp.exe »"
    );
    assert_eq!(draft.systems, "é".repeat(4_000));
}

#[tokio::test]
async fn a_request_sent_again_in_another_form_of_the_same_text_gets_the_same_receipt() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    let request = |description: &str| proto::intake::v1::SubmitReportRequest {
        request_id: "018f0000-0000-7000-8000-000000000001".to_owned(),
        draft: Some(ReportDraft {
            description: description.to_owned(),
            ..incident()
        }),
        ..proto::intake::v1::SubmitReportRequest::default()
    };
    let sent = request("Re\u{301}seau coupé.\r\nTout.");
    let mut again = request("Réseau coupé.\nTout.");
    again.draft.as_mut().unwrap().found_at = sent.draft.as_ref().unwrap().found_at;
    let first = declarant.send(sent).await.unwrap();
    let second = declarant.send(again.clone()).await.unwrap();
    assert_eq!(first.reference, second.reference);
    again.draft.as_mut().unwrap().description = "Autre chose.".to_owned();
    let status = declarant.send(again).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_report_that_an_earlier_release_took_by_other_rules_stays_readable() {
    let env = TestEnv::start().await;
    let declarant = env.declarant("alice");
    let draft = ReportDraft {
        structure: described("Cabinet du Lac", "75"),
        ..incident()
    };
    let receipt = declarant.submit(draft).await.unwrap();
    sqlx::query(
        r#"update report set facts = jsonb_set(
               jsonb_set(facts, '{vendor}', '"Éditeur\r\nSARL"'),
               '{structure,described,name}', '"Cabinet\n\nURGENT\u202e"')"#,
    )
    .execute(&env.pool)
    .await
    .unwrap();
    let report = declarant.get(&receipt.report_id).await.unwrap();
    let draft = report.draft.unwrap();
    assert_eq!(draft.vendor, "Éditeur  SARL");
    assert_eq!(draft.structure, described("Cabinet  URGENT\u{fffd}", "75"));
}
