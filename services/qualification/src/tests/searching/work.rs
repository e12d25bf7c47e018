//! What a search costs, and what the database makes of a case as this service would.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{Severity, fold};

use crate::tests::env::TestEnv;

/// How many cases there are.
const CASES: i64 = 8_000;

/// What is looked for.
#[derive(Clone, Copy, Default)]
struct Search {
    party: &'static str,
    kind: Option<&'static str>,
    words: Option<&'static str>,
}

/// How many rows a statement looks at, and the plan that it follows.
async fn visited(env: &TestEnv, sql: &str, search: Search, latest: Option<i64>) -> (u64, String) {
    let sql = sqlx::AssertSqlSafe(format!("explain (analyze, format json) {sql}"));
    let kinds = search.kind.map(|kind| vec![format!("kind:{kind}")]);
    let explained = sqlx::query_scalar(sql)
        .persistent(false)
        .bind(None::<OffsetDateTime>)
        .bind(None::<Uuid>)
        .bind(None::<OffsetDateTime>)
        .bind(None::<OffsetDateTime>)
        .bind(None::<Vec<String>>)
        .bind(vec![format!("party:{}", search.party)])
        .bind(None::<Vec<String>>)
        .bind(None::<Vec<String>>)
        .bind(kinds)
        .bind(None::<Vec<String>>)
        .bind(None::<Vec<String>>)
        .bind(search.words)
        .bind(None::<OffsetDateTime>)
        .bind(51_i64);
    let explained = match latest {
        Some(latest) => explained.bind(latest),
        None => explained,
    };
    let explained = explained.bind(None::<OffsetDateTime>);
    let plan: Value = explained.fetch_one(&env.pool).await.unwrap();
    (rows_of(&plan[0]["Plan"]), plan.to_string())
}

/// The rows that a plan took from tables, or took and passed over.
fn rows_of(node: &Value) -> u64 {
    let parts = node["Plans"].as_array().into_iter().flatten();
    let of_parts: u64 = parts.map(rows_of).sum();
    if node["Relation Name"].is_null() {
        return of_parts;
    }
    let each = [
        "Actual Rows",
        "Rows Removed by Filter",
        "Rows Removed by Index Recheck",
    ];
    let each = each.map(|key| node[key].as_u64().unwrap_or(0));
    of_parts + each.iter().sum::<u64>() * node["Actual Loops"].as_u64().unwrap()
}

#[tokio::test]
async fn a_search_looks_at_what_it_finds_and_not_at_all_cases() {
    let env = TestEnv::start().await;
    sqlx::query(
        "insert into case_file (case_id, report_id, reference, kind, structure_name,
             routing_region, declared_at, opened_at, description, assistance_requested, test,
             proposed, revision, state, changed_at, major, visible_to)
         select gen_random_uuid(), gen_random_uuid(), i::text,
             case when i % 1000 = 999 then 'product_vulnerability' else 'incident' end, 'CH', '76',
             timestamptz '2026-11-23' - i * interval '1 hour', now(),
             case when i % 10 = 0 then 'rançongiciel' when i % 700 = 1 then 'zéphyr' else 'x' end,
             false, false, '{}', 1, 'closed', now(), false,
             array['cell', 'subject:' || i % 900]
         from generate_series(1, $1) i",
    )
    .bind(CASES)
    .execute(&env.pool)
    .await
    .unwrap();
    for table in ["case_file", "case_search"] {
        let vacuum = sqlx::AssertSqlSafe(format!("vacuum analyze {table}"));
        sqlx::query(vacuum).execute(&env.pool).await.unwrap();
    }

    // What is frequent: of the latest cases as many as fill the page.
    let latest = include_str!("../../cases/sql/search_latest.sql");
    let frequent = Search {
        party: "cell",
        words: Some("rancongiciel"),
        ..Search::default()
    };
    let (rows, plan) = visited(&env, latest, frequent, Some(2_500)).await;
    assert!((51..700).contains(&rows), "{rows} rows: {plan}");

    // What is rare: month after month, those that are found.
    let months = include_str!("../../cases/sql/search_months.sql");
    for search in [
        Search {
            words: Some("zephyr"),
            ..frequent
        },
        Search {
            words: None,
            kind: Some("product_vulnerability"),
            ..frequent
        },
        Search {
            party: "subject:17",
            ..frequent
        },
        Search {
            words: Some("rancongiciel zephyr"),
            ..frequent
        },
    ] {
        let (rows, plan) = visited(&env, months, search, None).await;
        assert!(rows < 100, "{rows} rows: {plan}");
    }
}

#[tokio::test]
async fn the_database_folds_a_text_as_a_query_is_folded() {
    let env = TestEnv::start().await;
    let texts = [
        "L\u{2019}Hôpital NORD-Ouest (Villefranche)",
        "CŒUR et œuvre, ÆTHER ; æquo",
        "Été, où, ça : « Noël » à l'Haÿ-les-Roses",
        "SIG-2026-7K3M9Q4",
        "rançongiciel_LockBit 3.0 sur srv-01.chu.example",
        "n°17 — 50 % des postes…",
        "ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸ àâäçéèêëîïôöùûüÿ",
    ];
    let folded: Vec<String> = sqlx::query_scalar(
        "select trim(folded(text)) from unnest($1::text[]) with ordinality as of (text, place)
         order by place",
    )
    .bind(&texts[..])
    .fetch_all(&env.pool)
    .await
    .unwrap();
    assert_eq!(folded, texts.map(|text| known(&fold(text))));
}

/// What is folded alike: a sign that stands for letters is passed over at rest.
fn known(folded: &str) -> String {
    folded
        .replace("deg", " ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn the_database_takes_the_gravest_judgement_for_the_severity() {
    let env = TestEnv::start().await;
    let flags = [false, true];
    for (serious, significant, major) in flags
        .into_iter()
        .flat_map(|a| flags.map(|b| (a, b, false)))
        .chain([(true, false, true)])
    {
        let severity = Severity {
            serious,
            significant,
            major,
        };
        let case = json!({
            "declared_at": "2026-11-23T09:00:00Z",
            "state": "closed",
            "visible_to": [],
            "proposed": { "severity": Severity::default() },
            "confirmed": { "severity": severity },
        });
        let tags: Vec<String> =
            sqlx::query_scalar("select case_tags(jsonb_populate_record(null::case_file, $1))")
                .bind(case)
                .fetch_one(&env.pool)
                .await
                .unwrap();
        let expected = format!("severity:{}", severity.level());
        assert_eq!(tags, ["month:2026-11", "state:closed", expected.as_str()]);
    }
}
