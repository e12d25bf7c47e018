//! The exchanges on a case.

use prost::Message as _;
use proto::{events::v1 as events, qualification::v1 as pb, types::v1 as types};
use testkit::{TokenSpec, eventually};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{TestEnv, agent, analyst, reason, violations};

#[tokio::test]
async fn a_message_reaches_its_audience_and_nobody_else() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let asked = "Quels serveurs sont touchés ?";
    env.post(&analyst(), to_structure(&id, asked))
        .await
        .unwrap();
    env.post(&declarant(), to_structure(&id, "Le dossier patient"))
        .await
        .unwrap();
    let among = "Transferts à prévoir vers Montpellier";
    env.post(&agent("76"), to_agencies(&id, among))
        .await
        .unwrap();

    let all = [among, "Le dossier patient", asked];
    let fssi = TokenSpec::of("fssi").role("security_officer");
    for who in [analyst(), fssi, agent("76")] {
        assert_eq!(env.texts(&who, &id).await, all, "{}", who.subject);
    }
    assert_eq!(env.texts(&declarant(), &id).await, all[1..]);

    let seen = env.messages(&analyst(), &id).await.unwrap();
    let last = &seen.messages[0];
    assert_eq!((last.number, last.author.as_str()), (3, "agent-76"));
    assert_eq!(last.author_role(), types::Role::RegionalAgent);
    assert_eq!(last.audience(), pb::Audience::Agencies);
    // Who wrote is the cell's to know, in which role is everybody's.
    let seen = env.messages(&declarant(), &id).await.unwrap();
    let first = seen.messages.last().unwrap();
    assert_eq!(
        (first.author.as_str(), first.author_role()),
        ("", types::Role::Analyst)
    );
}

#[tokio::test]
async fn a_declarant_does_not_write_to_the_agencies_alone() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let refused = env
        .post(&declarant(), to_agencies(&id, "?"))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "AUDIENCE_NOT_YOURS")
    );
    assert!(env.texts(&analyst(), &id).await.is_empty());
    assert_eq!(
        env.audited("decl").await,
        [("message.post".into(), id, "refused".into())]
    );
}

#[tokio::test]
async fn a_case_that_one_may_not_see_has_no_messages_to_read_or_to_write() {
    let env = TestEnv::start().await;
    let case = env.open(&env.report()).await;
    let unknown = Uuid::now_v7().to_string();
    for id in [&case.case_id, &unknown] {
        let posted = env.post(&agent("75"), to_agencies(id, "?")).await;
        assert_eq!(posted.unwrap_err().code(), Code::NotFound);
        let listed = env.messages(&agent("75"), id).await;
        assert_eq!(listed.unwrap_err().code(), Code::NotFound);
    }
    let outcome = |action: &str, id: &String| (action.into(), id.clone(), "not_visible".into());
    let expected = [&case.case_id, &unknown]
        .map(|id| [outcome("message.post", id), outcome("message.list", id)]);
    assert_eq!(env.audited("agent-75").await, expected.concat());
}

#[tokio::test]
async fn a_message_sent_again_is_posted_once_and_answered_alike() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let message = to_structure(&id, "Sauvegardes saines ?");
    let first = env.post(&analyst(), message.clone()).await.unwrap();
    let again = env.post(&analyst(), message.clone()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(first.text, "Sauvegardes saines ?");
    assert_eq!(env.texts(&analyst(), &id).await.len(), 1);
    let other = pb::PostMessageRequest {
        text: "Autre".into(),
        ..message
    };
    let refused = env.post(&analyst(), other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn messages_posted_at_once_are_numbered_without_gaps_and_paged_without_loss() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let texts: Vec<String> = (0..25).map(|n| format!("message {n}")).collect();
    let posts = texts
        .iter()
        .map(async |text| env.post(&analyst(), to_structure(&id, text)).await);
    for posted in futures::future::join_all(posts).await {
        posted.unwrap();
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListMessagesRequest {
            case_id: id.clone(),
            page_size: 10,
            page_token: token,
            ..Default::default()
        };
        let page = env.message_client(&analyst()).list_messages(request).await;
        let page = page.unwrap().into_inner();
        assert!(page.messages.len() <= 10);
        seen.extend(page.messages);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let numbers: Vec<u64> = seen.iter().map(|message| message.number).collect();
    assert_eq!(numbers, (1..=25).rev().collect::<Vec<_>>());
    let mut found: Vec<_> = seen.into_iter().map(|message| message.text).collect();
    let mut texts = texts;
    found.sort();
    texts.sort();
    assert_eq!(found, texts);
}

#[tokio::test]
async fn a_message_is_announced_to_its_readers_without_what_it_says() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.visible_to.push("dgs".into());
    let id = env.open(&report).await.case_id;
    let secret = "Le mot de passe du coffre a fuité";
    let told = env
        .post(&declarant(), to_structure(&id, secret))
        .await
        .unwrap();
    env.post(&agent("76"), to_agencies(&id, secret))
        .await
        .unwrap();

    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "select payload from event where event_type = 'vigie.case.message_posted.v1'
         order by recorded_at",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    let announced: Vec<_> = rows
        .iter()
        .map(|payload| events::CaseMessagePosted::decode(payload.as_slice()).unwrap())
        .collect();
    assert_eq!(announced[0].message_id, told.message_id);
    assert_eq!(announced[0].reference, report.submitted.reference);
    assert_eq!(announced[0].author_role(), types::Role::Declarant);
    let (agencies, structure) = (
        ["ars:76", "cell", "fssi"],
        ["structure:finess:010000024", "subject:decl"],
    );
    assert_eq!(
        announced[0].visible_to,
        [&agencies[..], &structure[..]].concat()
    );
    assert!(announced[0].to_structure);
    assert_eq!(announced[1].visible_to, agencies);
    assert!(!announced[1].to_structure);

    // Neither the log, nor the table, nor what is kept for retries holds the text.
    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from case_message
                 where position(convert_to($1, 'UTF8') in sealed_text) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind(secret)
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);
}

#[tokio::test]
async fn erasure_takes_the_texts_and_ends_the_conversation() {
    let env = TestEnv::start().await;
    let report = env.report();
    let id = env.open(&report).await.case_id;
    env.post(&declarant(), to_structure(&id, "Je suis joignable"))
        .await
        .unwrap();
    env.announce(&[report.contacts_erased()]).await;
    eventually(async || env.messages(&analyst(), &id).await.unwrap().messages[0].erased).await;
    assert_eq!(env.texts(&analyst(), &id).await, [""]);
    let refused = env
        .post(&analyst(), to_structure(&id, "Bonjour"))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "ERASED")
    );
}

#[tokio::test]
async fn a_malformed_message_is_refused_with_its_fields() {
    let env = TestEnv::start().await;
    let nobody = Uuid::nil().to_string();
    let valid = to_structure(&nobody, "texte");
    let cases: [(pb::PostMessageRequest, &[(&str, &str)]); 5] = [
        (
            pb::PostMessageRequest::default(),
            &[
                ("request_id", "REQUIRED"),
                ("case_id", "REQUIRED"),
                ("audience", "REQUIRED"),
                ("text", "REQUIRED"),
            ],
        ),
        (
            pb::PostMessageRequest {
                audience: 9,
                ..valid.clone()
            },
            &[("audience", "UNKNOWN_VALUE")],
        ),
        (
            pb::PostMessageRequest {
                text: " \n ".into(),
                ..valid.clone()
            },
            &[("text", "REQUIRED")],
        ),
        (
            pb::PostMessageRequest {
                text: "x".repeat(10_001),
                ..valid.clone()
            },
            &[("text", "TOO_LONG")],
        ),
        (
            pb::PostMessageRequest {
                text: "a\u{7}b".into(),
                ..valid
            },
            &[("text", "BAD_CHARACTER")],
        ),
    ];
    for (request, expected) in cases {
        let refused = env.post(&analyst(), request).await.unwrap_err();
        let told = violations(&refused);
        let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
        assert_eq!(told, expected);
    }
}

impl TestEnv {
    pub(super) async fn post(
        &self,
        who: &TokenSpec,
        message: pb::PostMessageRequest,
    ) -> Result<pb::Message, Status> {
        let posted = self
            .message_client(who)
            .post_message(message)
            .await?
            .into_inner();
        Ok(posted.message.unwrap())
    }

    pub(super) async fn messages(
        &self,
        who: &TokenSpec,
        case_id: &str,
    ) -> Result<pb::ListMessagesResponse, Status> {
        let request = pb::ListMessagesRequest {
            case_id: case_id.to_owned(),
            ..Default::default()
        };
        let listed = self.message_client(who).list_messages(request).await?;
        Ok(listed.into_inner())
    }

    pub(super) async fn texts(&self, who: &TokenSpec, case_id: &str) -> Vec<String> {
        let listed = self.messages(who, case_id).await.unwrap();
        listed
            .messages
            .into_iter()
            .map(|message| message.text)
            .collect()
    }
}

pub(super) fn declarant() -> TokenSpec {
    TokenSpec::of("decl").role("declarant")
}

pub(super) fn to_structure(case_id: &str, text: &str) -> pb::PostMessageRequest {
    pb::PostMessageRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case_id.to_owned(),
        audience: pb::Audience::Structure.into(),
        text: text.to_owned(),
    }
}

pub(super) fn to_agencies(case_id: &str, text: &str) -> pb::PostMessageRequest {
    pb::PostMessageRequest {
        audience: pb::Audience::Agencies.into(),
        ..to_structure(case_id, text)
    }
}
