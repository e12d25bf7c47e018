//! Each role does its part, over real sockets; what it may not see does not
//! exist for it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use proto::intake::v1 as intake_pb;
use proto::notification::v1 as notification_pb;
use proto::notification::v1::watch_response::Message;
use proto::qualification::v1 as case_pb;
use proto::statistics::v1 as figures_pb;
use proto::types::v1 as types;
use sqlx::{Connection as _, PgConnection};
use testkit::eventually;
use tests::{Caller, MONTPELLIER, ROUEN, World, ransomware};
use tokio::time::timeout;
use tonic::{Code, Streaming};
use uuid::Uuid;

fn request_id() -> String {
    Uuid::now_v7().to_string()
}

/// A stream from the oldest notification on.
async fn watch(caller: &Caller) -> Streaming<notification_pb::WatchResponse> {
    let request = notification_pb::WatchRequest {
        cursor: String::new(),
        start: notification_pb::WatchStart::Oldest.into(),
    };
    caller
        .notification()
        .watch(request)
        .await
        .unwrap()
        .into_inner()
}

/// How long a notification may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The next notification of a stream that fits.
async fn next(
    stream: &mut Streaming<notification_pb::WatchResponse>,
    wanted: impl Fn(&notification_pb::Notification) -> bool,
) -> notification_pb::Notification {
    let found = async {
        loop {
            let response = stream.message().await.unwrap().expect("the stream lives");
            if let Some(Message::Notification(notification)) = response.message
                && wanted(&notification)
            {
                return notification;
            }
        }
    };
    timeout(PATIENCE, found)
        .await
        .expect("the notification comes")
}

/// Everything a stream has until it says that nothing more was kept.
async fn all_kept(
    stream: &mut Streaming<notification_pb::WatchResponse>,
) -> Vec<notification_pb::Notification> {
    let mut all = Vec::new();
    loop {
        match stream
            .message()
            .await
            .unwrap()
            .expect("the stream lives")
            .message
        {
            Some(Message::Notification(notification)) => all.push(notification),
            Some(Message::Heartbeat(_)) => return all,
            other => panic!("unexpected: {other:?}"),
        }
    }
}

async fn case_of(caller: &Caller, reference: &str) -> case_pb::Case {
    find_case(caller, reference).await.unwrap()
}

async fn find_case(caller: &Caller, reference: &str) -> Option<case_pb::Case> {
    let request = case_pb::GetCaseRequest {
        case_id: reference.to_owned(),
    };
    match caller.qualification().get_case(request).await {
        Ok(answer) => answer.into_inner().case,
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{status:?}");
            None
        }
    }
}

async fn figure(caller: &Caller, name: &str) -> u64 {
    // The month may have ended in Paris, or between a report and this.
    let month = |at: time::OffsetDateTime| format!("{:04}-{:02}", at.year(), u8::from(at.month()));
    let (now, day) = (platform::now(), time::Duration::days(1));
    let request = figures_pb::GetOverviewRequest {
        period: Some(figures_pb::Period {
            from_month: month(now - day),
            to_month: month(now + day),
            ..Default::default()
        }),
        region: String::new(),
        ..Default::default()
    };
    let overview = caller
        .statistics()
        .get_overview(request)
        .await
        .unwrap()
        .into_inner();
    let found = overview.figures.iter().find(|figure| figure.name == name);
    found
        .unwrap_or_else(|| panic!("no figure {name} in {:?}", overview.figures))
        .current
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "the story is told in one piece")]
async fn a_declaration_becomes_a_case_a_notification_and_a_figure() {
    let world = World::start().await;
    let (director, analyst) = (world.being("director"), world.being("analyst"));
    let (agency, officer) = (world.being("ars-76"), world.being("fssi"));
    let mut agency_stream = watch(&agency).await;
    let mut officer_stream = watch(&officer).await;

    // The director checks, then sends, and has a receipt.
    let check = intake_pb::CheckReportRequest {
        draft: Some(ransomware(MONTPELLIER)),
        declared_at: None,
    };
    let checked = director
        .intake()
        .check_report(check)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(checked.violations, []);
    assert_eq!(checked.consequences.unwrap().agency.unwrap().region, "76");
    let receipt = director.submit(ransomware(MONTPELLIER)).await;
    assert!(
        receipt.reference.starts_with("SIG-"),
        "{}",
        receipt.reference
    );

    // The ARS and the FSSI are told at once.
    for stream in [&mut agency_stream, &mut officer_stream] {
        let told = next(stream, |n| {
            n.kind() == notification_pb::NotificationKind::ReportSubmitted
        })
        .await;
        assert_eq!(told.reference, receipt.reference);
        assert_eq!(told.routing_region, "76");
    }

    // The cell qualifies the case that opened by itself.
    next(&mut agency_stream, |n| {
        n.kind() == notification_pb::NotificationKind::CaseOpened
    })
    .await;
    let case = case_of(&analyst, &receipt.reference).await;
    assert_eq!(case.state(), types::CaseState::Submitted);
    let claim = case_pb::ClaimCaseRequest {
        request_id: request_id(),
        case_id: case.case_id.clone(),
        etag: case.etag,
    };
    let claimed = analyst
        .qualification()
        .claim_case(claim)
        .await
        .unwrap()
        .into_inner()
        .case
        .unwrap();
    let mut triage = case.proposed.clone().unwrap();
    assert!(triage.severity.unwrap().serious);
    triage.severity.as_mut().unwrap().major = true;
    let qualify = case_pb::QualifyCaseRequest {
        request_id: request_id(),
        case_id: case.case_id.clone(),
        etag: claimed.etag,
        scope: case_pb::Scope::In.into(),
        triage: Some(triage),
        note: "Chiffrement confirmé".to_owned(),
    };
    let qualified = analyst
        .qualification()
        .qualify_case(qualify)
        .await
        .unwrap()
        .into_inner()
        .case
        .unwrap();
    assert_eq!(qualified.state(), types::CaseState::Qualified);
    let major = next(&mut officer_stream, |n| {
        n.kind() == notification_pb::NotificationKind::Major
    })
    .await;
    assert_eq!(major.reference, receipt.reference);

    let close = case_pb::CloseCaseRequest {
        request_id: request_id(),
        case_id: case.case_id,
        etag: qualified.etag,
        lessons_learned: "Sauvegardes hors ligne".to_owned(),
    };
    analyst.qualification().close_case(close).await.unwrap();

    // The director sees where things stand; the figures count it once.
    eventually(async || {
        let request = intake_pb::GetReportRequest {
            report_id: receipt.reference.clone(),
        };
        let report = director
            .intake()
            .get_report(request)
            .await
            .unwrap()
            .into_inner()
            .report
            .unwrap();
        report.case_state() == types::CaseState::Closed
    })
    .await;
    eventually(async || figure(&officer, "major").await == 1).await;
    assert_eq!(figure(&officer, "reports").await, 1);
    assert_eq!(figure(&agency, "reports").await, 1);
    assert_eq!(figure(&world.being("ars-28"), "reports").await, 0);

    // Mail reached the declarant, the ARS and the FSSI.
    for address in [
        "direction@example.org",
        "ssi-occitanie@ars.example.org",
        "fssi@example.org",
    ] {
        world
            .suite
            .mail
            .wait_for_mail(|mail| mail.to.iter().any(|to| to == address))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_may_not_see_does_not_exist_for_it() {
    let world = World::start().await;
    let receipt = world
        .being("director")
        .submit(ransomware(MONTPELLIER))
        .await;
    let mut cell = watch(&world.being("analyst")).await;
    let opened = next(&mut cell, |n| {
        n.kind() == notification_pb::NotificationKind::CaseOpened
    })
    .await;

    for stranger in ["director-rouen", "ars-28", "prober", "importer"] {
        let caller = world.being(stranger);
        for id in [
            receipt.report_id.clone(),
            receipt.reference.clone(),
            Uuid::now_v7().to_string(),
        ] {
            let report = caller
                .intake()
                .get_report(intake_pb::GetReportRequest {
                    report_id: id.clone(),
                })
                .await;
            assert_eq!(
                report.unwrap_err().code(),
                Code::NotFound,
                "{stranger} {id}"
            );
            let case = caller
                .qualification()
                .get_case(case_pb::GetCaseRequest {
                    case_id: id.clone(),
                })
                .await;
            assert_eq!(case.unwrap_err().code(), Code::NotFound, "{stranger} {id}");
        }
        let case = caller
            .qualification()
            .get_case(case_pb::GetCaseRequest {
                case_id: opened.case_id.clone(),
            })
            .await;
        assert_eq!(case.unwrap_err().code(), Code::NotFound, "{stranger}");
        let reports = caller
            .intake()
            .list_reports(intake_pb::ListReportsRequest::default())
            .await
            .unwrap();
        assert_eq!(reports.into_inner().reports, [], "{stranger}");
        let cases = caller
            .qualification()
            .list_cases(case_pb::ListCasesRequest::default())
            .await
            .unwrap();
        assert_eq!(cases.into_inner().cases, [], "{stranger}");
    }
    for deaf in ["ars-28", "integration-28", "prober"] {
        assert_eq!(
            all_kept(&mut watch(&world.being(deaf)).await).await,
            [],
            "{deaf}"
        );
    }
    // The health authority sees the health impact, and nobody's address.
    let authority = world.being("dgs");
    let request = intake_pb::GetReportRequest {
        report_id: receipt.report_id.clone(),
    };
    let report = authority
        .intake()
        .get_report(request)
        .await
        .unwrap()
        .into_inner()
        .report
        .unwrap();
    assert_eq!(report.draft.unwrap().declarant, None);
    assert_eq!(
        case_of(&authority, &receipt.reference).await.declarant,
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_false_alarm_stays_on_record_and_leaves_the_figures() {
    let world = World::start().await;
    let (director, officer) = (world.being("director"), world.being("fssi"));
    let receipt = director.submit(ransomware(MONTPELLIER)).await;
    eventually(async || figure(&officer, "reports").await == 1).await;

    let withdraw = intake_pb::WithdrawReportRequest {
        request_id: request_id(),
        report_id: receipt.report_id.clone(),
        reason: "Exercice confondu avec une attaque".to_owned(),
        etag: String::new(),
    };
    let first = director
        .intake()
        .withdraw_report(withdraw.clone())
        .await
        .unwrap()
        .into_inner();
    let again = director
        .intake()
        .withdraw_report(withdraw)
        .await
        .unwrap()
        .into_inner();
    // Its case may open meanwhile.
    let settled = |answer: intake_pb::WithdrawReportResponse| {
        let report = answer.report.unwrap();
        (report.state, report.withdrawn_at, report.etag)
    };
    assert_eq!(settled(first), settled(again));

    eventually(async || figure(&officer, "withdrawn").await == 1).await;
    assert_eq!(figure(&officer, "reports").await, 0);
    eventually(async || {
        // Each service hears of it in its own time.
        let case = find_case(&officer, &receipt.reference).await;
        case.is_some_and(|case| case.state() == types::CaseState::Withdrawn)
    })
    .await;
    let mut agency = watch(&world.being("ars-76")).await;
    next(&mut agency, |n| {
        n.kind() == notification_pb::NotificationKind::ReportWithdrawn
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_report_goes_all_the_way_and_reaches_nobody() {
    let world = World::start().await;
    let prober = world.being("prober");
    let receipt = prober.submit(ransomware(MONTPELLIER)).await;
    let mut stream = watch(&prober).await;
    let told = next(&mut stream, |n| n.reference == receipt.reference).await;
    assert!(told.test);
    assert_eq!(told.routing_region, "synthetic");

    // A real report afterwards, so that what would have come has come.
    let real = world
        .being("director-rouen")
        .submit(ransomware(ROUEN))
        .await;
    let analyst = world.being("analyst");
    let mut cell = watch(&analyst).await;
    next(&mut cell, |n| n.reference == real.reference).await;
    eventually(async || figure(&analyst, "reports").await == 1).await;
    world
        .suite
        .mail
        .wait_for_mail(|mail| mail.to.iter().any(|to| to == "fssi@example.org"))
        .await;

    for caller in ["analyst", "fssi", "ars-76"] {
        let seen = all_kept(&mut watch(&world.being(caller)).await).await;
        assert!(
            seen.iter().all(|n| n.reference != receipt.reference),
            "{caller}"
        );
    }
    assert!(
        world
            .suite
            .mail
            .mails()
            .iter()
            .all(|mail| !mail.text().contains(&receipt.reference))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_region_goes_to_the_officer_and_the_cell_alone() {
    let world = World::start().await;
    let mut draft = ransomware(MONTPELLIER);
    draft.national = true;
    draft.structure = Some(types::StructureIdentifier {
        identifier: Some(types::structure_identifier::Identifier::Described(
            types::DescribedStructure {
                name: "Agence nationale d'exemple".to_owned(),
                department: String::new(),
            },
        )),
    });
    let receipt = world.being("declarant").submit(draft).await;
    assert_eq!(receipt.consequences.as_ref().unwrap().agency, None);
    for told in ["analyst", "fssi"] {
        let mut stream = watch(&world.being(told)).await;
        let notification = next(&mut stream, |n| n.reference == receipt.reference).await;
        assert_eq!(notification.routing_region, "national");
    }
    for region in vocabulary::Region::ALL {
        let agency = world.being(&format!("ars-{region}"));
        assert_eq!(all_kept(&mut watch(&agency).await).await, [], "{region}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_importer_dates_a_report_back_and_it_is_told_in_digests_alone() {
    let world = World::start().await;
    let past = prost_types::Timestamp {
        seconds: 1_573_862_400,
        nanos: 0,
    };
    let mut draft = ransomware(ROUEN);
    draft.found_at = Some(past);
    let request = |declared_at| intake_pb::SubmitReportRequest {
        request_id: request_id(),
        draft: Some(draft.clone()),
        declared_at,
    };
    let refused = world
        .being("director-rouen")
        .intake()
        .submit_report(request(Some(past)))
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let receipt = world
        .being("importer")
        .intake()
        .submit_report(request(Some(past)))
        .await;
    let receipt = receipt.unwrap().into_inner().receipt.unwrap();

    let report = intake_pb::GetReportRequest {
        report_id: receipt.report_id.clone(),
    };
    let agency = world.being("ars-28");
    let report = agency
        .intake()
        .get_report(report)
        .await
        .unwrap()
        .into_inner()
        .report
        .unwrap();
    assert_eq!(report.declared_at, Some(past));
    assert_eq!(report.channel(), types::Channel::Import);
    let request = figures_pb::GetBreakdownRequest {
        period: Some(figures_pb::Period {
            from_month: "2019-11".to_owned(),
            to_month: "2019-11".to_owned(),
            ..Default::default()
        }),
        dimension: figures_pb::Dimension::Region.into(),
        ..Default::default()
    };
    let officer = world.being("fssi");
    eventually(async || {
        let rows = officer
            .statistics()
            .get_breakdown(request.clone())
            .await
            .unwrap()
            .into_inner()
            .rows;
        rows.len() == 1 && rows[0].value == "28" && rows[0].share.as_ref().unwrap().numerator == 1
    })
    .await;
    // Nobody is written to about it alone: it stands in the digests of the morning.
    let url = world.suite.database.superuser_url();
    let mut books = PgConnection::connect(&url).await.unwrap();
    let told = testkit::eventually_some(async || {
        let told: Vec<(String, String)> = sqlx::query_as(
            "select payload ->> 'recipient', payload ->> 'rule' from notification.job
             left join notification.digest_entry as entry on subject = 'digest/' || digest_id
             where entry.report_id = $1::uuid or subject = 'report/' || $1
             order by 1",
        )
        .bind(&receipt.report_id)
        .fetch_all(&mut books)
        .await
        .unwrap();
        Some(told).filter(|told| !told.is_empty())
    })
    .await;
    let digests = ["ars:28", "cell", "fssi"];
    assert_eq!(told, digests.map(|it| (it.to_owned(), "digest".to_owned())));
}
