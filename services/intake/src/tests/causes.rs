//! Reports that name another as that of their cause.

use proto::{events::v1::ReportSubmitted, intake::v1::ReportDraft};
use tonic::Code;

use crate::tests::{
    drafts::{described, incident},
    env::{TestEnv, violations},
};

fn naming(reference: &str) -> ReportDraft {
    ReportDraft {
        cause_reference: reference.to_owned(),
        ..incident()
    }
}

#[tokio::test]
async fn a_cause_is_told_by_its_reference_and_by_its_id_only_where_the_author_sees_it() {
    let env = TestEnv::start().await;
    let provider = env.declarant("provider");
    let own = ReportDraft {
        structure: described("Hébergeur", "75"),
        ..incident()
    };
    let cause = provider.submit(own).await.unwrap();
    // As a person types it.
    let typed = cause.reference.to_lowercase().replace('-', " ");
    let seen = provider.submit(naming(&typed)).await.unwrap();
    let another = env.declarant("alice");
    let unseen = another.submit(naming(&cause.reference)).await.unwrap();
    let none = provider.submit(incident()).await.unwrap();

    for (receipt, author, reference, report_id) in [
        (&seen, &provider, &cause.reference, &cause.report_id),
        (&unseen, &another, &cause.reference, &String::new()),
        (&none, &provider, &String::new(), &String::new()),
    ] {
        let told = told(&env, &receipt.report_id).await;
        assert_eq!(&told.cause_reference, reference);
        assert_eq!(&told.cause_report_id, report_id);
        let draft = author.get(&receipt.report_id).await.unwrap().draft;
        assert_eq!(&draft.unwrap().cause_reference, reference);
    }
}

#[tokio::test]
async fn a_reference_that_is_none_is_refused_and_one_that_nobody_has_is_kept() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let refused = alice.submit(naming("SIG-2026-AAAAAAA")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let expected = ("draft.cause_reference".to_owned(), "BAD_FORMAT".to_owned());
    assert_eq!(violations(&refused), [expected]);
    let cipher = vocabulary::ReferenceCipher::new([7; 32]);
    let unknown = cipher.reference(2020, 1).to_string();
    let receipt = alice.submit(naming(&unknown)).await.unwrap();
    let told = told(&env, &receipt.report_id).await;
    assert_eq!(told.cause_reference, unknown);
    assert_eq!(told.cause_report_id, "");
}

/// What the log tells of a report.
async fn told(env: &TestEnv, report_id: &str) -> ReportSubmitted {
    let subject = format!("report/{report_id}");
    let events = env.events().await;
    let event = events.iter().find(|event| event.subject == subject);
    event.unwrap().decode().unwrap()
}
