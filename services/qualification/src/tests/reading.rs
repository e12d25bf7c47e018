//! Which side has read what of the exchanges on a case.

use proto::qualification::v1 as pb;
use service::wire::timestamp;
use testkit::TokenSpec;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{TestEnv, agent, analyst, reason, second_analyst, violations};
use crate::tests::messages::{declarant, to_agencies, to_structure};

#[tokio::test]
async fn a_message_shows_which_sides_have_read_it_and_when_and_no_person() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let asked = env
        .post(&analyst(), to_structure(&id, "Depuis quand ?"))
        .await;
    let asked = asked.unwrap();
    assert!(env.read_by(&analyst(), &id, 1).await.is_empty());

    let before = timestamp(platform::now());
    env.mark(&declarant(), &id, &asked.message_id)
        .await
        .unwrap();
    env.mark(&agent("76"), &id, &asked.message_id)
        .await
        .unwrap();
    let after = timestamp(platform::now());
    let agency = (pb::ReaderSide::Agency, "76".to_owned());
    let structure = (pb::ReaderSide::Structure, String::new());
    for who in [analyst(), agent("76")] {
        let marks = env.read_by(&who, &id, 1).await;
        let sides: Vec<_> = marks
            .iter()
            .map(|it| (it.side(), it.region.clone()))
            .collect();
        assert_eq!(sides, [structure.clone(), agency.clone()]);
        for mark in marks {
            let at = mark.read_at.unwrap();
            let within = |at: prost_types::Timestamp| (at.seconds, at.nanos);
            assert!((within(before)..=within(after)).contains(&within(at)));
        }
    }
    // Which agencies follow the case is not the structure's to know.
    let marks = env.read_by(&declarant(), &id, 1).await;
    let sides: Vec<_> = marks
        .iter()
        .map(|it| (it.side(), it.region.as_str()))
        .collect();
    assert_eq!(
        sides,
        [
            (pb::ReaderSide::Structure, ""),
            (pb::ReaderSide::Agency, "")
        ]
    );
    let audited = (
        "message.mark_read".to_owned(),
        id.clone(),
        "done".to_owned(),
    );
    assert!(env.audited("decl").await.contains(&audited));
    // Reading changes nothing of the case, and is announced to nobody.
    assert_eq!(env.get(&analyst(), &id).await.unwrap().history.len(), 1);
    assert_eq!(env.count("select count(*) from event").await, 2);
}

#[tokio::test]
async fn a_mark_never_goes_back_and_what_was_read_before_keeps_its_moment() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let mut messages = Vec::new();
    for text in ["un", "deux", "trois"] {
        let posted = env.post(&analyst(), to_structure(&id, text)).await;
        messages.push(posted.unwrap().message_id);
    }
    let who = declarant();
    let mark = |to: usize| env.mark(&who, &id, &messages[to]);
    assert_eq!(mark(0).await.unwrap(), 1);
    let first = env.read_by(&analyst(), &id, 1).await;
    assert_eq!(mark(2).await.unwrap(), 3);
    // Marked again, further back: neither the mark nor the moments move.
    assert_eq!(mark(1).await.unwrap(), 3);
    assert_eq!(mark(2).await.unwrap(), 3);
    assert_eq!(env.read_by(&analyst(), &id, 1).await, first);
    let (second, third) = (
        env.read_by(&analyst(), &id, 2).await,
        env.read_by(&analyst(), &id, 3).await,
    );
    assert_eq!(second, third);
    let moment = |marks: &[pb::ReadMark]| marks[0].read_at.map(|at| (at.seconds, at.nanos));
    assert!(moment(&first) < moment(&second));
    assert_eq!(env.count("select count(*) from message_read").await, 2);
}

#[tokio::test]
async fn a_mark_sent_again_is_answered_alike() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let posted = env.post(&analyst(), to_structure(&id, "un")).await.unwrap();
    let request = marking(&id, &posted.message_id);
    let mut client = env.message_client(&declarant());
    let first = client.mark_messages_read(request.clone()).await.unwrap();
    env.post(&analyst(), to_structure(&id, "deux"))
        .await
        .unwrap();
    let again = client.mark_messages_read(request.clone()).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    assert_eq!(env.count("select count(*) from message_read").await, 1);
    let other = pb::MarkMessagesReadRequest {
        message_id: Uuid::now_v7().to_string(),
        ..request
    };
    let refused = client.mark_messages_read(other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn each_side_counts_what_it_has_not_read_of_what_it_may_and_others_wrote() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report
        .submitted
        .visible_to
        .extend(["ars:75".to_owned(), "dgs".to_owned()]);
    let id = env.open(&report).await.case_id;
    for message in [
        (analyst(), to_structure(&id, "un")),
        (agent("76"), to_agencies(&id, "deux")),
        (declarant(), to_structure(&id, "trois")),
    ] {
        env.post(&message.0, message.1).await.unwrap();
    }
    let dgs = TokenSpec::of("dgs").role("health_authority");
    let all = [
        declarant(),
        analyst(),
        agent("76"),
        agent("75"),
        dgs.clone(),
    ];
    assert_eq!(env.unread(&all, &id).await, [1, 2, 2, 3, 0]);

    // One person reads for the whole side, and for no other.
    let seen = env.messages(&second_analyst(), &id).await.unwrap();
    let last = &seen.messages[0].message_id;
    env.mark(&second_analyst(), &id, last).await.unwrap();
    assert_eq!(env.unread(&all, &id).await, [1, 0, 2, 3, 0]);
    env.mark(&agent("76"), &id, last).await.unwrap();
    assert_eq!(env.unread(&all, &id).await, [1, 0, 0, 3, 0]);
    env.mark(&declarant(), &id, last).await.unwrap();
    assert_eq!(env.unread(&all, &id).await, [0, 0, 0, 3, 0]);

    // What a structure has read tells nothing of what agencies wrote among themselves.
    let among = env.read_by(&agent("75"), &id, 2).await;
    assert_eq!(
        among.iter().map(pb::ReadMark::side).collect::<Vec<_>>(),
        [pb::ReaderSide::Cell]
    );
}

#[tokio::test]
async fn what_an_earlier_release_wrote_is_no_news_to_the_side_that_wrote_it() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    env.post(&analyst(), to_structure(&id, "un")).await.unwrap();
    env.post(&declarant(), to_structure(&id, "deux"))
        .await
        .unwrap();
    sqlx::query("update case_message set author_side = null")
        .execute(&env.pool)
        .await
        .unwrap();
    let all = [declarant(), analyst(), agent("76")];
    assert_eq!(env.unread(&all, &id).await, [1, 1, 2]);
    let seen = env.messages(&analyst(), &id).await.unwrap();
    let last = &seen.messages[0].message_id;
    env.mark(&analyst(), &id, last).await.unwrap();
    assert!(env.read_by(&declarant(), &id, 1).await.is_empty());
}

#[tokio::test]
async fn a_count_of_what_is_unread_stops_at_a_hundred() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    env.post(&analyst(), to_structure(&id, "un")).await.unwrap();
    sqlx::query(
        "insert into case_message
         select case_id, n, gen_random_uuid(), audience, author_role, author_subject, posted_at,
                sealed_text, author_side
         from case_message, generate_series(2, 150) as n",
    )
    .execute(&env.pool)
    .await
    .unwrap();
    assert_eq!(env.unread(&[declarant(), analyst()], &id).await, [100, 0]);
}

#[tokio::test]
async fn what_one_does_not_read_cannot_be_marked() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let among = env.post(&agent("76"), to_agencies(&id, "?")).await.unwrap();
    let note = pb::PostMessageRequest {
        audience: pb::Audience::Internal.into(),
        ..to_structure(&id, "?")
    };
    let note = env.post(&analyst(), note).await.unwrap();
    let unknown = Uuid::now_v7().to_string();
    for (who, message) in [
        (declarant(), &among.message_id),
        (declarant(), &unknown),
        (analyst(), &note.message_id),
        (agent("75"), &among.message_id),
    ] {
        let refused = env.mark(&who, &id, message).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "{}", who.subject);
        let outcome = env.audited(&who.subject).await.pop();
        let not_visible = ("message.mark_read".into(), id.clone(), "not_visible".into());
        assert_eq!(outcome, Some(not_visible));
    }
    assert_eq!(env.count("select count(*) from message_read").await, 0);
    let mut client = env.message_client(&analyst());
    let malformed = pb::MarkMessagesReadRequest::default();
    let refused = client.mark_messages_read(malformed).await.unwrap_err();
    let told = violations(&refused);
    let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
    assert_eq!(
        told,
        [
            ("request_id", "REQUIRED"),
            ("case_id", "REQUIRED"),
            ("message_id", "REQUIRED")
        ]
    );
}

#[tokio::test]
async fn marks_set_at_once_leave_the_furthest_and_lose_none() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let mut messages = Vec::new();
    for number in 0..10 {
        let text = format!("message {number}");
        let posted = env.post(&analyst(), to_structure(&id, &text)).await;
        messages.push(posted.unwrap().message_id);
    }
    let (begun, who) = (platform::now(), declarant());
    let marks = messages.iter().map(|message| env.mark(&who, &id, message));
    let mut reached = Vec::new();
    for marked in futures::future::join_all(marks).await {
        reached.push(marked.unwrap());
    }
    assert_eq!(reached.iter().max(), Some(&10));
    assert_eq!(env.unread(&[declarant()], &id).await, [0]);
    for number in 1..=10 {
        let marks = env.read_by(&analyst(), &id, number).await;
        assert_eq!(marks.len(), 1, "{number}");
        assert!(marks[0].read_at.unwrap().seconds >= begun.unix_timestamp());
    }
}

impl TestEnv {
    async fn mark(&self, who: &TokenSpec, case_id: &str, message: &str) -> Result<u64, Status> {
        let request = marking(case_id, message);
        let marked = self.message_client(who).mark_messages_read(request).await?;
        Ok(marked.into_inner().read_up_to)
    }

    /// Who has read a message, as somebody is shown.
    async fn read_by(&self, who: &TokenSpec, case_id: &str, number: u64) -> Vec<pb::ReadMark> {
        let listed = self.messages(who, case_id).await.unwrap();
        let mut messages = listed.messages.into_iter();
        messages.find(|it| it.number == number).unwrap().read_by
    }

    /// How many messages wait for each of these, as the case and the list say alike.
    async fn unread(&self, people: &[TokenSpec], case_id: &str) -> Vec<u32> {
        let mut counts = Vec::new();
        for who in people {
            let case = self.get(who, case_id).await.unwrap();
            let listed = self.list(who, pb::ListCasesRequest::default()).await;
            assert_eq!(listed[0].unread_messages, case.unread_messages);
            counts.push(case.unread_messages);
        }
        counts
    }
}

fn marking(case_id: &str, message_id: &str) -> pb::MarkMessagesReadRequest {
    pb::MarkMessagesReadRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        message_id: message_id.to_owned(),
    }
}
