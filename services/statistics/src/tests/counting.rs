//! Events become facts, exactly.

use proto::{
    events::v1::{CaseChanged, ReportSubmitted},
    statistics::v1::Dimension,
    types::v1::{
        CaseState, Origin, OriginType, StructureIdentifier, structure_identifier::Identifier,
    },
};
use time::OffsetDateTime;

use crate::tests::{
    env::{TestEnv, current, figure, rows},
    story::{
        Judged as _, Words as _, case, changed, events, moment, report, timestamp, withdrawal,
    },
};

const MONTH: &str = "2026-11";

#[tokio::test]
async fn a_qualification_changes_the_figures() {
    let env = TestEnv::start().await;
    env.intake()
        .announce(&events([report(1).origin(Origin::Unknown, &[])]))
        .await;
    let replica = env.counted().await;
    assert_eq!(
        current(&replica.overview(MONTH, MONTH).await, "malicious"),
        0
    );

    let confirmed = changed(case(1), 2, CaseState::Qualified)
        .origin(Origin::Malicious, &[OriginType::Ransomware]);
    env.qualification().announce(&events([confirmed])).await;
    replica.is_up_to_date().await;
    assert_eq!(
        current(&replica.overview(MONTH, MONTH).await, "malicious"),
        1
    );
    let origins = replica
        .breakdown(MONTH, MONTH, Dimension::Origin, Dimension::Unspecified)
        .await;
    assert_eq!(rows(&origins), [("malicious", "", 1)]);
    env.is_seamless().await;
}

#[tokio::test]
async fn a_withdrawn_report_leaves_every_figure_but_its_own() {
    let env = TestEnv::start().await;
    env.intake().announce(&events([report(1), report(2)])).await;
    env.intake().announce(&events([withdrawal(1)])).await;
    let replica = env.counted().await;
    let overview = replica.overview(MONTH, MONTH).await;
    assert_eq!(current(&overview, "reports"), 1);
    assert_eq!(current(&overview, "withdrawn"), 1);
    assert_eq!(current(&overview, "structures"), 1);
    assert_eq!(
        figure(&overview, "malicious")
            .share
            .as_ref()
            .unwrap()
            .denominator,
        1
    );
    env.is_seamless().await;
}

#[tokio::test]
async fn a_case_that_comes_before_its_report_counts_once_the_report_comes() {
    let env = TestEnv::start().await;
    let early = changed(case(1), 2, CaseState::Qualified).origin(Origin::Malicious, &[]);
    env.qualification().announce(&events([early])).await;
    let replica = env.counted().await;
    assert_eq!(current(&replica.overview(MONTH, MONTH).await, "reports"), 0);

    env.intake()
        .announce(&events([report(1).origin(Origin::Unknown, &[])]))
        .await;
    replica.is_up_to_date().await;
    let overview = replica.overview(MONTH, MONTH).await;
    assert_eq!(current(&overview, "reports"), 1);
    assert_eq!(current(&overview, "malicious"), 1);
    env.is_seamless().await;
}

#[tokio::test]
async fn the_moment_of_a_resolution_is_kept_with_what_was_known_when() {
    let env = TestEnv::start().await;
    env.intake().announce(&events([report(1)])).await;
    let qualified = changed(case(1), 2, CaseState::Qualified);
    let resolved = CaseChanged {
        resolved_at: Some(timestamp("2026-11-12T06:30:00Z")),
        ..changed(case(1), 3, CaseState::Resolved)
    };
    for change in [qualified, resolved] {
        env.qualification().announce(&events([change])).await;
    }
    let replica = env.counted().await;
    let known = async || -> Vec<Option<OffsetDateTime>> {
        let sql = "select resolved_at from fact_version order by known_from";
        sqlx::query_scalar(sql).fetch_all(&env.pool).await.unwrap()
    };
    let at = moment("2026-11-12T06:30:00Z");
    assert_eq!(known().await, [None, None, Some(at)]);

    // What comes later from elsewhere keeps it.
    env.intake().announce(&events([withdrawal(1)])).await;
    replica.is_up_to_date().await;
    assert_eq!(known().await, [None, None, Some(at), Some(at)]);
    env.is_seamless().await;
}

#[tokio::test]
async fn tests_are_never_counted() {
    let env = TestEnv::start().await;
    let probe = ReportSubmitted {
        test: true,
        ..report(1)
    };
    let routed = report(2).routed_to("synthetic");
    env.intake().announce(&events([probe, routed])).await;
    let case = CaseChanged {
        test: true,
        ..case(1)
    };
    env.qualification().announce(&events([case])).await;
    let replica = env.counted().await;
    assert_eq!(current(&replica.overview(MONTH, MONTH).await, "reports"), 0);
    assert_eq!(env.facts().await, [""; 0]);
}

#[tokio::test]
async fn applying_everything_again_changes_nothing() {
    let env = TestEnv::start().await;
    env.announce_a_history(60).await;
    env.counted().await.stop().await;
    let facts = env.facts().await;
    assert!(facts.len() > 60);

    sqlx::query("update consumer_offset set position = 0")
        .execute(&env.pool)
        .await
        .unwrap();
    env.counted().await.stop().await;
    assert_eq!(env.facts().await, facts);
    env.is_seamless().await;
}

#[tokio::test]
async fn two_replicas_at_once_count_what_one_would() {
    let env = TestEnv::start().await;
    let first = env.start_replica().await;
    let second = env.start_replica().await;
    let expected = env.announce_a_history(400).await;
    first.is_up_to_date().await;
    second.is_up_to_date().await;

    env.is_seamless().await;
    let overview = second.overview(MONTH, MONTH).await;
    assert_eq!(current(&overview, "reports"), expected.reports);
    assert_eq!(current(&overview, "withdrawn"), expected.withdrawn);
    assert_eq!(current(&overview, "out_of_scope"), expected.out_of_scope);
    assert_eq!(current(&overview, "malicious"), expected.malicious);
}

#[tokio::test]
async fn what_the_release_before_applied_is_read_again_and_its_own_tables_are_left_alone() {
    let env = TestEnv::start().await;
    env.intake().announce(&events([report(1), report(2)])).await;
    // The release before is through with the logs, and runs on beside this one.
    let beside = "insert into fact (report_id) values (gen_random_uuid());
        insert into rollup values ('origin', '2026-11-01', '76', 'not_said', 'unknown', 0, 2);
        insert into consumer_offset (consumer, producer, shard, position, moved_at)
        select 'statistics', producer, shard, 9, now()
        from unnest('{intake,qualification}'::text[]) as producer, generate_series(0, 7) as shard";
    sqlx::raw_sql(beside).execute(&env.pool).await.unwrap();
    let replica = env.counted().await;
    assert_eq!(current(&replica.overview(MONTH, MONTH).await, "reports"), 2);
    let kept: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from fact), (select sum(count)::bigint from rollup), count(*)
         from consumer_offset where consumer = 'statistics' and position = 9",
    )
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(kept, (1, 2, 16));
}

#[tokio::test]
async fn the_number_of_a_professional_is_nowhere_in_the_schema() {
    let env = TestEnv::start().await;
    let mut of_a_person = report(1);
    of_a_person.structure.as_mut().unwrap().identifier = Some(StructureIdentifier {
        identifier: Some(Identifier::Rpps("10003456781".to_owned())),
    });
    env.intake().announce(&events([of_a_person])).await;
    let replica = env.counted().await;
    assert_eq!(
        current(&replica.overview(MONTH, MONTH).await, "structures"),
        1
    );
    let facts = env.facts().await;
    assert_eq!(facts.len(), 1);
    assert!(!facts[0].contains("10003456781"), "{}", facts[0]);
}

/// What a history should count to.
#[derive(Default)]
struct Expected {
    reports: u64,
    withdrawn: u64,
    out_of_scope: u64,
    malicious: u64,
}

impl TestEnv {
    /// Announces so many reports with their cases, some withdrawn, some out of
    /// scope, some confirmed as malicious, and tells what that makes.
    async fn announce_a_history(&self, reports: u32) -> Expected {
        let mut expected = Expected::default();
        for n in 0..reports {
            match n % 7 {
                0 => expected.withdrawn += 1,
                1 => expected.out_of_scope += 1,
                2 | 3 => expected.malicious += 1,
                _ => {}
            }
        }
        expected.reports = u64::from(reports) - expected.withdrawn;
        let numbers: Vec<u32> = (0..reports).collect();
        for numbers in numbers.chunks(50) {
            let declared = numbers
                .iter()
                .map(|n| report(*n).origin(Origin::Unknown, &[]));
            let opened = numbers
                .iter()
                .map(|n| case(*n).origin(Origin::Unknown, &[]));
            let judged = numbers.iter().map(|n| match n % 7 {
                1 => changed(case(*n), 2, CaseState::OutOfScope),
                2 | 3 => changed(case(*n), 2, CaseState::Qualified).origin(Origin::Malicious, &[]),
                _ => changed(case(*n), 2, CaseState::InQualification),
            });
            let taken_back = numbers
                .iter()
                .filter(|n| **n % 7 == 0)
                .map(|n| withdrawal(*n));
            // Between the two logs there is no order: cases may come first.
            self.qualification().announce(&events(opened)).await;
            self.intake().announce(&events(declared)).await;
            self.qualification().announce(&events(judged)).await;
            self.intake().announce(&events(taken_back)).await;
        }
        expected
    }
}
