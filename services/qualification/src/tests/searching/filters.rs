//! Every filter, alone and with every other.

use std::collections::BTreeSet;

use proto::{
    qualification::v1 as pb,
    types::v1::{self as types, Origin, ReportKind, SeverityLevel, WaitingFor},
};

use super::{declared, none, query};
use crate::tests::env::{TestEnv, analyst, in_scope, out_of_scope};

#[tokio::test]
async fn every_filter_narrows_the_queue_alone_and_with_every_other() {
    let env = TestEnv::start().await;
    let open = async |minutes, kind: types::ReportKind, origin: types::Origin, region: &str| {
        let mut report = env.report();
        declared(&mut report, minutes);
        report.submitted.kind = kind.into();
        report.submitted.origin = origin.into();
        report.submitted.structure.as_mut().unwrap().routing_region = region.into();
        env.open(&report).await
    };
    let plain = open(1, ReportKind::Incident, Origin::Unknown, "76").await;
    let near = open(2, ReportKind::NearMiss, Origin::NonMalicious, "93").await;
    let major = open(3, ReportKind::Incident, Origin::Unknown, "76").await;
    let serious = open(4, ReportKind::Incident, Origin::Unspecified, "76").await;
    let ended = open(5, ReportKind::ProductVulnerability, Origin::Malicious, "93").await;
    let mut judged = in_scope(&major.case_id);
    judged.triage.as_mut().unwrap().severity = Some(types::Severity {
        serious: true,
        significant: true,
        major: true,
    });
    env.qualify(&analyst(), judged).await.unwrap();
    env.qualify(&analyst(), in_scope(&serious.case_id))
        .await
        .unwrap();
    env.qualify(&analyst(), out_of_scope(&ended.case_id))
        .await
        .unwrap();

    let all = [&plain, &near, &major, &serious, &ended];
    let filters = filters(all);
    let latest_first: Vec<_> = all.iter().rev().map(|case| &case.reference).collect();
    for (one, lets_through) in &filters {
        for (other, of_these) in &filters {
            let both = both(one, other);
            let found = env.found(&analyst(), both.clone()).await;
            let expected: Vec<_> = latest_first
                .iter()
                .filter(|it| lets_through.contains(**it) && of_these.contains(**it))
                .map(|it| (*it).clone())
                .collect();
            let same_field = one != other && overlap(one, other);
            assert!(same_field || found == expected, "{both:?}: {found:?}");
        }
    }
}

/// Each filter, and what it lets through of five cases.
fn filters(all: [&pb::Case; 5]) -> Vec<(pb::ListCasesRequest, BTreeSet<String>)> {
    let [plain, near, major, serious, ended] = all;
    let of = |cases: &[&pb::Case]| -> BTreeSet<String> {
        cases.iter().map(|case| case.reference.clone()).collect()
    };
    let only = |ask: fn(&mut pb::ListCasesRequest)| {
        let mut request = none();
        ask(&mut request);
        request
    };
    vec![
        (
            pb::ListCasesRequest {
                severities: vec![SeverityLevel::Ordinary.into()],
                ..none()
            },
            of(&[plain, near, ended]),
        ),
        (
            pb::ListCasesRequest {
                severities: vec![SeverityLevel::Serious.into(), SeverityLevel::Major.into()],
                ..none()
            },
            of(&[serious, major]),
        ),
        (
            pb::ListCasesRequest {
                kinds: vec![
                    ReportKind::NearMiss.into(),
                    ReportKind::ProductVulnerability.into(),
                ],
                ..none()
            },
            of(&[near, ended]),
        ),
        // The confirmed origin, or else the declared one.
        (
            pb::ListCasesRequest {
                origins: vec![Origin::Malicious.into(), Origin::NonMalicious.into()],
                ..none()
            },
            of(&[near, major, serious, ended]),
        ),
        (
            pb::ListCasesRequest {
                waiting_for: vec![WaitingFor::Cell.into()],
                ..none()
            },
            of(&[plain, near]),
        ),
        (
            pb::ListCasesRequest {
                waiting_for: vec![WaitingFor::Nobody.into(), WaitingFor::Declarant.into()],
                ..none()
            },
            of(&[major, serious]),
        ),
        (query("hospitaliers de TEST"), of(&all)),
        (query(&near.reference), of(&[near])),
        (
            pb::ListCasesRequest {
                states: vec![
                    types::CaseState::Submitted.into(),
                    types::CaseState::OutOfScope.into(),
                ],
                ..none()
            },
            of(&[plain, near, ended]),
        ),
        (
            pb::ListCasesRequest {
                routing_region: "93".into(),
                ..none()
            },
            of(&[near, ended]),
        ),
        (only(|it| it.major_only = true), of(&[major])),
        (only(|it| it.mine_only = true), of(&[major, serious, ended])),
        (
            pb::ListCasesRequest {
                declared_after: near.declared_at,
                ..none()
            },
            of(&[near, major, serious, ended]),
        ),
        (
            pb::ListCasesRequest {
                declared_before: serious.declared_at,
                ..none()
            },
            of(&[plain, near, major]),
        ),
        (only(|it| it.overdue_only = true), of(&[])),
    ]
}

/// The filters of both requests.
fn both(one: &pb::ListCasesRequest, other: &pb::ListCasesRequest) -> pb::ListCasesRequest {
    let numbers = |a: &Vec<i32>, b: &Vec<i32>| if a.is_empty() { b.clone() } else { a.clone() };
    let text = |a: &String, b: &String| if a.is_empty() { b.clone() } else { a.clone() };
    pb::ListCasesRequest {
        page_size: 0,
        page_token: String::new(),
        states: numbers(&one.states, &other.states),
        routing_region: text(&one.routing_region, &other.routing_region),
        major_only: one.major_only || other.major_only,
        mine_only: one.mine_only || other.mine_only,
        declared_after: one.declared_after.or(other.declared_after),
        declared_before: one.declared_before.or(other.declared_before),
        overdue_only: one.overdue_only || other.overdue_only,
        severities: numbers(&one.severities, &other.severities),
        kinds: numbers(&one.kinds, &other.kinds),
        origins: numbers(&one.origins, &other.origins),
        waiting_for: numbers(&one.waiting_for, &other.waiting_for),
        query: text(&one.query, &other.query),
    }
}

/// Whether two filters are of the same field, which a request has once.
fn overlap(one: &pb::ListCasesRequest, other: &pb::ListCasesRequest) -> bool {
    let said = |a: &Vec<i32>, b: &Vec<i32>| !a.is_empty() && !b.is_empty();
    said(&one.severities, &other.severities)
        || said(&one.waiting_for, &other.waiting_for)
        || !one.query.is_empty() && !other.query.is_empty()
}
