//! What is asked of accompaniment in vain.

use proto::qualification::v1::{self as pb, AccompanimentGiver as Giver};
use tonic::{Code, Status};
use uuid::Uuid;

use super::{accept, ask, begin, declarant, decline, end, offer};
use crate::tests::env::{TestEnv, agent, analyst, reason, violations};

#[tokio::test]
async fn what_does_not_fit_the_state_is_refused() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let asked = env
        .ask_for_accompaniment(&declarant(), ask(&id, "Aide"))
        .await
        .unwrap();
    let it = asked.accompaniment_id.as_str();
    let mut refusals = vec![
        env.answer_accompaniment(&declarant(), accept(it))
            .await
            .unwrap_err(),
        env.begin_accompaniment(&analyst(), begin(it))
            .await
            .unwrap_err(),
    ];
    env.offer_accompaniment(&analyst(), offer(&id, Giver::Cell, ""))
        .await
        .unwrap();
    refusals.push(
        env.begin_accompaniment(&analyst(), begin(it))
            .await
            .unwrap_err(),
    );
    env.answer_accompaniment(&declarant(), decline(it))
        .await
        .unwrap();
    refusals.extend([
        env.answer_accompaniment(&declarant(), accept(it))
            .await
            .unwrap_err(),
        env.end_accompaniment(&analyst(), end(it, "?"))
            .await
            .unwrap_err(),
    ]);
    for refused in refusals {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "WRONG_STATE")
        );
    }
    let outdated = pb::EndAccompanimentRequest {
        etag: asked.etag,
        ..end(it, "?")
    };
    let refused = env
        .end_accompaniment(&analyst(), outdated)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let outdated = pb::OfferAccompanimentRequest {
        etag: "never".into(),
        ..offer(&id, Giver::Cell, "")
    };
    let refused = env
        .offer_accompaniment(&analyst(), outdated)
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
}

#[tokio::test]
async fn an_agency_leads_its_own_accompaniment_and_neither_the_cells_nor_anothers() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.visible_to.push("ars:28".into());
    let id = env.open(&report).await.case_id;
    let mut refusals = vec![
        env.offer_accompaniment(&agent("76"), offer(&id, Giver::Cell, ""))
            .await
            .unwrap_err(),
    ];
    let of_cell = env
        .offer_accompaniment(&analyst(), offer(&id, Giver::Cell, ""))
        .await
        .unwrap();
    let of_agency = env
        .offer_accompaniment(&agent("76"), offer(&id, Giver::Agency, ""))
        .await
        .unwrap();
    for (who, it) in [(agent("76"), &of_cell), (agent("28"), &of_agency)] {
        env.answer_accompaniment(&declarant(), accept(&it.accompaniment_id))
            .await
            .unwrap();
        refusals.extend([
            env.begin_accompaniment(&who, begin(&it.accompaniment_id))
                .await
                .unwrap_err(),
            env.end_accompaniment(&who, end(&it.accompaniment_id, "?"))
                .await
                .unwrap_err(),
        ]);
    }
    for refused in refusals {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "GIVER_NOT_YOURS")
        );
    }
    let second = env
        .offer_accompaniment(&agent("28"), offer(&id, Giver::Agency, ""))
        .await
        .unwrap();
    assert_eq!(
        second.giver_region, "28",
        "another agency accompanies beside the first"
    );
}

#[tokio::test]
async fn a_case_that_one_may_not_see_has_no_accompaniment_to_read_or_to_change() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await.case_id;
    let known = env
        .offer_accompaniment(&analyst(), offer(&case, Giver::Cell, ""))
        .await
        .unwrap();
    let unknown = Uuid::now_v7().to_string();
    let stranger = agent("75");
    let mut expected = Vec::new();
    for (case, it) in [(&case, &known.accompaniment_id), (&unknown, &unknown)] {
        let asked = env.ask_for_accompaniment(&stranger, ask(case, "?")).await;
        let offered = env
            .offer_accompaniment(&stranger, offer(case, Giver::Agency, ""))
            .await;
        let answered = env.answer_accompaniment(&stranger, accept(it)).await;
        let begun = env.begin_accompaniment(&stranger, begin(it)).await;
        let ended = env.end_accompaniment(&stranger, end(it, "?")).await;
        let listed = env.accompaniments_of(&stranger, case).await;
        for (action, object, refused) in [
            ("accompaniment.ask", case, asked.unwrap_err()),
            ("accompaniment.offer", case, offered.unwrap_err()),
            ("accompaniment.answer", it, answered.unwrap_err()),
            ("accompaniment.begin", it, begun.unwrap_err()),
            ("accompaniment.end", it, ended.unwrap_err()),
            ("accompaniment.list", case, listed.unwrap_err()),
        ] {
            assert_eq!(refused.code(), Code::NotFound, "{action}");
            expected.push((action.to_owned(), object.clone(), "not_visible".to_owned()));
        }
    }
    assert_eq!(env.audited("agent-75").await, expected);
}

#[tokio::test]
async fn malformed_requests_are_refused_with_their_fields() {
    let env = TestEnv::start().await;
    let nobody = Uuid::nil().to_string();
    let asked = env
        .ask_for_accompaniment(&declarant(), pb::AskForAccompanimentRequest::default())
        .await;
    let fields = [
        ("case_id", "REQUIRED"),
        ("need", "REQUIRED"),
        ("request_id", "REQUIRED"),
    ];
    assert_eq!(told(&asked.unwrap_err()), owned(&fields));
    let offers: [(pb::OfferAccompanimentRequest, &[(&str, &str)]); 4] = [
        (
            offer(&nobody, Giver::Unspecified, ""),
            &[("giver", "REQUIRED")],
        ),
        (
            offer(&nobody, Giver::Provider, " "),
            &[("giver_name", "REQUIRED")],
        ),
        (
            offer(&nobody, Giver::Cell, "CERT"),
            &[("giver_name", "CONFLICT")],
        ),
        (
            pb::OfferAccompanimentRequest {
                giver: 9,
                offer: "x".repeat(4_001),
                ..offer(&nobody, Giver::Cell, "")
            },
            &[("giver", "UNKNOWN_VALUE"), ("offer", "TOO_LONG")],
        ),
    ];
    for (request, expected) in offers {
        let refused = env
            .offer_accompaniment(&analyst(), request)
            .await
            .unwrap_err();
        assert_eq!(told(&refused), owned(expected));
    }
    let unsaid = pb::AnswerOfferRequest {
        answer: 0,
        ..accept(&nobody)
    };
    let refused = env
        .answer_accompaniment(&declarant(), unsaid)
        .await
        .unwrap_err();
    assert_eq!(told(&refused), owned(&[("answer", "REQUIRED")]));
    let refused = env
        .end_accompaniment(&analyst(), end(&nobody, " "))
        .await
        .unwrap_err();
    assert_eq!(told(&refused), owned(&[("outcome", "REQUIRED")]));

    // The agency of a report without a region is nobody.
    let mut report = env.report();
    report.submitted.structure.as_mut().unwrap().routing_region = "national".into();
    let id = env.open(&report).await.case_id;
    let refused = env
        .offer_accompaniment(&analyst(), offer(&id, Giver::Agency, ""))
        .await
        .unwrap_err();
    assert_eq!(told(&refused), owned(&[("giver", "CONFLICT")]));
}

fn told(refused: &Status) -> Vec<(String, String)> {
    assert_eq!(refused.code(), Code::InvalidArgument);
    violations(refused)
}

fn owned(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected.iter();
    pairs
        .map(|&(field, reason)| (field.to_owned(), reason.to_owned()))
        .collect()
}
