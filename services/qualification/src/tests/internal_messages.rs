//! Notes internal to one organisation: seen by its own people, and by nobody else in any way.

use proto::qualification::v1 as pb;
use testkit::{TokenSpec, eventually};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{Report, TestEnv, agent, analyst, reason, second_analyst, violations};
use crate::tests::messages::{declarant, to_agencies, to_structure};

#[tokio::test]
async fn a_note_is_seen_by_the_colleagues_of_its_author_and_leaves_no_trace_for_anybody_else() {
    let env = TestEnv::start().await;
    let id = env.open(&followed_by_all(&env)).await.case_id;
    let colleague_76 = TokenSpec::of("agent-76b")
        .role("regional_agent")
        .region("76");
    let organisations = [
        (analyst(), second_analyst()),
        (agent("76"), colleague_76),
        (fssi(), TokenSpec::of("fssi-2").role("security_officer")),
    ];
    for (author, colleague) in &organisations {
        let others: Vec<TokenSpec> = everybody()
            .into_iter()
            .filter(|who| (&who.roles, &who.region) != (&author.roles, &author.region))
            .collect();
        let before = env.seen_by(&others, &id).await;
        let known = env.known_to_other_services().await;

        let text = format!("Note de {}", author.subject);
        let note = env.post(author, internal(&id, &text)).await.unwrap();
        assert_eq!((note.audience(), note.number), (pb::Audience::Internal, 1));

        assert_eq!(env.notes(colleague, &id).await.unwrap(), [text.as_str()]);
        assert_eq!(env.notes(author, &id).await.unwrap(), [text.as_str()]);
        // Not among the exchanges either, and nothing that waits to be read.
        assert!(env.texts(colleague, &id).await.is_empty());
        assert_eq!(env.get(colleague, &id).await.unwrap().unread_messages, 0);
        let after = env.seen_by(&others, &id).await;
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "after a note of {}", author.subject);
        }
        assert_eq!(env.known_to_other_services().await, known);
    }
    // The exchanges are numbered as if there were no notes.
    let first = env.post(&analyst(), to_structure(&id, "Bonjour")).await;
    assert_eq!(first.unwrap().number, 1);
    let second = env.post(&agent("76"), to_agencies(&id, "Bonjour")).await;
    assert_eq!(second.unwrap().number, 2);
}

#[tokio::test]
async fn who_keeps_no_notes_writes_and_reads_none() {
    let env = TestEnv::start().await;
    let id = env.open(&followed_by_all(&env)).await.case_id;
    let posted = env.post(&declarant(), internal(&id, "?")).await;
    let read = env.notes(&declarant(), &id).await;
    for refused in [posted.unwrap_err(), read.unwrap_err()] {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "AUDIENCE_NOT_YOURS")
        );
    }
    let refused = |action: &str| (action.to_owned(), id.clone(), "refused".to_owned());
    assert_eq!(
        env.audited("decl").await,
        [refused("message.post"), refused("message.list_internal")]
    );
    for role in ["health_authority", "integration", "importer", "prober"] {
        let who = TokenSpec::of("other").role(role).region("76");
        let posted = env.post(&who, internal(&id, "?")).await;
        assert_eq!(posted.unwrap_err().code(), Code::PermissionDenied, "{role}");
        let read = env.notes(&who, &id).await;
        assert_eq!(read.unwrap_err().code(), Code::PermissionDenied, "{role}");
    }
    // Of a case that an agency does not see it keeps no notes.
    let unseen = agent("84");
    let posted = env.post(&unseen, internal(&id, "?")).await;
    assert_eq!(posted.unwrap_err().code(), Code::NotFound);
    let read = env.notes(&unseen, &id).await;
    assert_eq!(read.unwrap_err().code(), Code::NotFound);
    assert_eq!(env.count("select count(*) from internal_message").await, 0);
}

#[tokio::test]
async fn notes_rest_sealed_are_posted_once_and_vanish_with_the_key_of_the_report() {
    let env = TestEnv::start().await;
    let report = followed_by_all(&env);
    let id = env.open(&report).await.case_id;
    let message = internal(&id, "Prévenir la direction");
    let first = env.post(&agent("76"), message.clone()).await.unwrap();
    let again = env.post(&agent("76"), message).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.author, "agent-76");
    let clear = env
        .count(
            "select (select count(*) from internal_message
                     where position(convert_to('direction', 'UTF8') in sealed_text) > 0)
                  + (select count(*) from idempotency_key
                     where position(convert_to('direction', 'UTF8') in response) > 0)",
        )
        .await;
    assert_eq!(clear, 0);
    assert_eq!(env.notes(&agent("76"), &id).await.unwrap().len(), 1);
    let audited = |action: &str| (action.to_owned(), id.clone(), "done".to_owned());
    let posted = audited("message.post");
    assert_eq!(
        env.audited("agent-76").await,
        [posted.clone(), posted, audited("message.list_internal")]
    );

    env.announce(&[report.contacts_erased()]).await;
    eventually(async || env.notes(&agent("76"), &id).await.unwrap() == [""]).await;
    let refused = env.post(&agent("76"), internal(&id, "?")).await;
    assert_eq!(reason(&refused.unwrap_err()), "ERASED");
}

#[tokio::test]
async fn notes_are_paged_and_their_token_opens_no_other_list() {
    let env = TestEnv::start().await;
    let id = env.open(&followed_by_all(&env)).await.case_id;
    for number in 1..=3 {
        let note = internal(&id, &format!("note {number}"));
        env.post(&analyst(), note).await.unwrap();
    }
    let page = |page_token: &str, internal| pb::ListMessagesRequest {
        case_id: id.clone(),
        page_size: 2,
        page_token: page_token.to_owned(),
        internal,
    };
    let mut client = env.message_client(&analyst());
    let first = client.list_messages(page("", true)).await.unwrap();
    let first = first.into_inner();
    let rest = client
        .list_messages(page(&first.next_page_token, true))
        .await;
    let rest = rest.unwrap().into_inner();
    let texts = first.messages.iter().chain(&rest.messages);
    let texts: Vec<_> = texts.map(|note| note.text.as_str()).collect();
    assert_eq!(texts, ["note 3", "note 2", "note 1"]);
    assert_eq!(rest.next_page_token, "");
    let other = client
        .list_messages(page(&first.next_page_token, false))
        .await;
    let refused = ("page_token".to_owned(), "INVALID_PAGE_TOKEN".to_owned());
    assert_eq!(violations(&other.unwrap_err()), [refused]);
}

impl TestEnv {
    async fn notes(&self, who: &TokenSpec, case_id: &str) -> Result<Vec<String>, Status> {
        let request = pb::ListMessagesRequest {
            case_id: case_id.to_owned(),
            internal: true,
            ..Default::default()
        };
        let listed = self.message_client(who).list_messages(request).await?;
        let notes = listed.into_inner().messages.into_iter();
        Ok(notes.map(|note| note.text).collect())
    }

    /// All that these people are shown of a case, one by one.
    async fn seen_by(&self, people: &[TokenSpec], case_id: &str) -> Vec<String> {
        let mut all = Vec::new();
        for who in people {
            let of_case = || case_id.to_owned();
            let mut cases = self.case_client(who);
            let got = cases
                .get_case(pb::GetCaseRequest { case_id: of_case() })
                .await;
            let listed = cases.list_cases(pb::ListCasesRequest::default()).await;
            let history = pb::ListCaseHistoryRequest {
                case_id: of_case(),
                ..Default::default()
            };
            let history = cases.list_case_history(history).await;
            let exchanges = self.messages(who, case_id).await;
            let notes = self.notes(who, case_id).await;
            all.push(format!(
                "{} sees {:?} {:?} {:?} {:?} {:?}",
                who.subject,
                got.map(tonic::Response::into_inner).map_err(|it| it.code()),
                listed
                    .map(tonic::Response::into_inner)
                    .map_err(|it| it.code()),
                history
                    .map(tonic::Response::into_inner)
                    .map_err(|it| it.code()),
                exchanges.map_err(|it| it.code()),
                notes.map_err(|it| it.code()),
            ));
        }
        all
    }

    /// What goes out of the service: events, work that tells somebody, and what snapshots
    /// are made of.
    async fn known_to_other_services(&self) -> (i64, i64, String) {
        let cases =
            sqlx::query_scalar("select jsonb_agg(case_file order by case_id)::text from case_file");
        let cases: String = cases.fetch_one(&self.pool).await.unwrap();
        let events = self.count("select count(*) from event").await;
        (events, self.count("select count(*) from job").await, cases)
    }
}

/// A report that everybody follows who may follow one.
fn followed_by_all(env: &TestEnv) -> Report {
    let mut report = env.report();
    let more = ["ars:75", "dgs", "importer:imp", "probe"];
    let more = more.map(str::to_owned);
    report.submitted.visible_to.extend(more);
    report
}

/// One of each kind that calls the service.
fn everybody() -> Vec<TokenSpec> {
    let of = |subject: &str, role: &str| TokenSpec::of(subject).role(role);
    vec![
        declarant(),
        analyst(),
        agent("76"),
        agent("75"),
        agent("84"),
        fssi(),
        of("dgs", "health_authority"),
        of("soc", "integration").region("76"),
        of("imp", "importer"),
        of("probe", "prober"),
    ]
}

fn fssi() -> TokenSpec {
    TokenSpec::of("fssi").role("security_officer")
}

fn internal(case_id: &str, text: &str) -> pb::PostMessageRequest {
    pb::PostMessageRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        audience: pb::Audience::Internal.into(),
        text: text.to_owned(),
    }
}
