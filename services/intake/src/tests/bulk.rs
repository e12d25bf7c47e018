//! Many reports on one stream.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use proto::intake::v1::{
    Receipt, ReportDraft, SubmissionFailure, SubmitReportRequest, SubmitReportsResponse,
    submit_reports_response::Outcome,
};
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{described, incident},
    env::TestEnv,
    under_load::lock_reports,
};

fn request(number: usize) -> SubmitReportRequest {
    SubmitReportRequest {
        request_id: Uuid::now_v7().to_string(),
        draft: Some(ReportDraft {
            structure: described(&format!("Cabinet {number}"), "75"),
            ..incident()
        }),
        ..SubmitReportRequest::default()
    }
}

fn receipt(answer: &SubmitReportsResponse) -> Option<&Receipt> {
    match answer.outcome.as_ref()? {
        Outcome::Receipt(receipt) => Some(receipt),
        Outcome::Failure(_) => None,
    }
}

fn failure(answer: &SubmitReportsResponse) -> &SubmissionFailure {
    match &answer.outcome {
        Some(Outcome::Failure(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn of_many_each_is_answered_and_a_bad_one_keeps_none_of_the_others_from_it() {
    let env = TestEnv::start().await;
    let provider = env.declarant("provider");
    let mut sent: Vec<_> = (0..600).map(request).collect();
    sent[17].draft.as_mut().unwrap().description = String::new();
    sent[18].request_id = "18".to_owned();
    sent[19].request_id = sent[20].request_id.clone();
    let answers = provider.submit_many(sent.clone()).await.unwrap();
    let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
    let answers: BTreeMap<_, _> = answers.into_iter().map(|it| (it.index, it)).collect();
    assert_eq!(answers.len(), 600);
    for (index, answer) in &answers {
        let sent = &sent[usize::try_from(*index).unwrap()];
        assert_eq!(answer.request_id, sent.request_id);
    }
    for (index, field, reason) in [
        (17, "draft.description", "REQUIRED"),
        (18, "request_id", "BAD_FORMAT"),
    ] {
        let failure = failure(&answers[&index]);
        assert_eq!(failure.code, i32::from(Code::InvalidArgument));
        assert_eq!(failure.reason, "INVALID");
        let [violation] = &failure.violations[..] else {
            panic!("{failure:?}")
        };
        assert_eq!(
            (violation.field.as_str(), violation.reason.as_str()),
            (field, reason)
        );
        assert_eq!(failure.retry_after, None);
    }
    // Of two contents under one request_id, one is taken.
    let twins = [19, 20].map(|index| &answers[&index]);
    let refused: Vec<_> = twins
        .into_iter()
        .filter(|it| receipt(it).is_none())
        .collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    let refused = refused[0];
    assert_eq!(failure(refused).code, i32::from(Code::AlreadyExists));
    assert_eq!(failure(refused).reason, "REQUEST_ID_REUSED");

    let references: BTreeSet<_> = answers
        .values()
        .filter_map(receipt)
        .map(|receipt| receipt.reference.clone())
        .collect();
    assert_eq!(references.len(), 597);
    assert_eq!(env.count("select count(*) from report").await, 597);
    assert_eq!(env.events().await.len(), 597);
    let commits = "select count(distinct xmin::text) from report";
    assert!(env.count(commits).await < 300);
}

#[tokio::test]
async fn a_stream_that_is_sent_again_gets_the_same_receipts_and_makes_no_report() {
    let env = TestEnv::start().await;
    let provider = env.declarant("provider");
    let sent: Vec<_> = (0..50).map(request).collect();
    let mut receipts = Vec::new();
    for _ in 0..2 {
        let answers = provider.submit_many(sent.clone()).await.unwrap();
        let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
        let told: BTreeMap<_, _> = answers
            .iter()
            .map(|answer| (answer.index, receipt(answer).unwrap().clone()))
            .collect();
        receipts.push(told);
    }
    assert_eq!(receipts[0], receipts[1]);
    // By itself it is the same report too.
    let alone = provider.send(sent[7].clone()).await.unwrap();
    assert_eq!(alone, receipts[0][&7]);
    assert_eq!(env.count("select count(*) from report").await, 50);
}

#[tokio::test]
async fn what_finds_no_room_says_when_to_come_back_and_is_taken_then() {
    let env = TestEnv::start_with(|config| {
        config.intake.writers = 1;
        config.intake.queue = 1;
        config.intake.batch = 1;
    })
    .await;
    let provider = env.declarant("provider");
    // The references' first block is taken, so that only the commit can wait.
    provider.submit(incident()).await.unwrap();
    let mut frozen = env.pool.begin().await.unwrap();
    lock_reports(&mut frozen).await;
    let mut waiting: Vec<_> = (0..6).map(request).collect();
    let mut answers = provider.submit_many(waiting.clone()).await.unwrap();
    // One is in flight at the most, and one queued.
    let mut told = Vec::new();
    while told.len() < 4 {
        told.push(answers.message().await.unwrap().unwrap());
    }
    for answer in &told {
        let failure = failure(answer);
        assert_eq!(failure.code, i32::from(Code::ResourceExhausted));
        assert_eq!(failure.reason, "QUEUE_FULL");
        assert!(failure.retry_after.is_some());
    }
    frozen.rollback().await.unwrap();
    told.extend(answers.map(Result::unwrap).collect::<Vec<_>>().await);
    assert_eq!(told.len(), 6);
    while !waiting.is_empty() {
        let taken: BTreeSet<_> = told
            .iter()
            .filter(|answer| receipt(answer).is_some())
            .map(|answer| answer.request_id.clone())
            .collect();
        waiting.retain(|request| !taken.contains(&request.request_id));
        let again = provider.submit_many(waiting.clone()).await.unwrap();
        told = again.map(Result::unwrap).collect().await;
    }
    assert_eq!(env.count("select count(*) from report").await, 7);
}
