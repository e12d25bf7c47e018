//! Deadlines on cases and in lists, and their reminders.

use eventlog::NewEvent;
use proto::{
    events::v1 as events,
    qualification::v1::{self as pb, qualification_service_client::QualificationServiceClient},
    types::v1 as types,
};
use service::wire::timestamp;
use testkit::{TokenSpec, eventually};
use time::{Duration, OffsetDateTime};
use types::{
    CaseActivity, DeadlineKind,
    ReportStage::{Complement, Final, FirstDeclaration},
};
use uuid::Uuid;
use vocabulary::Term;

use super::env::{Report, TestEnv, agent, analyst, out_of_scope};
use crate::QualificationConfig;

/// The service with the rule pack that the suite brings.
async fn with_pack() -> TestEnv {
    TestEnv::start_with(choosing("nis2")).await
}

fn choosing(pack: &str) -> QualificationConfig {
    QualificationConfig {
        deadline_pack: Some(pack.to_owned()),
        ..QualificationConfig::default()
    }
}

impl TestEnv {
    /// A report on what its structure noticed so many hours ago, and declared an hour later.
    fn noticed(&self, hours: i64) -> Report {
        let mut report = self.report();
        let found_at = now() - Duration::hours(hours);
        let declared_at = Some(timestamp(found_at + Duration::HOUR));
        report.submitted.found_at = Some(timestamp(found_at));
        report.submitted.declared_at = declared_at;
        report.submitted.received_at = declared_at;
        // What a program sent calls nobody.
        report.submitted.channel = types::Channel::Import.into();
        report
    }

    /// Announces that a report was amended at a moment, and waits for it.
    async fn amend(
        &self,
        report: &Report,
        revision: u64,
        stage: types::ReportStage,
        at: OffsetDateTime,
    ) {
        let case = self.case_where(report, |_| true).await;
        self.announce(&[amended(report, revision, stage, at)]).await;
        let is_changed = |now: &pb::Case| now.revision > case.revision;
        self.case_where(report, is_changed).await;
    }

    /// Has the moments of the reminders come that wait for one of the next four days.
    async fn four_days_pass(&self) {
        let moved = "update job set due_at = now()
                     where kind = 'remind/deadline' and due_at < now() + interval '4 days'";
        sqlx::query(moved).execute(&self.pool).await.unwrap();
    }

    async fn overdue(&self, user: &TokenSpec) -> Vec<String> {
        let filter = pb::ListCasesRequest {
            overdue_only: true,
            ..Default::default()
        };
        let listed = self.list(user, filter).await;
        assert!(listed.iter().all(|case| case.overdue));
        listed.into_iter().map(|case| case.case_id).collect()
    }

    async fn reminders_done(&self) -> i64 {
        self.count("select count(*) from job_done where kind = 'remind/deadline'")
            .await
    }

    /// How many reminders were announced: what is announced again under the same id is applied
    /// by nobody.
    async fn reminders_told(&self) -> i64 {
        self.count(
            "select count(distinct event_id) from event
             where event_type = 'vigie.case.activity_recorded.v1'",
        )
        .await
    }

    async fn reminders_waiting(&self) -> i64 {
        self.count("select count(*) from job where kind = 'remind/deadline'")
            .await
    }

    /// What a structure was reminded of.
    async fn reminded(&self, case_id: &str) -> Vec<(CaseActivity, Option<OffsetDateTime>)> {
        let told = self.activities(case_id).await;
        for told in &told {
            assert!(told.to_structure);
            assert_eq!(told.actor_role(), types::Role::Service);
            assert!(told.visible_to.contains(&"ars:76".to_owned()));
            assert!(told.visible_to.contains(&"subject:decl".to_owned()));
        }
        let told = told.iter();
        told.map(|it| (it.activity(), moment(it.due_at))).collect()
    }
}

/// Whole seconds, as reports carry them.
fn now() -> OffsetDateTime {
    platform::now().replace_nanosecond(0).unwrap()
}

fn moment(at: Option<prost_types::Timestamp>) -> Option<OffsetDateTime> {
    at.as_ref().and_then(service::wire::moment)
}

fn found_at(report: &Report) -> OffsetDateTime {
    moment(report.submitted.found_at).unwrap()
}

fn amended(
    report: &Report,
    revision: u64,
    stage: types::ReportStage,
    at: OffsetDateTime,
) -> NewEvent {
    let payload = events::ReportAmended {
        report: Some(report.submitted.clone()),
        revision,
        stage: stage.into(),
        amended_at: Some(timestamp(at)),
        ..Default::default()
    };
    let event = NewEvent::new(Uuid::now_v7(), report.subject(), at, &payload);
    event.with_data_key(report.data_key.clone().unwrap())
}

/// What is owed: kind, until when, satisfied when, overdue.
fn owed(
    case: &pb::Case,
) -> Vec<(
    DeadlineKind,
    Option<OffsetDateTime>,
    Option<OffsetDateTime>,
    bool,
)> {
    let deadlines = case.deadlines.iter();
    deadlines
        .map(|it| {
            assert!(it.legal_basis.contains("2022/2555"), "{}", it.legal_basis);
            let (due_at, satisfied_at) = (moment(it.due_at), moment(it.satisfied_at));
            (it.kind(), due_at, satisfied_at, it.overdue)
        })
        .collect()
}

fn leak(mut report: Report) -> Report {
    report.submitted.impacts = Some(types::Impacts {
        data: vec![types::DataImpact::Disclosure.into()],
        data_natures: vec![types::DataNature::Health.into()],
        ..Default::default()
    });
    report
}

#[tokio::test]
async fn a_case_shows_what_is_owed_and_each_stage_satisfies_its_report() {
    let env = with_pack().await;
    let report = env.noticed(2);
    let id = env.open(&report).await.case_id;
    let aware = found_at(&report);
    let early = (
        DeadlineKind::EarlyWarning,
        Some(aware + Duration::hours(24)),
        Some(aware + Duration::HOUR),
        false,
    );
    let notification = Some(aware + Duration::hours(72));
    for who in [
        analyst(),
        agent("76"),
        TokenSpec::of("decl").role("declarant"),
    ] {
        let case = env.get(&who, &id).await.unwrap();
        assert_eq!(
            owed(&case),
            [
                early,
                (DeadlineKind::Notification, notification, None, false),
                (DeadlineKind::FinalReport, None, None, false),
            ]
        );
        assert!(!case.overdue);
    }

    // A correction of the first declaration satisfies nothing more.
    let sent = now() - Duration::MINUTE;
    env.amend(&report, 2, FirstDeclaration, sent).await;
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(owed(&case)[1].2, None);
    env.amend(&report, 3, Complement, sent).await;
    let due_at = Term::of_months(sent, 1).unwrap().due_at;
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(
        owed(&case)[1..],
        [
            (DeadlineKind::Notification, notification, Some(sent), false),
            (DeadlineKind::FinalReport, Some(due_at), None, false),
        ]
    );
    env.amend(&report, 4, Final, sent + Duration::SECOND).await;
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(owed(&case)[2].2, Some(sent + Duration::SECOND));
    let listed = env.list(&analyst(), pb::ListCasesRequest::default()).await;
    let listed = listed.iter().find(|it| it.case_id == id).unwrap();
    assert_eq!(owed(listed), owed(&case));
}

#[tokio::test]
async fn without_a_rule_pack_there_is_no_deadline_anywhere() {
    let env = TestEnv::start().await;
    let report = env.noticed(80);
    let id = env.open(&report).await.case_id;
    let case = env.get(&analyst(), &id).await.unwrap();
    assert!(case.deadlines.is_empty() && !case.overdue);
    assert!(env.overdue(&analyst()).await.is_empty());
    assert_eq!(env.reminders_waiting().await, 0);
    assert_eq!(env.reminders_done().await, 0);
}

#[tokio::test]
async fn of_a_pack_that_is_chosen_no_more_nothing_is_shown() {
    let env = with_pack().await;
    let report = env.noticed(80);
    let id = env.open(&report).await.case_id;
    assert_eq!(env.overdue(&analyst()).await, std::slice::from_ref(&id));
    let without = env.start_beside(QualificationConfig::default()).await;
    let mut client = QualificationServiceClient::new(without.as_user(&analyst()));
    let request = pb::GetCaseRequest { case_id: id };
    let case = client.get_case(request).await.unwrap().into_inner().case;
    let case = case.unwrap();
    assert!(case.deadlines.is_empty() && !case.overdue);
    let filter = pb::ListCasesRequest {
        overdue_only: true,
        ..Default::default()
    };
    let listed = client.list_cases(filter).await.unwrap().into_inner();
    assert!(listed.cases.is_empty());
}

#[tokio::test]
async fn what_lapsed_while_everything_was_down_is_listed_and_told_once() {
    let env = with_pack().await;
    let _replica = env.start_replica().await;
    let report = env.noticed(80);
    let id = env.open(&report).await.case_id;
    env.open(&env.noticed(2)).await;
    let due_at = found_at(&report) + Duration::hours(72);
    // The reminder before the deadline came too late to say anything.
    eventually(async || env.reminders_done().await == 2).await;
    let told = [(CaseActivity::NotificationOverdue, Some(due_at))];
    assert_eq!(env.reminded(&id).await, told);
    let case = env.get(&analyst(), &id).await.unwrap();
    assert!(case.overdue && owed(&case)[1].3);
    assert_eq!(env.overdue(&analyst()).await, std::slice::from_ref(&id));
    assert_eq!(env.overdue(&agent("76")).await, std::slice::from_ref(&id));

    // A process was killed before it recorded that the job was done.
    let again = "insert into job (job_id, kind, subject, due_at, created_at, first_due_at, payload)
                 select job_id, kind, subject, now(), created_at, now(), payload from job_done";
    sqlx::query(again).execute(&env.pool).await.unwrap();
    eventually(async || env.reminders_done().await == 4).await;
    assert_eq!(env.reminders_told().await, 1);

    // Late, but done: what follows is waited for.
    env.amend(&report, 2, Complement, now()).await;
    assert!(env.overdue(&analyst()).await.is_empty());
    let case = env.get(&analyst(), &id).await.unwrap();
    assert!(!case.overdue && owed(&case)[1].2.is_some());
    assert_eq!(env.reminders_told().await, 1);
}

#[tokio::test]
async fn a_reminder_comes_before_the_deadline() {
    let env = with_pack().await;
    let report = env.noticed(60);
    let id = env.open(&report).await.case_id;
    eventually(async || env.reminders_done().await == 1).await;
    let due_at = found_at(&report) + Duration::hours(72);
    let told = [(CaseActivity::NotificationDue, Some(due_at))];
    assert_eq!(env.reminded(&id).await, told);
    // The one after it waits for its moment.
    assert_eq!(env.reminders_waiting().await, 1);
}

#[tokio::test]
async fn what_is_sent_withdrawn_or_ended_is_neither_reminded_of_nor_overdue() {
    let env = with_pack().await;
    let sent = env.noticed(2);
    let id = env.open(&sent).await.case_id;
    env.amend(&sent, 2, Complement, now()).await;
    // Both sides of the notification, and of the final report.
    assert_eq!(env.reminders_waiting().await, 4);
    env.four_days_pass().await;
    eventually(async || env.reminders_done().await == 2).await;
    assert!(env.reminded(&id).await.is_empty());

    let withdrawn = env.noticed(80);
    let withdrawal = withdrawn.withdrawal(Uuid::now_v7(), "Fausse alerte");
    env.announce(&[withdrawal, withdrawn.event()]).await;
    let case = env.case_where(&withdrawn, |_| true).await;
    assert_eq!(case.state(), types::CaseState::Withdrawn);
    eventually(async || env.reminders_done().await == 4).await;
    assert!(env.reminded(&case.case_id).await.is_empty());
    assert!(!case.overdue && !owed(&case)[1].3);
    assert!(env.overdue(&analyst()).await.is_empty());

    let late = env.open(&env.noticed(80)).await.case_id;
    assert_eq!(env.overdue(&analyst()).await, std::slice::from_ref(&late));
    env.qualify(&analyst(), out_of_scope(&late)).await.unwrap();
    assert!(env.overdue(&analyst()).await.is_empty());
}

#[tokio::test]
async fn of_what_is_not_resolved_in_time_a_progress_report_is_overdue() {
    let env = with_pack().await;
    let report = env.noticed(24 * 40);
    let notified = found_at(&report) + Duration::hours(24);
    // As in a snapshot: the latest revision alone.
    env.announce(&[amended(&report, 2, Complement, notified)])
        .await;
    let case = env.case_where(&report, |case| case.overdue).await;
    let due_at = Term::of_months(notified, 1).unwrap().due_at;
    let progress = (DeadlineKind::ProgressReport, Some(due_at), None, true);
    let last = (DeadlineKind::FinalReport, None, None, false);
    assert_eq!(owed(&case)[2..], [progress, last]);
    let told = [(CaseActivity::ProgressReportOverdue, Some(due_at))];
    eventually(async || env.reminded(&case.case_id).await == told).await;

    env.amend(&report, 3, Complement, now()).await;
    assert!(env.overdue(&analyst()).await.is_empty());
    let resolved = report.resolution(Uuid::now_v7(), 1, "Réinstallé");
    env.announce(&[resolved]).await;
    let is_resolved = |case: &pb::Case| case.state() == types::CaseState::Resolved;
    let case = env.case_where(&report, is_resolved).await;
    // It was over when it was declared, before the final report fell due: that is owed.
    let last = owed(&case).pop().unwrap();
    assert_eq!(last, (DeadlineKind::FinalReport, Some(due_at), None, true));
    assert_eq!(env.overdue(&analyst()).await, [case.case_id]);
}

#[tokio::test]
async fn the_cnil_is_reminded_of_once_whether_or_not_there_is_a_rule_pack() {
    let env = TestEnv::start().await;
    let report = leak(env.noticed(60));
    let id = env.open(&report).await.case_id;
    let mut notified = leak(env.noticed(60));
    notified.submitted.cnil_notified = Some(true);
    let notified = env.open(&notified).await.case_id;
    let due_at = found_at(&report) + Duration::hours(72);
    eventually(async || env.reminders_done().await == 1).await;
    let told = [(CaseActivity::CnilDue, Some(due_at))];
    assert_eq!(env.reminded(&id).await, told);
    assert!(env.reminded(&notified).await.is_empty());
    assert_eq!(env.reminders_waiting().await, 0);
    // It is another authority's: nobody here waits for it.
    assert!(env.overdue(&analyst()).await.is_empty());
}

#[tokio::test]
async fn who_says_in_time_that_the_cnil_was_notified_is_not_reminded() {
    let env = TestEnv::start().await;
    let mut report = leak(env.noticed(50));
    let id = env.open(&report).await.case_id;
    assert_eq!(env.reminders_waiting().await, 1);
    report.submitted.cnil_notified = Some(true);
    env.amend(&report, 2, FirstDeclaration, now()).await;
    env.four_days_pass().await;
    eventually(async || env.reminders_done().await == 1).await;
    assert!(env.reminded(&id).await.is_empty());
}

#[tokio::test]
async fn a_test_is_owed_by_no_deadline() {
    let env = with_pack().await;
    let mut report = leak(env.noticed(80));
    report.submitted.test = true;
    report.submitted.visible_to = vec!["probe".to_owned(), "cell".to_owned()];
    let case = env.open(&report).await;
    assert!(case.deadlines.is_empty() && !case.overdue);
    assert_eq!(env.reminders_done().await, 0);
}
