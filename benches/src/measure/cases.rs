//! The queue of the cell: its filters, and the search, over many cases.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use proto::{
    qualification::v1::{
        ListCasesRequest, qualification_service_client::QualificationServiceClient,
    },
    types::v1::{CaseState, Origin, ReportKind, SeverityLevel, WaitingFor},
};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::{
    Length,
    environment::Environment,
    figures::{Results, Target, median},
    generator::quantile,
};

/// How many cases there are at first.
const FEW: i64 = 100_000;

/// How many hits a page holds.
const PAGE: u32 = 50;

/// How often each list is timed.
const ROUNDS: usize = 3;

/// How many pages are read before the list is read from its beginning.
const TURN: u32 = 20;

/// Times the pages of each list over few cases, and over ten times as many.
pub(crate) async fn measure(
    environment: &Environment,
    length: Length,
    results: &mut Results,
) -> Result<()> {
    let qualification = environment.start("qualification", &[]).await?;
    let endpoint = Endpoint::from_shared(format!("http://{}", qualification.public))?;
    let mut cell = Cell {
        cases: QualificationServiceClient::new(endpoint.connect().await?),
        bearer: environment.bearer("analyst")?,
    };
    let many = FEW * length.pick(10, 2);
    let pages = length.pick(200, 40);

    fill(environment, 1, FEW).await?;
    let mut before = Vec::new();
    for (_, filter) in lists() {
        before.push(cell.time(&filter, pages).await?);
    }
    fill(environment, FEW + 1, many).await?;
    for ((name, filter), before) in lists().into_iter().zip(before) {
        let after = cell.time(&filter, pages).await?;
        results.tell(format!("{name}, of {many} cases, p50"), after.p50, "ms");
        results.tell(format!("{name}, of {many} cases, p99"), after.p99, "ms");
        let ratio = after.p99 / before.p99;
        let name = format!("{name}, p99, of {many} cases ÷ of {FEW}");
        results.ratio(name, ratio, Target::AtMost(1.5));
    }
    qualification.stop()
}

/// What is listed: each filter once, and a word of one case in ten.
fn lists() -> Vec<(&'static str, ListCasesRequest)> {
    let all = ListCasesRequest {
        page_size: PAGE,
        ..ListCasesRequest::default()
    };
    vec![
        ("a page of 50 of the queue", all.clone()),
        (
            "… by state",
            ListCasesRequest {
                states: vec![CaseState::Submitted.into(), CaseState::InTreatment.into()],
                ..all.clone()
            },
        ),
        (
            "… by region, of which seven cases in a thousand are",
            ListCasesRequest {
                routing_region: "01".to_owned(),
                ..all.clone()
            },
        ),
        (
            "… by major",
            ListCasesRequest {
                major_only: true,
                ..all.clone()
            },
        ),
        (
            "… by severity",
            ListCasesRequest {
                severities: vec![SeverityLevel::Significant.into()],
                ..all.clone()
            },
        ),
        (
            "… by kind, of which one case in five hundred is",
            ListCasesRequest {
                kinds: vec![ReportKind::ProductVulnerability.into()],
                ..all.clone()
            },
        ),
        (
            "… by origin",
            ListCasesRequest {
                origins: vec![Origin::Malicious.into()],
                ..all.clone()
            },
        ),
        (
            "… by whom it waits for",
            ListCasesRequest {
                waiting_for: vec![WaitingFor::Cell.into()],
                ..all.clone()
            },
        ),
        (
            "… by all of them",
            ListCasesRequest {
                states: vec![CaseState::Closed.into()],
                routing_region: "76".to_owned(),
                severities: vec![
                    SeverityLevel::Ordinary.into(),
                    SeverityLevel::Serious.into(),
                ],
                kinds: vec![ReportKind::Incident.into(), ReportKind::NearMiss.into()],
                origins: vec![Origin::Malicious.into(), Origin::NonMalicious.into()],
                ..all.clone()
            },
        ),
        (
            "50 hits for a word of one case in ten",
            ListCasesRequest {
                query: "rançongiciel".to_owned(),
                ..all.clone()
            },
        ),
        (
            "50 hits for it in one region of twelve",
            ListCasesRequest {
                query: "rançongiciel".to_owned(),
                routing_region: "76".to_owned(),
                ..all
            },
        ),
    ]
}

/// Adds cases with numbers within these bounds, as they would be after their treatment.
async fn fill(environment: &Environment, from: i64, to: i64) -> Result<()> {
    let mut behind = environment.look_behind().await?;
    for statement in [
        "set search_path = qualification",
        // What the triggers write comes in one statement.
        "set session_replication_role = replica",
        "drop index case_search_found",
    ] {
        sqlx::query(statement).execute(&mut behind).await?;
    }
    for statement in [
        include_str!("many_cases.sql"),
        include_str!("many_found.sql"),
    ] {
        sqlx::query(statement)
            .bind(from)
            .bind(to)
            .execute(&mut behind)
            .await?;
    }
    for statement in [
        "create index case_search_found on case_search using gin (words, tags)
         with (gin_pending_list_limit = 512)",
        "vacuum analyze case_file",
        "vacuum analyze case_search",
    ] {
        sqlx::query(statement).execute(&mut behind).await?;
    }
    Ok(())
}

/// How long a page takes, in milliseconds.
struct Times {
    p50: f64,
    p99: f64,
}

/// Somebody who reads the queue.
struct Cell {
    cases: QualificationServiceClient<Channel>,
    bearer: MetadataValue<Ascii>,
}

impl Cell {
    /// Reads so many pages of a list, one after the other, in each of some rounds: the median
    /// of the rounds, so that what else the machine did meanwhile counts in one of them.
    async fn time(&mut self, filter: &ListCasesRequest, pages: u32) -> Result<Times> {
        // What is kept in memory and in prepared statements is not measured.
        self.read(filter, TURN).await?;
        let (mut p50, mut p99) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut times = self.read(filter, pages).await?;
            times.sort_unstable();
            p50.push(quantile(&times, 0.5));
            p99.push(quantile(&times, 0.99));
        }
        Ok(Times {
            p50: median(p50),
            p99: median(p99),
        })
    }

    async fn read(&mut self, filter: &ListCasesRequest, pages: u32) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        let mut page_token = String::new();
        for number in 0..pages {
            if number % TURN == 0 {
                page_token.clear();
            }
            let mut request = Request::new(ListCasesRequest {
                page_token,
                ..filter.clone()
            });
            let bearer = self.bearer.clone();
            request.metadata_mut().insert("authorization", bearer);
            let asked = Instant::now();
            let page = self.cases.list_cases(request).await?.into_inner();
            times.push(asked.elapsed());
            ensure!(!page.cases.is_empty(), "nothing is found by {filter:?}");
            page_token = page.next_page_token;
        }
        Ok(times)
    }
}
