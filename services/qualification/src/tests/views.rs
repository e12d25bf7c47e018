//! Who sees a case, and how much of it.

use proto::types::v1 as types;
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;

use crate::tests::env::{TestEnv, agent, analyst, in_scope};

#[tokio::test]
async fn each_role_sees_what_its_office_needs_and_no_more() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report
        .submitted
        .visible_to
        .extend(["dgs", "importer:imp"].map(str::to_owned));
    let case = env.open(&report).await;
    env.claim(&analyst(), &case.case_id).await.unwrap();

    let colleague = TokenSpec::of("colleague")
        .role("declarant")
        .structure("finess:010000024");
    let rows = [
        (analyst(), true, true),
        (TokenSpec::of("fssi").role("security_officer"), true, true),
        (agent("76"), true, false),
        (TokenSpec::of("decl").role("declarant"), true, false),
        (colleague, true, false),
        (TokenSpec::of("dgs").role("health_authority"), false, false),
        (TokenSpec::of("imp").role("importer"), false, false),
    ];
    for (who, contacts, people) in rows {
        let seen = env.get(&who, &case.case_id).await.unwrap();
        assert_eq!(seen.declarant.is_some(), contacts, "{}", who.subject);
        assert_eq!(
            seen.assignee,
            if people { "ana" } else { "" },
            "{}",
            who.subject
        );
        let actor = if people { "analyst:ana" } else { "analyst" };
        assert_eq!(seen.history[1].actor, actor, "{}", who.subject);
        assert_eq!(seen.history[0].actor, "system");
    }
    let contact = env
        .get(&analyst(), &case.case_id)
        .await
        .unwrap()
        .declarant
        .unwrap();
    assert_eq!(contact.name, "Dominique Martin");
    assert_eq!(contact.email, "dominique.martin@example.org");
}

#[tokio::test]
async fn a_program_that_declares_and_watches_a_region_has_not_the_cases_of_the_region() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let program = TokenSpec::of("program")
        .role("declarant")
        .role("integration")
        .region("76");
    let refused = env.get(&program, &case.case_id).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let everything = proto::qualification::v1::ListCasesRequest::default();
    assert!(env.list(&program, everything).await.is_empty());
}

#[tokio::test]
async fn what_one_may_not_see_is_as_unknown_as_what_does_not_exist() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let unknown = Uuid::now_v7().to_string();
    for who in [
        agent("75"),
        TokenSpec::of("other")
            .role("declarant")
            .structure("finess:340000025"),
        TokenSpec::of("dgs").role("health_authority"),
        TokenSpec::of("imp").role("importer"),
        TokenSpec::of("probe").role("prober"),
    ] {
        let unseen = env.get(&who, &case.case_id).await.unwrap_err();
        let by_reference = env.get(&who, &case.reference).await.unwrap_err();
        let missing = env.get(&who, &unknown).await.unwrap_err();
        for refused in [&unseen, &by_reference] {
            assert_eq!(refused.code(), Code::NotFound, "{}", who.subject);
            assert_eq!(refused.message(), missing.message());
            assert_eq!(refused.details(), missing.details());
        }
        let row = |object: &str| {
            (
                "case.read".to_owned(),
                object.to_owned(),
                "not_visible".to_owned(),
            )
        };
        let expected = [row(&case.case_id), row(&case.reference), row(&unknown)];
        assert_eq!(env.audited(&who.subject).await, expected);
    }
}

#[tokio::test]
async fn reading_leaves_an_entry_by_the_case_even_when_asked_by_reference() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    env.get(&agent("76"), &case.reference.to_lowercase())
        .await
        .unwrap();
    let expected = ("case.read".to_owned(), case.case_id, "done".to_owned());
    assert_eq!(env.audited("agent-76").await, [expected]);
}

#[tokio::test]
async fn the_health_authority_sees_a_case_once_a_health_impact_is_confirmed() {
    let env = TestEnv::start().await;
    let authority = TokenSpec::of("dgs").role("health_authority");
    let case = env.open(&env.report()).await;
    env.qualify(&analyst(), in_scope(&case.case_id))
        .await
        .unwrap();
    assert!(env.get(&authority, &case.case_id).await.is_err());

    let mut with_impact = in_scope(&case.case_id);
    let impacts = with_impact
        .triage
        .as_mut()
        .unwrap()
        .impacts
        .as_mut()
        .unwrap();
    impacts.set_patient_endangerment(types::PatientEndangerment::Potential);
    env.qualify(&analyst(), with_impact).await.unwrap();
    let seen = env.get(&authority, &case.case_id).await.unwrap();
    assert_eq!(seen.declarant, None);
    let announced = env.announced(&case.case_id).await;
    let told: Vec<_> = announced
        .iter()
        .map(|c| c.visible_to.contains(&"dgs".to_owned()))
        .collect();
    assert_eq!(told, [false, false, true]);
}

#[tokio::test]
async fn a_probe_has_its_case_to_itself() {
    let env = TestEnv::start().await;
    let mut probe = env.report();
    probe.submitted.test = true;
    probe.submitted.visible_to = vec!["probe".into()];
    probe.submitted.structure.as_mut().unwrap().routing_region = "synthetic".into();
    env.submit(&probe).await;
    env.settle(&probe).await;

    let prober = TokenSpec::of("probe").role("prober");
    let seen = env.get(&prober, &probe.submitted.reference).await.unwrap();
    assert!(seen.test);
    for who in [
        analyst(),
        agent("76"),
        TokenSpec::of("fssi").role("security_officer"),
    ] {
        assert!(env.get(&who, &seen.case_id).await.is_err());
        let listed = env
            .list(&who, proto::qualification::v1::ListCasesRequest::default())
            .await;
        assert!(listed.iter().all(|case| !case.test), "{}", who.subject);
    }
    assert_eq!(
        env.claim(&analyst(), &seen.case_id)
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    assert!(
        env.announced(&seen.case_id)
            .await
            .iter()
            .all(|change| change.test)
    );
}

#[tokio::test]
async fn contacts_whose_key_was_erased_are_gone_for_everyone() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.data_key = None;
    let case = env.open(&report).await;
    assert_eq!(case.declarant, None);
}

#[tokio::test]
async fn contacts_that_intake_erases_are_erased_here_whenever_they_came() {
    let env = TestEnv::start().await;
    let (known, other, new) = (env.report(), env.report(), env.report());
    let before = env.open(&known).await;
    env.open(&other).await;
    assert!(before.declarant.is_some());
    // One of which the case is there, and one that comes in the same batch.
    env.announce(&[known.contacts_erased(), new.event(), new.contacts_erased()])
        .await;
    let after = env
        .case_where(&known, |case| case.declarant.is_none())
        .await;
    assert_eq!(after.etag, before.etag);
    env.case_where(&new, |case| case.declarant.is_none()).await;
    let keys: Vec<Uuid> =
        sqlx::query_scalar("select report_id from case_file where data_key is not null")
            .fetch_all(&env.pool)
            .await
            .unwrap();
    assert_eq!(keys, [other.id]);
}

#[tokio::test]
async fn a_report_told_anew_without_contacts_has_them_erased() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    assert!(env.open(&report).await.declarant.is_some());
    report.event_id = Uuid::now_v7();
    report.data_key = None;
    env.submit(&report).await;
    env.case_where(&report, |case| case.declarant.is_none())
        .await;
}
