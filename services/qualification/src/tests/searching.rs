//! Filters of the queue, and what cases are found by.

mod filters;
mod waiting;
mod work;

use std::collections::BTreeSet;

use proto::{qualification::v1 as pb, types::v1 as types};
use testkit::{TokenSpec, eventually, eventually_some};
use time::Duration;
use uuid::Uuid;

use crate::tests::env::{DECLARED, Report, TestEnv, agent, analyst, in_scope, violations};

fn none() -> pb::ListCasesRequest {
    pb::ListCasesRequest::default()
}

fn query(words: &str) -> pb::ListCasesRequest {
    pb::ListCasesRequest {
        query: words.to_owned(),
        ..none()
    }
}

fn declared(report: &mut Report, minutes: i64) {
    let at = DECLARED + Duration::minutes(minutes);
    report.submitted.declared_at = Some(prost_types::Timestamp {
        seconds: at.unix_timestamp(),
        nanos: 0,
    });
}

fn describe(report: &mut Report, description: &str) {
    report.submitted.text.as_mut().unwrap().description = description.to_owned();
}

impl TestEnv {
    /// The references of the cases that a list shows, in its order.
    async fn found(&self, who: &TokenSpec, request: pb::ListCasesRequest) -> Vec<String> {
        let listed = self.list(who, request).await;
        listed.into_iter().map(|case| case.reference).collect()
    }

    /// Whether a case is found by these words.
    async fn finds(&self, who: &TokenSpec, words: &str) -> bool {
        !self.found(who, query(words)).await.is_empty()
    }
}

#[tokio::test]
async fn a_case_is_found_by_what_those_who_see_it_read() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    let structure = report.submitted.structure.as_mut().unwrap();
    structure.name = "Hôpital d\u{2019}Œuvre-Saint-Éloi".into();
    structure.town = "Nîmes".into();
    structure.structure_key = "finess:340782085".into();
    describe(
        &mut report,
        "Les serveurs de messagerie sont chiffrés ; n°17.",
    );
    let case = env.open(&report).await;
    assert_eq!(case.structure_town, "Nîmes");
    for words in [
        case.reference.as_str(),
        case.reference.rsplit('-').next().unwrap(),
        "hopital",
        "l'hôpital",
        "OEUVRE",
        "saint eloi",
        "nimes",
        "340782085",
        "34 078 208 5",
        "serveur",
        "messageries chiffrées",
        "hôpital de la messagerie",
    ] {
        assert!(env.finds(&analyst(), words).await, "{words}");
    }
    for words in [
        "serv",
        "nantes",
        "hôpital nantes",
        // Of another structure that sees it: a hit would tell.
        "010000024",
        "le de la",
        "ransomware",
    ] {
        assert!(!env.finds(&analyst(), words).await, "{words}");
    }
    // What the cell writes at the closure is found, and no longer once it is opened again.
    env.qualify(&analyst(), in_scope(&case.case_id))
        .await
        .unwrap();
    assert!(!env.finds(&analyst(), "sauvegarde").await);
    env.close(&analyst(), &case.case_id).await.unwrap();
    assert!(env.finds(&analyst(), "sauvegarde").await);
    let reopen = pb::ReopenCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case.case_id.clone(),
        etag: String::new(),
        note: "Suite".into(),
    };
    let mut cases = env.case_client(&analyst());
    cases.reopen_case(reopen).await.unwrap();
    assert!(!env.finds(&analyst(), "sauvegarde").await);
    assert!(!env.finds(&analyst(), "suite").await);
}

#[tokio::test]
async fn everyone_finds_what_he_sees_and_nothing_else() {
    let env = TestEnv::start().await;
    let mut elsewhere = env.report();
    elsewhere.submitted.visible_to = ["cell", "fssi", "ars:93"].map(str::to_owned).to_vec();
    declared(&mut elsewhere, 1);
    let elsewhere = env.open(&elsewhere).await.reference;
    let mut here = env.report();
    here.submitted.visible_to.push("dgs".into());
    let here = env.open(&here).await.reference;
    let mut test = env.report();
    test.submitted.test = true;
    test.submitted.visible_to = vec!["probe".into()];
    env.submit(&test).await;
    let prober = TokenSpec::of("probe").role("prober");
    eventually(async || env.finds(&prober, "serveurs").await).await;

    let colleague = TokenSpec::of("x")
        .role("declarant")
        .structure("finess:010000024");
    let test = test.submitted.reference;
    for (who, expected) in [
        (analyst(), vec![&elsewhere, &here]),
        (
            TokenSpec::of("fssi").role("security_officer"),
            vec![&elsewhere, &here],
        ),
        (agent("76"), vec![&here]),
        (agent("93"), vec![&elsewhere]),
        (agent("75"), vec![]),
        (TokenSpec::of("decl").role("declarant"), vec![&here]),
        (colleague, vec![&here]),
        (TokenSpec::of("y").role("declarant"), vec![]),
        (TokenSpec::of("dgs").role("health_authority"), vec![&here]),
        (TokenSpec::of("imp").role("importer"), vec![]),
        (prober, vec![&test]),
    ] {
        for request in [
            query("serveurs chiffrés"),
            pb::ListCasesRequest {
                kinds: vec![types::ReportKind::Incident.into()],
                ..none()
            },
        ] {
            let found = env.found(&who, request.clone()).await;
            let found: Vec<_> = found.iter().collect();
            assert_eq!(found, expected, "{} {request:?}", who.subject);
        }
    }
}

#[tokio::test]
async fn what_rests_sealed_and_what_was_amended_away_is_not_found() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    describe(&mut report, "Le poste de Hagnon est éteint");
    let case = env.open(&report).await;
    let id = case.case_id.as_str();
    let message = pb::PostMessageRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: id.to_owned(),
        audience: pb::Audience::Agencies.into(),
        text: "Zygote".into(),
    };
    let mut messages = env.message_client(&analyst());
    messages.post_message(message).await.unwrap();
    let mut qualification = in_scope(id);
    qualification.note = "Xylophone".into();
    env.qualify(&analyst(), qualification).await.unwrap();
    let sealed = [
        "martin",
        "dominique",
        "rssi",
        "example",
        "zygote",
        "xylophone",
    ];
    for words in sealed {
        assert!(!env.finds(&analyst(), words).await, "{words}");
    }

    assert!(env.finds(&analyst(), "hagnon").await);
    describe(&mut report, "Un poste est éteint");
    env.announce(&[report.amended(2, &["text.description"])])
        .await;
    eventually(async || !env.finds(&analyst(), "hagnon").await).await;
    assert!(env.finds(&analyst(), "poste").await);

    env.announce(&[report.contacts_erased()]).await;
    let erased = async || {
        let case = env.get(&analyst(), id).await.unwrap();
        case.declarant.is_none().then_some(())
    };
    eventually_some(erased).await;
    for words in sealed {
        assert!(!env.finds(&analyst(), words).await, "{words}");
    }
    // Nor does what is searched rest in the trail, where it may name a person.
    let audited = env.audited("ana").await;
    assert!(audited.contains(&("case.list".into(), "query".into(), "done".into())));
    assert!(!format!("{audited:?}").contains("zygote"));
}

#[tokio::test]
async fn cases_that_were_there_before_the_search_are_found_by_it() {
    let env = TestEnv::start().await;
    let first = env.open(&env.report()).await.case_id;
    let second = env.open(&env.report()).await.case_id;
    let forget = async || {
        sqlx::query("delete from case_search")
            .execute(&env.pool)
            .await
            .unwrap();
    };
    forget().await;
    assert!(!env.finds(&analyst(), "serveurs").await);
    // What changes meanwhile is known, and not undone by the migration.
    env.claim(&analyst(), &first).await.unwrap();
    assert_eq!(env.list(&analyst(), query("serveurs")).await.len(), 1);
    let migration = include_str!("../../migrations/0019_find_cases.sql");
    sqlx::raw_sql(migration).execute(&env.pool).await.unwrap();
    let waiting = pb::ListCasesRequest {
        waiting_for: vec![types::WaitingFor::Cell.into()],
        ..query("serveurs")
    };
    let waiting = env.list(&analyst(), waiting).await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].case_id, second);
    assert_eq!(env.list(&analyst(), query("serveurs")).await.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused_with_its_field() {
    let env = TestEnv::start().await;
    let long = "x".repeat(201);
    for (request, expected) in [
        (query("x"), ("query", "TOO_SHORT")),
        (query("bâtiment B"), ("query", "TOO_SHORT")),
        (query("«»"), ("query", "BAD_FORMAT")),
        (query(&long), ("query", "TOO_LONG")),
        (
            query("un deux trois quatre cinq six sept huit neuf"),
            ("query", "TOO_MANY"),
        ),
        (
            pb::ListCasesRequest {
                severities: vec![9],
                ..none()
            },
            ("severities[0]", "UNKNOWN_VALUE"),
        ),
        (
            pb::ListCasesRequest {
                kinds: vec![1, 1],
                ..none()
            },
            ("kinds[1]", "DUPLICATE"),
        ),
        (
            pb::ListCasesRequest {
                origins: vec![0],
                ..none()
            },
            ("origins[0]", "UNKNOWN_VALUE"),
        ),
        (
            pb::ListCasesRequest {
                waiting_for: vec![-1],
                ..none()
            },
            ("waiting_for[0]", "UNKNOWN_VALUE"),
        ),
    ] {
        let mut cases = env.case_client(&analyst());
        let refused = cases.list_cases(request.clone()).await.unwrap_err();
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert_eq!(violations(&refused), [expected], "{request:?}");
    }
    assert!(env.found(&analyst(), query("  ")).await.is_empty());
}

#[tokio::test]
async fn pages_of_a_search_give_each_case_once_whatever_comes_between_them() {
    let env = TestEnv::start().await;
    let open = async |minutes| {
        let mut report = env.report();
        declared(&mut report, minutes);
        env.open(&report).await.reference
    };
    // Over several months, and some at the same moment.
    let mut expected = Vec::new();
    for months in [0, 0, 0, 1, 2, 2, 5] {
        expected.push(open(-months * 31 * 24 * 60).await);
    }
    let mut request = pb::ListCasesRequest {
        page_size: 2,
        ..query("serveurs")
    };
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let mut cases = env.case_client(&agent("76"));
        let page = cases
            .list_cases(request.clone())
            .await
            .unwrap()
            .into_inner();
        seen.extend(page.cases.into_iter().map(|case| case.reference));
        pages += 1;
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        // Later than all that is listed, so on no page that follows.
        open(i64::from(pages)).await;
    }
    assert_eq!((pages, seen.len()), (4, 7));
    let distinct = |all: &[String]| all.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(distinct(&seen), distinct(&expected));
    assert_eq!(seen[3..4], expected[3..4]);
    assert_eq!(seen[6..], expected[6..]);

    let elsewhere = pb::ListCasesRequest {
        query: "serveur".into(),
        ..request
    };
    let refused = env.case_client(&agent("76")).list_cases(elsewhere).await;
    assert_eq!(violations(&refused.unwrap_err())[0].0, "page_token");
}
