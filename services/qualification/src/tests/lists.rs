//! Lists of cases.

use std::{collections::HashSet, pin::pin};

use futures::{FutureExt as _, future::join_all};
use proto::{qualification::v1 as pb, types::v1 as types};
use testkit::TokenSpec;
use time::Duration;
use tokio::select;
use uuid::Uuid;

use crate::tests::env::{
    DECLARED, TestEnv, agent, analyst, in_scope, out_of_scope, second_analyst, violations,
};

fn at(minutes: i64) -> prost_types::Timestamp {
    let moment = DECLARED + Duration::minutes(minutes);
    prost_types::Timestamp {
        seconds: moment.unix_timestamp(),
        nanos: 0,
    }
}

fn ids(cases: &[pb::Case]) -> Vec<&str> {
    cases.iter().map(|case| case.case_id.as_str()).collect()
}

#[tokio::test]
async fn pages_give_every_case_once_the_latest_declaration_first() {
    let env = TestEnv::start().await;
    for minutes in [0, 5, 5, 5, 3, 9, 1] {
        let mut report = env.report();
        report.submitted.declared_at = Some(at(minutes));
        env.open(&report).await;
    }
    let mut request = pb::ListCasesRequest {
        page_size: 2,
        ..Default::default()
    };
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let answer = env
            .case_client(&agent("76"))
            .list_cases(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert!(answer.cases.len() <= 2);
        seen.extend(answer.cases);
        pages += 1;
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    assert_eq!(pages, 4);
    assert_eq!(
        seen.iter()
            .map(|case| &case.case_id)
            .collect::<HashSet<_>>()
            .len(),
        7
    );
    let declared: Vec<_> = seen
        .iter()
        .map(|case| case.declared_at.unwrap().seconds)
        .collect();
    assert!(declared.is_sorted_by(|a, b| a >= b));
    let short = |case: &pb::Case| case.history.is_empty() && case.description.is_empty();
    assert!(seen.iter().all(short));
    // One entry a call, with the filter.
    let audited = env.audited("agent-76").await;
    assert_eq!(audited.len(), pages);
    assert!(
        audited
            .iter()
            .all(|(action, _, outcome)| action == "case.list" && outcome == "done")
    );
}

#[tokio::test]
async fn a_state_asked_for_ten_thousand_times_is_one_state() {
    let env = TestEnv::start().await;
    env.open(&env.report()).await;
    let request = pb::ListCasesRequest {
        states: vec![types::CaseState::Submitted.into(); 10_000],
        ..Default::default()
    };
    assert_eq!(env.list(&agent("76"), request).await.len(), 1);
    let expected = ["case.list", "state=submitted", "done"].map(str::to_owned);
    assert_eq!(env.audited("agent-76").await, [expected.into()]);
}

#[tokio::test]
async fn a_page_token_belongs_to_its_filter() {
    let env = TestEnv::start().await;
    for _ in 0..2 {
        env.open(&env.report()).await;
    }
    let request = pb::ListCasesRequest {
        page_size: 1,
        ..Default::default()
    };
    let answer = env
        .case_client(&analyst())
        .list_cases(request)
        .await
        .unwrap();
    let elsewhere = pb::ListCasesRequest {
        page_token: answer.into_inner().next_page_token,
        major_only: true,
        ..Default::default()
    };
    let refused = env
        .case_client(&analyst())
        .list_cases(elsewhere)
        .await
        .unwrap_err();
    assert_eq!(violations(&refused)[0].0, "page_token");
}

#[tokio::test]
async fn every_filter_narrows_the_list() {
    let env = TestEnv::start().await;
    let open = async |minutes, region: &str| {
        let mut report = env.report();
        report.submitted.declared_at = Some(at(minutes));
        report.submitted.structure.as_mut().unwrap().routing_region = region.into();
        env.open(&report).await.case_id
    };
    let plain = open(1, "76").await;
    let major = open(2, "76").await;
    let out = open(3, "93").await;
    let mut qualification = in_scope(&major);
    let severity = types::Severity {
        serious: true,
        significant: false,
        major: true,
    };
    qualification.triage.as_mut().unwrap().severity = Some(severity);
    env.qualify(&analyst(), qualification).await.unwrap();
    env.qualify(&second_analyst(), out_of_scope(&out))
        .await
        .unwrap();

    let none = pb::ListCasesRequest::default;
    let rows = [
        (none(), vec![&out, &major, &plain]),
        (
            pb::ListCasesRequest {
                states: vec![4, 8],
                ..none()
            },
            vec![&out, &major],
        ),
        (
            pb::ListCasesRequest {
                routing_region: "93".into(),
                ..none()
            },
            vec![&out],
        ),
        (
            pb::ListCasesRequest {
                major_only: true,
                ..none()
            },
            vec![&major],
        ),
        (
            pb::ListCasesRequest {
                mine_only: true,
                ..none()
            },
            vec![&major],
        ),
        (
            pb::ListCasesRequest {
                declared_after: Some(at(2)),
                ..none()
            },
            vec![&out, &major],
        ),
        (
            pb::ListCasesRequest {
                declared_before: Some(at(2)),
                ..none()
            },
            vec![&plain],
        ),
    ];
    for (request, expected) in rows {
        let listed = env.list(&analyst(), request.clone()).await;
        assert_eq!(ids(&listed), expected, "{request:?}");
    }
}

#[tokio::test]
async fn everyone_lists_what_he_sees_and_nothing_else() {
    let env = TestEnv::start().await;
    let mut elsewhere = env.report();
    elsewhere.submitted.visible_to = ["cell", "fssi", "ars:93"].map(str::to_owned).to_vec();
    let elsewhere = env.open(&elsewhere).await.case_id;
    let here = env.open(&env.report()).await.case_id;
    let colleague = TokenSpec::of("x")
        .role("declarant")
        .structure("finess:010000024");
    for (who, mut expected) in [
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
        (TokenSpec::of("dgs").role("health_authority"), vec![]),
    ] {
        let listed = env.list(&who, pb::ListCasesRequest::default()).await;
        let mut listed = ids(&listed);
        listed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listed, expected, "{}", who.subject);
    }
}

/// How many rows the list of these parties looks at, and the plan that it follows.
async fn visited(env: &TestEnv, parties: &[&str]) -> (u64, String) {
    let list = include_str!("../../src/cases/sql/list_cases.sql");
    let sql = sqlx::AssertSqlSafe(format!("explain (analyze, format json) {list}"));
    let plan: serde_json::Value = sqlx::query_scalar(sql)
        .persistent(false)
        .bind(parties)
        .bind(None::<Vec<String>>)
        .bind(None::<String>)
        .bind(false)
        .bind(None::<String>)
        .bind(None::<time::OffsetDateTime>)
        .bind(None::<time::OffsetDateTime>)
        .bind(None::<time::OffsetDateTime>)
        .bind(None::<Uuid>)
        .bind(21_i64)
        .bind(None::<time::OffsetDateTime>)
        .bind(None::<time::OffsetDateTime>)
        .fetch_one(&env.pool)
        .await
        .unwrap();
    (rows_of(&plan[0]["Plan"]), plan.to_string())
}

/// The rows that the scans of a plan found, or found and passed over.
fn rows_of(node: &serde_json::Value) -> u64 {
    let parts = node["Plans"].as_array().into_iter().flatten();
    let of_parts: u64 = parts.map(rows_of).sum();
    if !node["Node Type"].as_str().unwrap().ends_with("Scan") {
        return of_parts;
    }
    let each = ["Actual Rows", "Rows Removed by Filter"].map(|key| node[key].as_u64().unwrap_or(0));
    of_parts + each.iter().sum::<u64>() * node["Actual Loops"].as_u64().unwrap()
}

#[tokio::test]
async fn neither_who_sees_all_nor_who_sees_little_makes_a_list_walk_all_cases() {
    let env = TestEnv::start().await;
    sqlx::query(
        "insert into case_file (case_id, report_id, reference, structure_name, routing_region,
             declared_at, opened_at, description, assistance_requested, test, proposed, revision,
             state, changed_at, major, visible_to)
         select gen_random_uuid(), gen_random_uuid(), i::text, 'CH', '76', now() - i * interval '1 hour',
             now(), repeat('x', 300), false, false, '{}', 1,
             (array['submitted', 'qualified', 'closed'])[1 + i % 3], now(), false,
             array['cell', 'fssi', 'ars:76', 'subject:' || i % 9000, 'structure:' || i % 5000]
         from generate_series(1, 20000) i",
    )
    .execute(&env.pool)
    .await
    .unwrap();
    sqlx::query("analyze case_file")
        .execute(&env.pool)
        .await
        .unwrap();

    for parties in [&["cell"][..], &["subject:17", "structure:17"]] {
        let (rows, plan) = visited(&env, parties).await;
        assert!(rows < 200, "{rows} rows: {plan}");
    }
}

#[tokio::test]
async fn the_history_is_paged_newest_first_and_a_case_shows_its_latest_entries() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let id = case.case_id.as_str();
    for _ in 0..104 {
        env.claim(&analyst(), id).await.unwrap();
    }
    let shown = env.get(&analyst(), id).await.unwrap();
    assert_eq!((shown.revision, shown.history.len()), (105, 100));
    assert_eq!(shown.history[0].action, "claimed");
    let announced = env.announced(id).await;
    assert_eq!(announced.last().unwrap().revision, shown.revision);

    let (mut actions, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListCaseHistoryRequest {
            case_id: case.reference.clone(),
            page_size: 50,
            page_token: token,
        };
        let page = env
            .case_client(&agent("76"))
            .list_case_history(request)
            .await;
        let page = page.unwrap().into_inner();
        actions.extend(page.entries.into_iter().map(|entry| entry.action));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(actions.len(), 105);
    assert_eq!(actions.last().unwrap(), "opened");

    let request = pb::ListCaseHistoryRequest {
        case_id: id.to_owned(),
        ..Default::default()
    };
    let refused = env
        .case_client(&agent("75"))
        .list_case_history(request)
        .await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn lists_that_wait_take_no_connection_of_a_command() {
    const READ_CONNECTIONS: i64 = 8;
    let env = TestEnv::start().await;
    let mut holder = env.pool.begin().await.unwrap();
    sqlx::query("lock table case_file in access exclusive mode")
        .execute(&mut *holder)
        .await
        .unwrap();

    let case_id = Uuid::now_v7().to_string();
    let history = pb::ListCaseHistoryRequest {
        case_id: case_id.clone(),
        ..Default::default()
    };
    let messages = pb::ListMessagesRequest {
        case_id,
        ..Default::default()
    };
    let calls = (0..READ_CONNECTIONS).flat_map(|_| {
        let cases = pb::ListCasesRequest::default();
        let (history, messages) = (history.clone(), messages.clone());
        let mut client = env.case_client(&analyst());
        let mut same_client = client.clone();
        let mut exchanges = env.message_client(&analyst());
        [
            async move { client.list_cases(cases).await.is_ok() }.boxed(),
            async move { same_client.list_case_history(history).await.is_ok() }.boxed(),
            async move { exchanges.list_messages(messages).await.is_ok() }.boxed(),
        ]
    });
    let mut calls = pin!(join_all(calls));
    let (mut most, mut answered) = (0, None);
    while answered.is_none() {
        let waiting = "select count(*) from pg_locks
                       where relation = 'case_file'::regclass and not granted
                           and database = (
                               select oid from pg_database where datname = current_database()
                           )";
        let waiting = sqlx::query_scalar(waiting).fetch_one(&mut *holder);
        select! {
            answers = &mut calls => answered = Some(answers),
            waiting = waiting => most = i64::max(most, waiting.unwrap()),
        }
    }
    // Those that came late may find the first ones refused: what counts is that no more wait.
    assert!((2..=READ_CONNECTIONS).contains(&most), "{most} wait");
    assert!(answered.unwrap().iter().all(|done| !done));
}
