//! Who sees which report, with which of its fields, and the trace it leaves.

use std::collections::BTreeSet;

use futures::future::join_all;
use prost::Message as _;
use proto::{
    events::v1::{ReportSubmitted, ReportWithdrawn},
    intake::v1::{ListReportsRequest, ReportDraft, ReportState, WithdrawReportRequest},
    types::v1::{OriginType, ReportKind},
};
use testkit::eventually;
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{CORSICAN, degraded, finess, incident},
    env::TestEnv,
};

#[tokio::test]
async fn a_report_is_seen_by_its_parties_and_its_contacts_by_fewer() {
    let env = TestEnv::with_directory().await;
    let receipt = env.linked("alice").submit(degraded()).await.unwrap();
    for (who, person, contacts) in [
        ("its author", env.linked("alice"), true),
        ("a colleague", env.linked("bob"), true),
        ("the cell", env.with_role("analyst"), true),
        ("the FSSI", env.with_role("security_officer"), true),
        ("its agency", env.agent("84"), true),
        (
            "the health authority",
            env.with_role("health_authority"),
            false,
        ),
    ] {
        let report = person.get(&receipt.reference.to_lowercase()).await.unwrap();
        let draft = report.draft.unwrap();
        assert_eq!(draft.declarant.is_some(), contacts, "{who}");
        assert_eq!(report.report_id, receipt.report_id);
        assert_eq!(report.structure_name, "CH DE FLEYRIAT");
        if contacts {
            assert_eq!(draft.declarant, degraded().declarant);
        }
    }
}

#[tokio::test]
async fn a_report_that_a_later_release_wrote_hides_neither_itself_nor_the_others() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let later = alice.submit(degraded()).await.unwrap();
    alice.submit(incident()).await.unwrap();
    // Its migrations, which come first, let in what it adds.
    sqlx::query("alter table report drop constraint report_channel_check")
        .execute(&env.pool)
        .await
        .unwrap();
    sqlx::query(
        r#"update report set
               facts = facts || '{"kind": "rumour", "capacity": "regulator", "tlp": "violet",
                                  "origin": "number_77", "origin_types": ["ransomware", "quantum"]}',
               structure_kind = 'drone_port', operator_status = 'number_9', channel = 'telephone',
               case_id = gen_random_uuid(), case_state = 'number_42', case_revision = 1,
               visible_to = visible_to || 'regulator:eu'::text
           where reference = $1"#,
    )
    .bind(&later.reference)
    .execute(&env.pool)
    .await
    .unwrap();

    let report = alice.get(&later.reference).await.unwrap();
    let draft = report.draft.unwrap();
    // What came by its number is shown by it; what was stored by its slug is not said.
    assert_eq!((draft.origin, report.case_state), (77, 42));
    assert_eq!(
        (draft.kind, draft.capacity, draft.tlp, report.channel),
        (0, 0, 0, 0)
    );
    assert_eq!(draft.origin_types, [OriginType::Ransomware.into(), 0]);
    let listed = alice.list(ListReportsRequest::default()).await.unwrap();
    assert_eq!(listed.reports.len(), 2);

    // It is withdrawn like any other, and told to those whom the later release lets see it.
    let withdrawal = WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: later.report_id,
        reason: "Fausse alerte".into(),
        etag: String::new(),
    };
    alice.withdraw(withdrawal).await.unwrap();
    let told: Vec<u8> = sqlx::query_scalar(
        "select payload from event where event_type = 'vigie.report.withdrawn.v1'",
    )
    .fetch_one(&env.pool)
    .await
    .unwrap();
    let told = ReportWithdrawn::decode(told.as_slice()).unwrap();
    assert!(told.visible_to.contains(&"regulator:eu".to_owned()));
}

#[tokio::test]
async fn contacts_that_do_not_open_hide_neither_their_report_nor_the_others() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let spoilt = alice.submit(incident()).await.unwrap();
    let whole = alice.submit(incident()).await.unwrap();
    sqlx::query(
        "update report set sealed_contacts = sealed_contacts || '\\x00' where reference = $1",
    )
    .bind(&spoilt.reference)
    .execute(&env.pool)
    .await
    .unwrap();
    let report = alice.get(&spoilt.reference).await.unwrap();
    assert_eq!(report.draft.unwrap().declarant, None);
    let listed = alice.list(ListReportsRequest::default()).await.unwrap();
    let contacts: Vec<_> = listed
        .reports
        .into_iter()
        .map(|report| (report.reference, report.draft.unwrap().declarant.is_some()))
        .collect();
    assert_eq!(
        contacts,
        [(whole.reference, true), (spoilt.reference, false)]
    );
}

#[tokio::test]
async fn what_one_may_not_see_does_not_exist_and_leaves_the_same_trace() {
    let env = TestEnv::with_directory().await;
    let receipt = env.linked("alice").submit(incident()).await.unwrap();
    let unknown = Uuid::new_v4().to_string();
    for stranger in [
        env.declarant("mallory"),
        env.agent("76"),
        env.with_role("health_authority"),
        env.importer(),
        env.with_role("prober"),
    ] {
        let hidden = stranger.get(&receipt.report_id).await.unwrap_err();
        let missing = stranger.get(&unknown).await.unwrap_err();
        assert_eq!(hidden.code(), Code::NotFound);
        assert_eq!(
            (hidden.code(), hidden.message()),
            (missing.code(), missing.message())
        );
        assert_eq!(hidden.details(), missing.details());
    }
    let trail = env.trail_of("report.get").await;
    assert_eq!(trail.len(), 10);
    assert!(trail.iter().all(|(_, outcome)| outcome == "not_visible"));
}

#[tokio::test]
async fn pages_of_a_list_hold_each_report_once_latest_first() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    for _ in 0..7 {
        alice.submit(incident()).await.unwrap();
    }
    env.declarant("bob").submit(incident()).await.unwrap();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListReportsRequest {
            page_size: 3,
            page_token: token,
            ..ListReportsRequest::default()
        };
        let page = alice.list(request).await.unwrap();
        assert!(page.reports.len() <= 3);
        seen.extend(
            page.reports
                .iter()
                .map(|r| (r.declared_at.unwrap(), r.report_id.clone())),
        );
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(
        seen.iter().map(|(_, id)| id).collect::<BTreeSet<_>>().len(),
        7
    );
    let moments: Vec<_> = seen.iter().map(|(at, _)| (at.seconds, at.nanos)).collect();
    assert!(moments.is_sorted_by(|a, b| a >= b), "{moments:?}");
    assert_eq!(env.trail_of("report.list").await.len(), 3);
}

#[tokio::test]
async fn lists_take_no_connection_of_other_calls() {
    const CONNECTIONS: u32 = 8;
    let env =
        TestEnv::start_with(|config| config.base.database.max_connections = CONNECTIONS).await;
    env.import_directory().await;
    let alice = env.declarant("alice");
    let mut lock = env.pool.begin().await.unwrap();
    sqlx::query("lock table report in access exclusive mode")
        .execute(&mut *lock)
        .await
        .unwrap();
    // Lists have as many connections as the other calls.
    let lists = join_all((0..16).map(|_| alice.list(ListReportsRequest::default())));
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    let others = async {
        eventually(async || env.count(waiting).await >= 8).await;
        let structure = alice.structure("010000024").await.unwrap();
        lock.rollback().await.unwrap();
        structure.name
    };
    let (lists, name) = tokio::join!(lists, others);
    assert_eq!(name, "CH DE FLEYRIAT");
    assert!(lists.iter().all(Result::is_ok), "{lists:?}");
    assert_eq!(env.trail_of("report.list").await.len(), 16);
}

#[tokio::test]
async fn a_page_token_belongs_to_its_filter() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    for _ in 0..2 {
        alice.submit(incident()).await.unwrap();
    }
    let first = ListReportsRequest {
        page_size: 1,
        ..ListReportsRequest::default()
    };
    let token = alice.list(first).await.unwrap().next_page_token;
    let other = ListReportsRequest {
        page_token: token,
        kind: ReportKind::Incident.into(),
        ..ListReportsRequest::default()
    };
    assert_eq!(
        alice.list(other).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn a_filter_keeps_what_it_names() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let corsican = alice
        .submit(ReportDraft {
            structure: finess(CORSICAN),
            ..incident()
        })
        .await
        .unwrap();
    let withdrawn = alice.submit(incident()).await.unwrap();
    let bad_practice = ReportDraft {
        kind: ReportKind::VendorBadPractice.into(),
        vendor: "Éditeur".to_owned(),
        ..incident()
    };
    let bad_practice = alice.submit(bad_practice).await.unwrap();
    alice
        .withdraw(WithdrawReportRequest {
            request_id: Uuid::new_v4().to_string(),
            report_id: withdrawn.report_id.clone(),
            reason: "Doublon.".to_owned(),
            etag: String::new(),
        })
        .await
        .unwrap();

    let wanted = ListReportsRequest::default;
    let received = corsican.received_at.unwrap();
    let later = prost_types::Timestamp {
        seconds: received.seconds + 3_600,
        nanos: 0,
    };
    for (request, expected) in [
        (
            ListReportsRequest {
                routing_region: "94".to_owned(),
                ..wanted()
            },
            vec![&corsican],
        ),
        (
            ListReportsRequest {
                kind: ReportKind::VendorBadPractice.into(),
                ..wanted()
            },
            vec![&bad_practice],
        ),
        (
            ListReportsRequest {
                state: ReportState::Withdrawn.into(),
                ..wanted()
            },
            vec![&withdrawn],
        ),
        (
            ListReportsRequest {
                state: ReportState::Submitted.into(),
                ..wanted()
            },
            vec![&bad_practice, &corsican],
        ),
        (
            ListReportsRequest {
                declared_before: Some(received),
                ..wanted()
            },
            vec![],
        ),
        (
            ListReportsRequest {
                declared_after: Some(later),
                ..wanted()
            },
            vec![],
        ),
    ] {
        let page = alice.list(request.clone()).await.unwrap();
        let found: Vec<_> = page
            .reports
            .iter()
            .map(|report| &report.report_id)
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|receipt| &receipt.report_id)
            .collect();
        assert_eq!(found, expected, "{request:?}");
    }
}

#[tokio::test]
async fn what_is_not_said_of_other_states_is_shown_announced_and_listed_as_neither_yes_nor_no() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let declared = [Some(true), Some(false), None];
    let mut ids = Vec::new();
    for cross_border in declared {
        let draft = ReportDraft {
            cross_border,
            ..incident()
        };
        let report_id = alice.submit(draft).await.unwrap().report_id;
        let shown = alice.get(&report_id).await.unwrap().draft.unwrap();
        assert_eq!(shown.cross_border, cross_border);
        ids.push(report_id);
    }
    // Declared before the question was asked.
    ids.push(alice.submit(incident()).await.unwrap().report_id);
    sqlx::query("update report set facts = facts - 'cross_border' where report_id = $1")
        .bind(ids[3].parse::<Uuid>().unwrap())
        .execute(&env.pool)
        .await
        .unwrap();
    let shown = alice.get(&ids[3]).await.unwrap().draft.unwrap();
    assert_eq!(shown.cross_border, None);

    let events = env.events().await;
    let told = events.iter().filter_map(|event| event.decode().ok());
    let told: Vec<_> = told
        .map(|told: ReportSubmitted| (told.report_id, told.cross_border))
        .collect();
    for (id, said) in ids.iter().zip(declared.into_iter().chain([None])) {
        assert!(told.contains(&(id.clone(), said)), "{said:?}: {told:?}");
    }
    for (cross_border, expected) in [
        (Some(true), vec![&ids[0]]),
        (Some(false), vec![&ids[1]]),
        (None, ids.iter().rev().collect()),
    ] {
        let request = ListReportsRequest {
            cross_border,
            ..ListReportsRequest::default()
        };
        let page = alice.list(request).await.unwrap();
        let found: Vec<_> = page.reports.iter().map(|it| &it.report_id).collect();
        assert_eq!(found, expected, "{cross_border:?}");
    }
}

#[tokio::test]
async fn a_filter_by_kind_walks_the_list_in_its_order_and_opens_no_document() {
    let env = TestEnv::start().await;
    sqlx::query(
        "insert into report (report_id, reference, author, request_hash, receipt, facts, kind,
             structure_key, structure_name, link_verified, routing_region, visible_to, channel,
             received_at, declared_at)
         select gen_random_uuid(), i::text, 'a', '', '',
             jsonb_build_object('description', repeat(md5(i::text), 90)), 'incident', 's', 'CH', true,
             '76', array['cell'], 'declarant', now(), now() - i * interval '1 hour'
         from generate_series(1, 5000) i",
    )
    .execute(&env.pool)
    .await
    .unwrap();
    sqlx::query("analyze report")
        .execute(&env.pool)
        .await
        .unwrap();
    let list = include_str!("../reports/sql/list_reports.sql");
    let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("explain {list}")))
        .persistent(false)
        .bind(vec!["cell"])
        .bind(None::<String>)
        .bind(serde_json::json!({ "kind": "incident" }))
        .bind(None::<bool>)
        .bind(None::<time::OffsetDateTime>)
        .bind(None::<time::OffsetDateTime>)
        .bind(None::<time::OffsetDateTime>)
        .bind(None::<Uuid>)
        .bind(21_i64)
        .fetch_all(&env.pool)
        .await
        .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("report_declared_idx"), "{plan}");
    assert!(!plan.contains("Sort") && !plan.contains("@>"), "{plan}");
}
