//! Streams: exactly what the caller may see, from any cursor on.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proto::{
    events::v1::CaseChange,
    notification::v1::{Notification, NotificationKind, watch_response::Message},
};
use tonic::Code;

use crate::tests::{
    env::{From, TestEnv, next, reason, told, watch_at},
    story::{Report, agent, analyst, changed},
};

/// What a stream told, report by report, in order.
fn by_report<'a>(told: impl Iterator<Item = &'a Notification>) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut reports: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for notification in told {
        reports
            .entry(&notification.report_id)
            .or_default()
            .push(&notification.notification_id);
    }
    reports
}

async fn world_with(reports: u32) -> TestEnv {
    let env = TestEnv::start().await;
    for number in 0..reports {
        let report = Report::new(number);
        env.intake().announce(&[report.submitted()]).await;
        let opened = report.case(CaseChange::Opened, 1);
        let claimed = report.case(CaseChange::Claimed, 2);
        env.qualification()
            .announce(&[changed(&opened), changed(&claimed)])
            .await;
    }
    env
}

#[tokio::test]
async fn from_every_cursor_exactly_the_rest_follows() {
    let env = Box::pin(world_with(12)).await;
    let all = env.until_kept(&analyst(), 36).await;
    assert_eq!(all.len(), 36);
    for (cut, (cursor, _)) in all.iter().enumerate() {
        let rest = env.kept(&analyst(), From::Cursor(cursor)).await;
        let expected = by_report(all[cut + 1..].iter().map(|(_, told)| told));
        assert_eq!(
            by_report(rest.iter().map(|(_, told)| told)),
            expected,
            "cut at {cut}"
        );
    }
}

#[tokio::test]
async fn a_cursor_of_one_replica_is_good_at_another() {
    let env = Box::pin(world_with(3)).await;
    let all = env.until_kept(&analyst(), 9).await;
    let replica = env.start_replica().await;
    let mut stream = watch_at(&replica, &analyst(), From::Cursor(&all[6].0))
        .await
        .unwrap();
    told(&mut stream).await.unwrap();
    told(&mut stream).await.unwrap();
    assert!(matches!(
        next(&mut stream).await.unwrap().message,
        Some(Message::Heartbeat(_))
    ));
    // Whichever replica applies it, the streams of both tell of it.
    let mut other = env.watch(&analyst(), From::Now).await.unwrap();
    let report = Report::new(99);
    env.intake().announce(&[report.submitted()]).await;
    for stream in [&mut stream, &mut other] {
        assert_eq!(
            told(stream).await.unwrap().reference,
            report.message.reference
        );
    }
}

#[tokio::test]
async fn a_notification_says_what_happened_where_and_why_one_is_told() {
    let env = TestEnv::start().await;
    let mut stream = env.watch(&agent("76"), From::Now).await.unwrap();
    let report = Report::new(1);
    env.intake().announce(&[report.submitted()]).await;
    let submitted = told(&mut stream).await.unwrap();
    env.qualification()
        .announce(&[changed(&report.case(CaseChange::Opened, 1))])
        .await;
    let opened = told(&mut stream).await.unwrap();

    assert_eq!(submitted.kind(), NotificationKind::ReportSubmitted);
    assert_eq!(submitted.rule, "submission");
    assert!(submitted.legal_basis.contains("L.1111-8-2"));
    assert_eq!(submitted.routing_region, "76");
    assert!(
        submitted
            .headline
            .contains("Centre hospitalier de Vallonne")
    );
    assert_eq!(opened.kind(), NotificationKind::CaseOpened);
    assert_eq!(opened.structure_name, "Centre hospitalier de Vallonne");
    assert_eq!(opened.report_id, submitted.report_id);
    assert!(!opened.case_id.is_empty());
}

#[tokio::test]
async fn another_region_sees_nothing_of_it() {
    let env = TestEnv::start().await;
    let mut elsewhere = env.watch(&agent("28"), From::Now).await.unwrap();
    let theirs = Report::new(2).routed_to("28");
    env.intake().announce(&[Report::new(1).submitted()]).await;
    env.until_kept(&analyst(), 1).await;
    env.intake().announce(&[theirs.submitted()]).await;
    // Live and from the log alike, only their own comes.
    assert_eq!(
        told(&mut elsewhere).await.unwrap().reference,
        theirs.message.reference
    );
    let kept = env.kept(&agent("28"), From::Oldest).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(env.kept(&agent("76"), From::Oldest).await.len(), 1);
}

#[tokio::test]
async fn each_agency_sees_exactly_its_region_and_the_cell_everything() {
    let env = TestEnv::start().await;
    let regions = ["76", "28", "53"];
    let reports: Vec<_> = (0..15_u32)
        .map(|number| Report::new(number).routed_to(regions[(number * 7 % 3) as usize]))
        .collect();
    let mut live = Vec::new();
    for region in regions {
        live.push(env.watch(&agent(region), From::Now).await.unwrap());
    }
    let events: Vec<_> = reports.iter().map(Report::submitted).collect();
    env.intake().announce(&events).await;
    assert_eq!(env.until_kept(&analyst(), 15).await.len(), 15);
    for (region, stream) in regions.into_iter().zip(&mut live) {
        let own: BTreeSet<&str> = reports
            .iter()
            .filter(|report| report.region() == region)
            .map(|report| report.message.reference.as_str())
            .collect();
        let kept = env.kept(&agent(region), From::Oldest).await;
        let kept: BTreeSet<&str> = kept
            .iter()
            .map(|(_, told)| told.reference.as_str())
            .collect();
        assert_eq!(kept, own);
        for _ in &own {
            let told = told(stream).await.unwrap();
            assert!(
                own.contains(told.reference.as_str()),
                "{region} saw {}",
                told.routing_region
            );
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let env = TestEnv::start().await;
    let short = analyst().lifetime(time::Duration::seconds(2));
    let mut stream = env.watch(&short, From::Now).await.unwrap();
    let ended = told(&mut stream).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated);
    assert_eq!(reason(&ended), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_service_that_stops_asks_its_streams_to_connect_again() {
    let env = TestEnv::start().await;
    let mut stream = env.watch(&analyst(), From::Now).await.unwrap();
    next(&mut stream).await.unwrap();
    env.service.begin_shutdown();
    assert_eq!(
        told(&mut stream).await.unwrap_err().code(),
        Code::Unavailable
    );
}

#[tokio::test]
async fn silence_is_filled_with_heartbeats_whose_cursor_is_good() {
    let env = TestEnv::start_with(|config| config.heartbeat_ms = 50).await;
    let mut stream = env.watch(&analyst(), From::Now).await.unwrap();
    let mut cursor = String::new();
    for _ in 0..3 {
        let message = next(&mut stream).await.unwrap();
        assert!(matches!(message.message, Some(Message::Heartbeat(_))));
        cursor = message.cursor;
    }
    drop(stream);
    let report = Report::new(1);
    env.intake().announce(&[report.submitted()]).await;
    env.until_kept(&analyst(), 1).await;
    let mut rest = env.watch(&analyst(), From::Cursor(&cursor)).await.unwrap();
    let told = told(&mut rest).await.unwrap();
    assert_eq!(told.reference, report.message.reference);
}

#[tokio::test]
async fn a_reader_who_is_too_slow_is_told_of_the_gap_and_can_fill_it() {
    let env = TestEnv::start_with(|config| {
        config.stream_buffer = 8;
        config.gap_after = 50;
        // Mails are no part of this story.
        config.delivery_workers = 1;
    })
    .await;
    let mut slow = env.watch(&analyst(), From::Now).await.unwrap();
    assert!(matches!(
        next(&mut slow).await.unwrap().message,
        Some(Message::Heartbeat(_))
    ));
    // More than the windows between client and server hold.
    let total = 1_500;
    for batch in 0..10 {
        let events: Vec<_> = (0..total / 10)
            .map(|number| Report::new(batch * 1_000 + number).submitted())
            .collect();
        env.intake().announce(&events).await;
    }
    let last = Report::new(99_999);
    let until_raised = async |count: i64| {
        testkit::eventually_within(Duration::from_mins(1), async || {
            let raised: i64 = sqlx::query_scalar("select count(*) from notification")
                .fetch_one(&env.pool)
                .await
                .unwrap();
            raised == count
        })
        .await;
    };
    until_raised(total.into()).await;
    env.intake().announce(&[last.submitted()]).await;
    until_raised(i64::from(total) + 1).await;

    // What was streamed and what the gaps left out are everything, once.
    let mut seen = Vec::new();
    let mut gaps = Vec::new();
    while !seen.contains(&last.message.reference) {
        let message = next(&mut slow).await.unwrap();
        match message.message.unwrap() {
            Message::Notification(notification) => seen.push(notification.reference),
            Message::Gap(gap) => gaps.push((gap.from_cursor, message.cursor)),
            // Silence: the last one itself fell into a gap.
            Message::Heartbeat(_) if !gaps.is_empty() => break,
            Message::Heartbeat(_) => {}
        }
    }
    assert!(!gaps.is_empty());
    assert!(env.service.metric("vigie_notification_gaps_total") >= 1.0);
    for (from, to) in &gaps {
        let behind: BTreeSet<String> = references(&env, to).await.into_iter().collect();
        let left_out = references(&env, from).await.into_iter();
        seen.extend(left_out.filter(|reference| !behind.contains(reference)));
    }
    let all: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(
        (seen.len(), all.len()),
        (total as usize + 1, total as usize + 1)
    );
}

/// The references of what follows a cursor.
async fn references(env: &TestEnv, cursor: &str) -> Vec<String> {
    let kept = env.kept(&analyst(), From::Cursor(cursor)).await;
    kept.into_iter().map(|(_, told)| told.reference).collect()
}

#[tokio::test]
async fn the_state_of_the_service_is_its_recent_notifications() {
    let env = Box::pin(world_with(2)).await;
    let all = env.until_kept(&analyst(), 6).await;
    let told: BTreeSet<String> = all
        .into_iter()
        .map(|(_, told)| told.notification_id)
        .collect();
    assert_eq!(env.snapshot("statistics").await.unwrap(), told);
    // Who may not read the log reads no snapshot either.
    let refused = env.snapshot("intake").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_is_refused() {
    let env = TestEnv::start().await;
    let refused = env
        .watch(&analyst(), From::Cursor("bm9uc2Vuc2U"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_cursor_of_a_lost_history_or_below_the_floor_is_out_of_range() {
    let env = Box::pin(world_with(2)).await;
    let all = env.until_kept(&analyst(), 6).await;
    let cursor = &all[0].0;
    sqlx::query("update eventlog_floor set position = 1000")
        .execute(&env.pool)
        .await
        .unwrap();
    let refused = env
        .watch(&analyst(), From::Cursor(cursor))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    assert_eq!(reason(&refused), "CURSOR_EXPIRED");
    sqlx::query("update eventlog_floor set position = 0")
        .execute(&env.pool)
        .await
        .unwrap();
    assert!(env.watch(&analyst(), From::Cursor(cursor)).await.is_ok());

    sqlx::query("update eventlog_meta set incarnation = gen_random_uuid()")
        .execute(&env.pool)
        .await
        .unwrap();
    let refused = env
        .watch(&analyst(), From::Cursor(cursor))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "CURSOR_EXPIRED");
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_an_ended_one_makes_room() {
    let env = TestEnv::start_with(|config| config.max_streams = 1).await;
    let first = env.watch(&analyst(), From::Now).await.unwrap();
    let refused = env.watch(&analyst(), From::Now).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "TOO_MANY_STREAMS");
    drop(first);
    testkit::eventually(async || env.watch(&analyst(), From::Now).await.is_ok()).await;
}

#[tokio::test]
async fn each_stream_leaves_one_entry_in_the_audit() {
    let env = TestEnv::start().await;
    env.kept(&agent("76"), From::Oldest).await;
    let audited = env.audited("agent-76").await;
    let [(action, _, outcome)] = audited.as_slice() else {
        panic!("{audited:?}")
    };
    assert_eq!((&**action, &**outcome), ("notification.watch", "done"));
}
