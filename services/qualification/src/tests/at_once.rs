//! Fifty analysts on ten cases at once: what was acknowledged is there once, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use proto::qualification::v1::{self as pb, measure_service_client::MeasureServiceClient};
use testkit::TokenSpec;
use tonic::{Code, Status};
use uuid::Uuid;
use vocabulary::{CaseState, Role, Word as _};

use crate::cases::tests::replayed;
use crate::tests::env::{TestEnv, analyst, in_scope, out_of_scope, reason};

const ANALYSTS: usize = 50;
const CASES: usize = 10;
/// What each of them does, one after the other.
const DEEDS: usize = 7;

#[tokio::test]
async fn fifty_analysts_on_ten_cases_lose_nothing_and_do_nothing_twice() {
    let env = TestEnv::start().await;
    let opened = join_all((0..CASES).map(async |_| env.open(&env.report()).await)).await;
    let ids: Vec<&str> = opened.iter().map(|case| case.case_id.as_str()).collect();
    let base = opened[0].revision - 1;

    let done = join_all((0..ANALYSTS).map(|number| env.work(number, &ids))).await;
    let done: Vec<Done> = done.into_iter().flatten().collect();
    assert_eq!(done.len(), ANALYSTS * DEEDS);
    // All kinds were both tried and acknowledged, or this proves little.
    for kind in Kind::ALL {
        let acknowledged = |it: &&Done| it.kind == kind && it.acknowledged.is_some();
        assert_ne!(done.iter().filter(acknowledged).count(), 0, "{kind:?}");
    }
    assert!(done.iter().any(|it| it.acknowledged.is_none()));

    for id in ids {
        let of_case: Vec<&Done> = done.iter().filter(|it| it.case_id == id).collect();
        env.check_history(id, base, &of_case).await;
        env.check_contents(id, &of_case).await;
    }
}

/// What an analyst may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Claim,
    HandOver,
    Qualify,
    PutOutOfScope,
    Message,
    Propose,
    Close,
    Reopen,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Claim,
        Self::Qualify,
        Self::Message,
        Self::Propose,
        Self::HandOver,
        Self::Close,
        Self::Reopen,
        Self::PutOutOfScope,
    ];

    /// The entry that it leaves in the history; none where it leaves the case alone.
    fn action(self) -> Option<&'static str> {
        match self {
            Self::Claim => Some("claimed"),
            Self::HandOver => Some("handed_over"),
            Self::Qualify => Some("qualified"),
            Self::PutOutOfScope => Some("out_of_scope"),
            Self::Close => Some("closed"),
            Self::Reopen => Some("reopened"),
            Self::Message | Self::Propose => None,
        }
    }
}

/// What somebody asked for, and what became of it.
#[derive(Clone, Debug)]
struct Done {
    subject: String,
    case_id: String,
    kind: Kind,
    /// Also what the message, the measure or the note says.
    request_id: String,
    /// The revision of the case in the answer; 0 of what leaves the case alone.
    acknowledged: Option<u64>,
}

#[derive(sqlx::FromRow)]
struct Entry {
    revision: i64,
    action: String,
    state: String,
    actor_role: Option<String>,
    actor_subject: Option<String>,
    note: String,
}

impl TestEnv {
    /// The work of one analyst.
    async fn work(&self, number: usize, ids: &[&str]) -> Vec<Done> {
        let who = TokenSpec::of(format!("ana-{number}")).role("analyst");
        let mut all = Vec::new();
        for step in 0..DEEDS {
            let case_id = ids[(number + number / 8 + step * 3) % ids.len()];
            let kind = match Kind::ALL[(number + step) % Kind::ALL.len()] {
                // Most cases go on for a while.
                Kind::PutOutOfScope if !number.is_multiple_of(3) => Kind::Qualify,
                kind => kind,
            };
            all.push(
                self.deed(&who, case_id, kind, (number + step).is_multiple_of(3))
                    .await,
            );
        }
        all
    }

    /// One deed, tried until it is acknowledged or refused; then sent again, as by a client
    /// that never saw the answer. Careful ones act on the case as they saw it.
    async fn deed(&self, who: &TokenSpec, case_id: &str, kind: Kind, careful: bool) -> Done {
        let done = |request_id: &str, acknowledged| Done {
            subject: who.subject.clone(),
            case_id: case_id.to_owned(),
            kind,
            request_id: request_id.to_owned(),
            acknowledged,
        };
        // The very same request until it is known what became of it.
        let mut request_id = Uuid::now_v7().to_string();
        let mut etag = self.etag(who, case_id, careful).await;
        loop {
            // The retry overtakes the first try, now and then.
            let send = || self.send(who, case_id, kind, &request_id, &etag);
            let (first, second) = tokio::join!(send(), send());
            match (first, second) {
                (Ok(revision), again) | (again, Ok(revision)) => {
                    if let Ok(again) = again {
                        assert_eq!(again, revision, "{kind:?} answers otherwise");
                    }
                    let later = send().await.expect("what was acknowledged stays so");
                    assert_eq!(later, revision, "{kind:?} answers otherwise later");
                    return done(&request_id, Some(revision));
                }
                (Err(first), Err(second)) => match (first.code(), second.code()) {
                    (Code::FailedPrecondition, Code::FailedPrecondition | Code::Aborted)
                    | (Code::Aborted, Code::FailedPrecondition) => return done(&request_id, None),
                    (Code::Aborted, Code::Aborted) if reason(&first) == "ETAG_MISMATCH" => {
                        request_id = Uuid::now_v7().to_string();
                        etag = self.etag(who, case_id, careful).await;
                    }
                    (
                        Code::Aborted | Code::Unavailable | Code::ResourceExhausted,
                        Code::Aborted | Code::Unavailable | Code::ResourceExhausted,
                    ) => {}
                    _ => panic!("{kind:?}: {first:?}, {second:?}"),
                },
            }
        }
    }

    /// The etag of a case for who is careful; none for others.
    async fn etag(&self, who: &TokenSpec, case_id: &str, careful: bool) -> String {
        if careful {
            self.get(who, case_id).await.unwrap().etag
        } else {
            String::new()
        }
    }

    async fn send(
        &self,
        who: &TokenSpec,
        case_id: &str,
        kind: Kind,
        request_id: &str,
        etag: &str,
    ) -> Result<u64, Status> {
        let (id, case_id, etag) = (request_id.to_owned(), case_id.to_owned(), etag.to_owned());
        let mut cases = self.case_client(who);
        let case = match kind {
            Kind::Claim => {
                let request = pb::ClaimCaseRequest {
                    request_id: id,
                    case_id,
                    etag,
                };
                cases.claim_case(request).await?.into_inner().case
            }
            Kind::HandOver => {
                let request = pb::HandOverCaseRequest {
                    note: id.clone(),
                    request_id: id,
                    case_id,
                    etag,
                    assignee: "ana-0".to_owned(),
                };
                cases.hand_over_case(request).await?.into_inner().case
            }
            Kind::Qualify | Kind::PutOutOfScope => {
                let template = if kind == Kind::Qualify {
                    in_scope(&case_id)
                } else {
                    out_of_scope(&case_id)
                };
                let request = pb::QualifyCaseRequest {
                    note: id.clone(),
                    request_id: id,
                    etag,
                    ..template
                };
                cases.qualify_case(request).await?.into_inner().case
            }
            Kind::Close => {
                let request = pb::CloseCaseRequest {
                    lessons_learned: id.clone(),
                    request_id: id,
                    case_id,
                    etag,
                };
                cases.close_case(request).await?.into_inner().case
            }
            Kind::Reopen => {
                let request = pb::ReopenCaseRequest {
                    note: id.clone(),
                    request_id: id,
                    case_id,
                    etag,
                };
                cases.reopen_case(request).await?.into_inner().case
            }
            Kind::Message => {
                let request = pb::PostMessageRequest {
                    text: id.clone(),
                    request_id: id,
                    case_id,
                    audience: pb::Audience::Structure.into(),
                };
                self.message_client(who).post_message(request).await?;
                None
            }
            Kind::Propose => {
                let draft = pb::MeasureDraft {
                    kind: proto::types::v1::MeasureKind::Emergency.into(),
                    title: id.clone(),
                    text: "Isoler".to_owned(),
                };
                let request = pb::ProposeMeasureRequest {
                    request_id: id,
                    case_id,
                    content: Some(pb::propose_measure_request::Content::Draft(draft)),
                    ..Default::default()
                };
                let mut measures = MeasureServiceClient::new(self.service.as_user(who));
                measures.propose_measure(request).await?;
                None
            }
        };
        Ok(case.map_or(0, |case| case.revision))
    }

    /// Each acknowledged command is the entry of the revision that it was answered with, the
    /// history has nothing else, and leads to the state in which the case is.
    async fn check_history(&self, id: &str, base: u64, done: &[&Done]) {
        let entries: Vec<Entry> = sqlx::query_as(
            "select revision, action, state, actor_role, actor_subject, note
             from case_entry where case_id = $1 order by revision",
        )
        .bind(id.parse::<Uuid>().unwrap())
        .fetch_all(&self.pool)
        .await
        .unwrap();
        let revisions: Vec<_> = entries.iter().map(|entry| entry.revision).collect();
        let without_gaps: Vec<i64> = (1..).take(entries.len()).collect();
        assert_eq!(revisions, without_gaps);

        let mut commands = BTreeMap::new();
        for deed in done {
            if let Some((action, revision)) = deed.kind.action().zip(deed.acknowledged) {
                let place = usize::try_from(revision - base).unwrap();
                let twice = commands.insert(place, (action, deed));
                assert!(
                    twice.is_none(),
                    "two commands were answered with {revision}"
                );
            }
        }
        let mut treatments = 0;
        for (entry, place) in entries.iter().zip(1..) {
            let by = entry.actor_subject.as_deref();
            match (commands.remove(&place), entry.action.as_str()) {
                (Some((action, deed)), _) => {
                    assert_eq!(
                        (action, Some(deed.subject.as_str())),
                        (entry.action.as_str(), by)
                    );
                    let says = !matches!(deed.kind, Kind::Claim | Kind::Close);
                    assert_eq!(entry.note.starts_with(&deed.request_id), says);
                }
                (None, "opened") => assert_eq!((place, by), (1, None)),
                // By the first measure on what is qualified.
                (None, "treatment_begun") => treatments += 1,
                (None, other) => panic!("{other} by {by:?} was acknowledged to nobody"),
            }
        }
        assert!(commands.is_empty(), "acknowledged and gone: {commands:?}");
        let proposed = |it: &&&Done| it.kind == Kind::Propose && it.acknowledged.is_some();
        assert!(treatments <= done.iter().filter(proposed).count());

        let steps = entries.iter().map(|entry| {
            let role = entry.actor_role.as_deref().map(Role::stored);
            let role = role.unwrap_or(Role::Service);
            (entry.action.as_str(), role, CaseState::stored(&entry.state))
        });
        let case = self.get(&analyst(), id).await.unwrap();
        assert_eq!(case.state, replayed(steps).unwrap().number());
        assert_eq!(case.revision - base, entries.len() as u64);
        let announced = self.announced(id).await;
        let announced: Vec<u64> = announced.iter().map(|it| it.revision - base).collect();
        assert_eq!(announced, (1..=entries.len() as u64).collect::<Vec<_>>());
    }

    /// Each acknowledged message and measure is there once, and no other.
    async fn check_contents(&self, id: &str, done: &[&Done]) {
        let acknowledged = |kind: Kind| -> Vec<String> {
            let of_kind = done.iter().filter(|it| it.kind == kind);
            let of_kind = of_kind.filter(|it| it.acknowledged.is_some());
            let all: BTreeSet<_> = of_kind.map(|it| it.request_id.clone()).collect();
            all.into_iter().collect()
        };
        let request = pb::ListMessagesRequest {
            case_id: id.to_owned(),
            page_size: 200,
            ..Default::default()
        };
        let messages = self.message_client(&analyst()).list_messages(request).await;
        let messages = messages.unwrap().into_inner().messages.into_iter();
        let mut texts: Vec<_> = messages.map(|message| message.text).collect();
        texts.sort();
        assert_eq!(texts, acknowledged(Kind::Message));

        let request = pb::ListMeasuresRequest {
            case_id: id.to_owned(),
            page_size: 200,
            ..Default::default()
        };
        let mut measures = MeasureServiceClient::new(self.service.as_user(&analyst()));
        let measures = measures.list_measures(request).await.unwrap().into_inner();
        let mut titles: Vec<_> = measures.measures.into_iter().map(|it| it.title).collect();
        titles.sort();
        assert_eq!(titles, acknowledged(Kind::Propose));
    }
}
