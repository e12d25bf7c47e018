//! Figures.

use proto::statistics::v1 as pb;
use testkit::TokenSpec;
use tonic::Code;

use super::{Asked, Expected, answer};
use crate::scene::{Kind, Scene};
use crate::visibility::{sees_assignee, sees_figures};

/// What can be asked for: what the role gives, two regions, and the national bodies.
const REGIONS: [&str; 4] = ["", "76", "28", "national"];

/// What to ask about figures.
pub(crate) fn requests(method: &str, scene: &Scene, person: &TokenSpec) -> Option<Vec<Asked>> {
    let ask: fn(&Scene, &TokenSpec, &str) -> Asked = match method {
        "GetOverview" => overview,
        "GetBreakdown" => breakdown,
        _ => return None,
    };
    Some(REGIONS.map(|region| ask(scene, person, region)).into())
}

fn overview(scene: &Scene, person: &TokenSpec, region: &str) -> Asked {
    let expected = counted(scene, person, region);
    let request = pb::GetOverviewRequest {
        period: Some(period()),
        region: region.to_owned(),
        ..Default::default()
    };
    let counts = move |response: pb::GetOverviewResponse| {
        let reports = response.figures.iter().find(|it| it.name == "reports");
        same(reports.ok_or("no figure of reports")?.current, expected)
    };
    Asked::of(target(region), &request, or_refused(person, region, counts))
}

fn breakdown(scene: &Scene, person: &TokenSpec, region: &str) -> Asked {
    let expected = counted(scene, person, region);
    let request = pb::GetBreakdownRequest {
        period: Some(period()),
        dimension: pb::Dimension::ReportKind.into(),
        region: region.to_owned(),
        ..Default::default()
    };
    let counts = move |response: pb::GetBreakdownResponse| same(response.total, expected);
    Asked::of(target(region), &request, or_refused(person, region, counts))
}

fn or_refused<M: prost::Message + Default>(
    person: &TokenSpec,
    region: &str,
    check: impl Fn(M) -> Result<(), String> + 'static,
) -> Expected {
    if sees_figures(person, region) {
        answer(check)
    } else {
        Expected::Refused(Code::PermissionDenied)
    }
}

/// How many reports a person counts: everything in the region but tests and what stays
/// in the army's own chain.
fn counted(scene: &Scene, person: &TokenSpec, asked: &str) -> u64 {
    let own = person.region.as_deref().unwrap_or_default();
    let national = sees_assignee(person);
    let region = if asked.is_empty() && !national {
        own
    } else {
        asked
    };
    let all = scene.things.iter().filter(|thing| match thing.kind {
        Kind::Ordinary | Kind::Imported => true,
        Kind::Army => thing.health_impact,
        Kind::Test => false,
    });
    all.filter(|thing| region.is_empty() || thing.region == region)
        .count()
        .try_into()
        .unwrap()
}

fn same(counted: u64, expected: u64) -> Result<(), String> {
    if counted == expected {
        Ok(())
    } else {
        Err(format!("counts {counted}, expected {expected}"))
    }
}

fn target(region: &str) -> String {
    format!("the figures of region {region:?}")
}

/// From the month before to tomorrow's, so that no midnight changes anything.
fn period() -> pb::Period {
    let now = platform::now();
    let before = now - time::Duration::days(i64::from(now.day()));
    let month = |at: time::OffsetDateTime| format!("{:04}-{:02}", at.year(), u8::from(at.month()));
    pb::Period {
        from_month: month(before),
        to_month: month(now + time::Duration::days(1)),
        ..Default::default()
    }
}
