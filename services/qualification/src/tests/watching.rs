//! Live streams of cases: all that the caller sees and asks for, from any cursor on.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use platform::PageToken;
use proto::{
    qualification::v1::{
        self as pb, watch_cases_response::Message, workbench_service_client::WorkbenchServiceClient,
    },
    types::v1::CaseState,
};
use serde_json::json;
use servicetest::RunningService;
use testkit::TokenSpec;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::{
    QualificationConfig,
    tests::env::{TestEnv, agent, analyst, in_scope, reason, second_analyst, violations},
};

/// Nothing that a stream says takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_change_is_sent_to_who_sees_the_case_as_much_as_they_see_and_to_nobody_else() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let mut of_75 = env.report();
    of_75.submitted.visible_to.push("ars:75".into());
    let id_75 = env.open(&of_75).await.case_id;
    let fssi = TokenSpec::of("fssi").role("security_officer");
    let mut streams = Vec::new();
    for who in [analyst(), agent("76"), fssi, agent("75")] {
        streams.push(env.watch(&who, all()).await.unwrap());
    }
    env.claim(&analyst(), &id).await.unwrap();
    for (stream, assignee) in streams.iter_mut().zip(["ana", "", "ana"]) {
        let case = changed(stream).await;
        assert_eq!(
            (case.case_id.as_str(), case.state()),
            (id.as_str(), CaseState::InQualification)
        );
        assert_eq!(case.assignee, assignee);
        assert_eq!(case.declarant.unwrap().name, "Dominique Martin");
        // As in a list.
        assert_eq!(case.description, "");
    }
    // The first that the other region hears of is its own.
    env.claim(&analyst(), &id_75).await.unwrap();
    assert_eq!(changed(&mut streams[3]).await.case_id, id_75);
    let watched = ("case.watch".to_owned(), "all".to_owned(), "done".to_owned());
    assert_eq!(env.audited("agent-75").await, [watched]);
}

#[tokio::test]
async fn a_case_is_shown_as_a_list_with_the_same_filter_shows_it() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let mut stream = env.watch(&analyst(), all()).await.unwrap();
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let case = changed(&mut stream).await;
    let mut listed = env.list(&analyst(), pb::ListCasesRequest::default()).await;
    // Also changes with what is said, which no stream tells.
    listed[0].waiting_for.clear();
    assert_eq!([case], listed.as_slice());
}

#[tokio::test]
async fn what_does_not_fit_the_filter_comes_by_name_alone() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let mine = pb::WatchCasesRequest {
        mine_only: true,
        ..all()
    };
    let in_qualification = pb::WatchCasesRequest {
        states: vec![CaseState::InQualification.into()],
        routing_region: "76".into(),
        ..all()
    };
    let elsewhere = pb::WatchCasesRequest {
        routing_region: "75".into(),
        ..all()
    };
    let mut mine = env.watch(&analyst(), mine).await.unwrap();
    let mut in_qualification = env.watch(&analyst(), in_qualification).await.unwrap();
    let mut elsewhere = env.watch(&analyst(), elsewhere).await.unwrap();

    env.claim(&analyst(), &id).await.unwrap();
    assert_eq!(changed(&mut mine).await.case_id, id);
    assert_eq!(changed(&mut in_qualification).await.case_id, id);
    assert_eq!(left(&mut elsewhere).await.case_id, id);

    let taken = env.claim(&second_analyst(), &id).await.unwrap();
    let gone = left(&mut mine).await;
    assert_eq!(
        (gone.case_id.as_str(), gone.revision),
        (id.as_str(), taken.revision)
    );
    assert_eq!(
        changed(&mut in_qualification).await.revision,
        taken.revision
    );

    env.qualify(&second_analyst(), in_scope(&id)).await.unwrap();
    let gone = left(&mut in_qualification).await;
    assert_eq!(
        (gone.case_id.as_str(), gone.state()),
        (id.as_str(), CaseState::Qualified)
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_again_and_again_misses_nothing_at_whichever_process() {
    let env = TestEnv::start().await;
    let replica = env.start_replica().await;
    let opened = join_all((0..6).map(async |_| env.open(&env.report()).await)).await;
    let mut stream = env.watch(&analyst(), all()).await.unwrap();
    let mut cursor = next(&mut stream).await.unwrap().cursor;

    let deeds = opened.iter().map(async |case| {
        env.claim(&analyst(), &case.case_id).await.unwrap();
        env.qualify(&analyst(), in_scope(&case.case_id))
            .await
            .unwrap();
        env.claim(&second_analyst(), &case.case_id).await.unwrap();
        env.close(&analyst(), &case.case_id).await.unwrap()
    });
    let watching = async {
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let last = opened[0].revision + 4;
        let mut cuts = 0;
        // One message of each stream, then the next stream at the other process.
        while seen.len() < opened.len() || seen.values().any(|revision| *revision < last) {
            let process = if cuts % 2 == 0 {
                &env.service
            } else {
                &replica
            };
            let request = pb::WatchCasesRequest {
                cursor: cursor.clone(),
                ..all()
            };
            let mut stream = watch_at(process, &analyst(), request).await.unwrap();
            loop {
                let response = next(&mut stream).await.unwrap();
                cursor = response.cursor;
                match response.message.unwrap() {
                    Message::Changed(case) => {
                        let known = seen.entry(case.case_id).or_default();
                        assert!(*known <= case.revision, "a case went back");
                        *known = case.revision;
                        break;
                    }
                    Message::Heartbeat(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            cuts += 1;
        }
        seen
    };
    let (done, seen) = tokio::join!(join_all(deeds), watching);
    for case in done {
        assert_eq!(seen[&case.case_id], case.revision);
    }
}

#[tokio::test]
async fn what_changed_meanwhile_follows_a_cursor_and_a_heartbeat_says_that_it_did() {
    let env = TestEnv::start().await;
    let first = env.open(&env.report()).await.case_id;
    let second = env.open(&env.report()).await.case_id;
    let mut stream = env.watch(&analyst(), all()).await.unwrap();
    let begun = next(&mut stream).await.unwrap();
    assert!(matches!(begun.message, Some(Message::Heartbeat(_))));
    drop(stream);
    env.claim(&analyst(), &first).await.unwrap();
    let claimed = env.claim(&second_analyst(), &first).await.unwrap();
    let other = env.claim(&analyst(), &second).await.unwrap();

    let request = pb::WatchCasesRequest {
        cursor: begun.cursor,
        ..all()
    };
    let mut stream = env.watch(&analyst(), request).await.unwrap();
    let mut seen = BTreeMap::new();
    loop {
        match next(&mut stream).await.unwrap().message.unwrap() {
            Message::Changed(case) => seen.insert(case.case_id, case.revision),
            Message::Heartbeat(_) => break,
            other => panic!("{other:?}"),
        };
    }
    let expected = [(first, claimed.revision), (second, other.revision)];
    assert_eq!(seen, BTreeMap::from(expected));
}

#[tokio::test]
async fn a_cursor_behind_which_not_all_is_known_begins_with_a_gap() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let shards = env.count("select count(*) from eventlog_head").await;
    let positions = vec![0_u64; usize::try_from(shards).unwrap()];
    let place = json!({ "incarnation": Uuid::nil(), "positions": positions });
    let request = pb::WatchCasesRequest {
        cursor: PageToken::encode(&place, b"changes of cases"),
        ..all()
    };
    let mut stream = env.watch(&analyst(), request).await.unwrap();
    let gap = next(&mut stream).await.unwrap();
    assert!(matches!(gap.message, Some(Message::Gap(_))), "{gap:?}");
    // From its cursor on, nothing is missing.
    env.claim(&analyst(), &id).await.unwrap();
    assert_eq!(changed(&mut stream).await.case_id, id);
    let request = pb::WatchCasesRequest {
        cursor: gap.cursor,
        ..all()
    };
    let mut stream = env.watch(&analyst(), request).await.unwrap();
    assert_eq!(changed(&mut stream).await.case_id, id);
}

#[tokio::test]
async fn a_stream_that_does_not_keep_up_is_cut_and_goes_on_from_its_cursor() {
    let env = TestEnv::start_with(QualificationConfig {
        watch_buffer: 1,
        ..QualificationConfig::default()
    })
    .await;
    let mut stream = env.watch(&analyst(), all()).await.unwrap();
    let mut cursor = next(&mut stream).await.unwrap().cursor;
    // More at once than the buffer holds.
    let reports: Vec<_> = (0..40).map(|_| env.report()).collect();
    let events: Vec<_> = reports.iter().map(super::env::Report::event).collect();
    env.announce(&events).await;
    let (mut seen, mut cut) = (BTreeMap::new(), 0);
    while seen.len() < reports.len() {
        match next(&mut stream).await {
            Ok(response) => {
                cursor = response.cursor;
                if let Some(Message::Changed(case)) = response.message {
                    seen.insert(case.reference, case.revision);
                }
            }
            Err(ended) => {
                assert_eq!(
                    (ended.code(), reason(&ended).as_str()),
                    (Code::ResourceExhausted, "TOO_SLOW")
                );
                cut += 1;
                let request = pb::WatchCasesRequest {
                    cursor: cursor.clone(),
                    ..all()
                };
                stream = env.watch(&analyst(), request).await.unwrap();
            }
        }
    }
    assert!(cut > 0, "it kept up");
    for report in reports {
        assert!(seen.contains_key(&report.submitted.reference));
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_with_the_service() {
    let env = TestEnv::start().await;
    let short = analyst().lifetime(time::Duration::seconds(2));
    let mut stream = env.watch(&short, all()).await.unwrap();
    let ended = end(&mut stream).await;
    assert_eq!(
        (ended.code(), reason(&ended).as_str()),
        (Code::Unauthenticated, "TOKEN_EXPIRED")
    );
    let mut stream = env.watch(&analyst(), all()).await.unwrap();
    assert!(next(&mut stream).await.is_ok());
    env.service.begin_shutdown();
    let ended = end(&mut stream).await;
    assert_eq!(
        (ended.code(), reason(&ended).as_str()),
        (Code::Unavailable, "SHUTTING_DOWN")
    );
}

#[tokio::test]
async fn a_silent_stream_lives() {
    let env = TestEnv::start_with(QualificationConfig {
        watch_heartbeat_ms: 20,
        ..QualificationConfig::default()
    })
    .await;
    let mut stream = env.watch(&analyst(), all()).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    for _ in 0..3 {
        assert_eq!(next(&mut stream).await.unwrap(), first);
    }
}

#[tokio::test]
async fn a_malformed_request_opens_no_stream_and_neither_does_another_role() {
    let env = TestEnv::start().await;
    let request = pb::WatchCasesRequest {
        states: vec![CaseState::Closed.into(), 99],
        routing_region: "1".into(),
        ..all()
    };
    let refused = env.watch(&analyst(), request).await.unwrap_err();
    let told = violations(&refused);
    let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
    assert_eq!(
        told,
        [
            ("states[1]", "UNKNOWN_VALUE"),
            ("routing_region", "UNKNOWN_VALUE")
        ]
    );
    let request = pb::WatchCasesRequest {
        cursor: "AAAA".into(),
        ..all()
    };
    let refused = env.watch(&analyst(), request).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("cursor".into(), "BAD_CURSOR".into())]
    );
    for role in ["declarant", "health_authority", "integration", "importer"] {
        let who = TokenSpec::of("other").role(role).region("76");
        let refused = env.watch(&who, all()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{role}");
    }
}

impl TestEnv {
    async fn watch(
        &self,
        who: &TokenSpec,
        request: pb::WatchCasesRequest,
    ) -> Result<Streaming<pb::WatchCasesResponse>, Status> {
        watch_at(&self.service, who, request).await
    }
}

async fn watch_at(
    process: &RunningService,
    who: &TokenSpec,
    request: pb::WatchCasesRequest,
) -> Result<Streaming<pb::WatchCasesResponse>, Status> {
    let mut client = WorkbenchServiceClient::new(process.as_user(who));
    Ok(client.watch_cases(request).await?.into_inner())
}

fn all() -> pb::WatchCasesRequest {
    pb::WatchCasesRequest::default()
}

async fn next(
    stream: &mut Streaming<pb::WatchCasesResponse>,
) -> Result<pb::WatchCasesResponse, Status> {
    let message = tokio::time::timeout(PATIENCE, stream.message()).await;
    let message = message.expect("the stream says nothing")?;
    Ok(message.expect("the stream ended without a word"))
}

/// How a stream on which nothing changes ends.
async fn end(stream: &mut Streaming<pb::WatchCasesResponse>) -> Status {
    loop {
        match next(stream).await.map(|response| response.message) {
            Ok(Some(Message::Heartbeat(_))) => {}
            Ok(other) => panic!("{other:?}"),
            Err(ended) => return ended,
        }
    }
}

/// What a stream says next, heartbeats apart.
async fn said(stream: &mut Streaming<pb::WatchCasesResponse>) -> Message {
    loop {
        match next(stream).await.unwrap().message.unwrap() {
            Message::Heartbeat(_) => {}
            message => return message,
        }
    }
}

async fn changed(stream: &mut Streaming<pb::WatchCasesResponse>) -> pb::Case {
    match said(stream).await {
        Message::Changed(case) => case,
        other => panic!("{other:?}"),
    }
}

async fn left(stream: &mut Streaming<pb::WatchCasesResponse>) -> pb::CaseLeft {
    match said(stream).await {
        Message::Left(left) => left,
        other => panic!("{other:?}"),
    }
}
