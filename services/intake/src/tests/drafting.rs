//! Drafts are kept for their author until they are sent.

mod ending;

use prost::Message as _;
use proto::{
    intake::v1::{
        Contact, DeleteDraftRequest, ReportDraft, SaveDraftRequest, SavedDraft, SubmitReportRequest,
    },
    types::v1::Impacts,
};
use service::request_hash;
use testkit::TokenSpec;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::{
    drafts::{described, finess, incident, seconds_ago},
    env::{TestEnv, User, reason, violations},
};

/// A draft about which almost everything is wrong or absent.
fn unfinished() -> ReportDraft {
    ReportDraft {
        kind: 99,
        structure: finess("0100"),
        declarant: Some(Contact {
            family_name: "  ".to_owned(),
            email: "direction@".to_owned(),
            ..Contact::default()
        }),
        found_at: Some(seconds_ago(-86_400)),
        description: "x".repeat(10_001),
        origin_types: vec![2, 2, 20],
        impacts: Some(Impacts {
            data: vec![1, 2],
            ..Impacts::default()
        }),
        ..ReportDraft::default()
    }
}

fn saving(draft_id: &str, draft: ReportDraft) -> SaveDraftRequest {
    SaveDraftRequest {
        request_id: Uuid::new_v4().to_string(),
        draft_id: draft_id.to_owned(),
        draft: Some(draft),
        etag: String::new(),
    }
}

fn deleting(draft_id: &str) -> DeleteDraftRequest {
    DeleteDraftRequest {
        request_id: Uuid::new_v4().to_string(),
        draft_id: draft_id.to_owned(),
    }
}

fn sending(draft_id: &str, draft: ReportDraft) -> SubmitReportRequest {
    SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        draft: Some(draft),
        draft_id: draft_id.to_owned(),
        ..SubmitReportRequest::default()
    }
}

async fn ids(who: &User) -> Vec<String> {
    let listed = who.drafts(0, "").await.unwrap().drafts;
    listed.into_iter().map(|draft| draft.draft_id).collect()
}

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

/// Makes all drafts as old as if they were last saved before so many days.
async fn age(env: &TestEnv, days: i32) {
    sqlx::query(
        "update draft set created_at = created_at - make_interval(days => $1),
                saved_at = saved_at - make_interval(days => $1)",
    )
    .bind(days)
    .execute(&env.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_draft_is_kept_as_it_is_however_unfinished() {
    let env = TestEnv::start().await;
    for who in [env.declarant("alice"), env.agent("84")] {
        for draft in [unfinished(), ReportDraft::default(), incident()] {
            let saved = who.save_draft(saving("", draft.clone())).await.unwrap();
            assert_eq!(saved.draft, Some(draft));
            assert_eq!(who.draft(&saved.draft_id).await.unwrap(), saved);
        }
        assert_eq!(ids(&who).await.len(), 3);
    }
    // Nothing is told to anybody.
    assert!(env.events().await.is_empty());
    let checked = env.declarant("alice").check(unfinished()).await.unwrap();
    assert!(checked.violations.len() > 5, "{:?}", checked.violations);
}

#[tokio::test]
async fn a_draft_is_gone_on_with_under_the_id_that_its_author_chose() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let id = Uuid::new_v4().to_string();
    let begun = alice.save_draft(saving(&id, unfinished())).await.unwrap();
    assert_eq!(begun.draft_id, id);
    assert_eq!(begun.created_at, begun.saved_at);
    let thirty_days = 30 * 86_400;
    let (saved, expires) = (begun.saved_at.unwrap(), begun.expires_at.unwrap());
    assert_eq!(expires.seconds - saved.seconds, thirty_days);

    let on = SaveDraftRequest {
        etag: begun.etag.clone(),
        ..saving(&id.to_uppercase(), incident())
    };
    let gone_on = alice.save_draft(on).await.unwrap();
    assert_ne!(gone_on.etag, begun.etag);
    assert_eq!(gone_on.created_at, begun.created_at);
    assert_eq!(alice.draft(&id).await.unwrap().draft, Some(incident()));
    assert_eq!(ids(&alice).await, [id]);
}

#[tokio::test]
async fn nobody_but_its_author_sees_or_changes_a_draft() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let own = alice.save_draft(saving("", incident())).await.unwrap();
    let id = own.draft_id.as_str();
    let seen = SaveDraftRequest {
        etag: own.etag.clone(),
        ..saving(id, unfinished())
    };
    // A colleague of the same structure, its agency, and a declarant from elsewhere.
    for other in [env.linked("bob"), env.agent("84"), env.declarant("mallory")] {
        assert!(ids(&other).await.is_empty());
        let refused = [
            other.draft(id).await.unwrap_err(),
            other.delete_draft(deleting(id)).await.unwrap_err(),
            other.save_draft(seen.clone()).await.unwrap_err(),
        ];
        assert!(refused.iter().all(|status| status.code() == Code::NotFound));
        // An id tells nobody that somebody else has it.
        other.save_draft(saving(id, unfinished())).await.unwrap();
        other.delete_draft(deleting(id)).await.unwrap();
    }
    let outcomes = env.audited("mallory").await;
    let outcomes: Vec<_> = outcomes
        .iter()
        .map(|(action, object, outcome)| {
            assert!(action == "draft.list" || object == &format!("draft/{id}"));
            (action.as_str(), outcome.as_str())
        })
        .collect();
    let expected = [
        ("draft.list", "done"),
        ("draft.get", "not_visible"),
        ("draft.delete", "not_visible"),
        ("draft.save", "not_visible"),
        ("draft.save", "done"),
        ("draft.delete", "done"),
    ];
    assert_eq!(outcomes, expected);

    for role in ["analyst", "security_officer", "importer", "operator"] {
        let status = env.with_role(role).draft(id).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{role}");
    }
    assert_eq!(alice.draft(id).await.unwrap(), own);
}

#[tokio::test]
async fn a_draft_that_changed_since_it_was_seen_is_not_replaced() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let seen = alice.save_draft(saving("", unfinished())).await.unwrap();
    let id = seen.draft_id.as_str();
    let on = |draft| SaveDraftRequest {
        etag: seen.etag.clone(),
        ..saving(id, draft)
    };
    let newer = incident();
    alice.save_draft(on(newer.clone())).await.unwrap();
    let status = alice.save_draft(on(unfinished())).await.unwrap_err();
    assert_eq!(told(&status), (Code::Aborted, "ETAG_MISMATCH".into()));
    assert_eq!(alice.draft(id).await.unwrap().draft, Some(newer));

    // Nor when it was erased and begun anew under its id.
    alice.delete_draft(deleting(id)).await.unwrap();
    let gone = alice.save_draft(on(unfinished())).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    alice.save_draft(saving(id, incident())).await.unwrap();
    let status = alice.save_draft(on(unfinished())).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
}

#[tokio::test]
async fn a_request_sent_again_is_done_once_and_answered_alike() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let request = saving("", unfinished());
    let saved = alice.save_draft(request.clone()).await.unwrap();
    let on = saving(&saved.draft_id, incident());
    let last = alice.save_draft(on).await.unwrap();
    assert_eq!(alice.save_draft(request.clone()).await.unwrap(), saved);
    assert_eq!(alice.draft(&saved.draft_id).await.unwrap(), last);
    let other = SaveDraftRequest {
        draft: Some(incident()),
        ..request
    };
    let reused = (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned());
    assert_eq!(told(&alice.save_draft(other).await.unwrap_err()), reused);

    let deletion = deleting(&saved.draft_id);
    alice.delete_draft(deletion.clone()).await.unwrap();
    alice.delete_draft(deletion.clone()).await.unwrap();
    let status = alice.draft(&saved.draft_id).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let other = DeleteDraftRequest {
        draft_id: Uuid::new_v4().to_string(),
        ..deletion
    };
    assert_eq!(told(&alice.delete_draft(other).await.unwrap_err()), reused);
    let again = alice.delete_draft(deleting(&saved.draft_id)).await;
    assert_eq!(again.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_author_keeps_twenty_drafts_and_no_more_also_of_those_saved_at_once() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let calls = (0..25).map(|_| alice.save_draft(saving("", ReportDraft::default())));
    let saved = futures::future::join_all(calls).await;
    let (kept, refused): (Vec<_>, Vec<_>) = saved.into_iter().partition(Result::is_ok);
    assert_eq!((kept.len(), refused.len()), (20, 5));
    for status in refused.into_iter().map(Result::unwrap_err) {
        let many = (Code::FailedPrecondition, "TOO_MANY_DRAFTS".to_owned());
        assert_eq!(told(&status), many);
    }
    let id = ids(&alice).await.swap_remove(0);
    alice.save_draft(saving(&id, incident())).await.unwrap();
    alice.delete_draft(deleting(&id)).await.unwrap();
    alice.save_draft(saving("", incident())).await.unwrap();
    // What is kept no longer does not count, also before it is erased.
    age(&env, 31).await;
    alice.save_draft(saving(&id, incident())).await.unwrap();
    let bob = env.declarant("bob");
    assert!(bob.save_draft(saving("", incident())).await.is_ok());
}

#[tokio::test]
async fn what_is_no_draft_is_refused_with_its_field_and_leaves_nothing() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let texts = |bytes: usize| {
        let text = "x".repeat(bytes / 2);
        let draft = ReportDraft {
            perimeter: text.clone(),
            systems: text,
            ..ReportDraft::default()
        };
        saving("", draft)
    };
    let large = texts(65_536 - 8);
    alice.save_draft(large).await.unwrap();
    let none = SaveDraftRequest {
        draft: None,
        ..saving("", incident())
    };
    let unnamed = SaveDraftRequest {
        request_id: String::new(),
        ..saving("", incident())
    };
    for (request, field, reason) in [
        (texts(65_536), "draft", "TOO_LONG"),
        (none, "draft", "REQUIRED"),
        (unnamed, "request_id", "REQUIRED"),
        (saving("17", incident()), "draft_id", "BAD_FORMAT"),
    ] {
        let status = alice.save_draft(request).await.unwrap_err();
        assert_eq!(violations(&status), [(field.to_owned(), reason.to_owned())]);
    }
    assert_eq!(ids(&alice).await.len(), 1);
    for id in ["", "SIG-2026-0000000"] {
        let status = alice.draft(id).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    let status = alice.drafts(0, "nonsense").await.unwrap_err();
    assert_eq!(violations(&status)[0].1, "INVALID_PAGE_TOKEN");

    let mallory = env.declarant("mallory");
    let status = mallory.send(sending("17", incident())).await.unwrap_err();
    let expected = ("draft_id".to_owned(), "BAD_FORMAT".to_owned());
    assert_eq!(violations(&status), [expected]);
    assert_eq!(env.count("select count(*) from report").await, 0);
}

#[tokio::test]
async fn drafts_are_paged_without_loss_the_last_saved_first() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let mut expected = Vec::new();
    for number in 0..7 {
        let draft = ReportDraft {
            description: number.to_string(),
            ..ReportDraft::default()
        };
        let saved = alice.save_draft(saving("", draft)).await.unwrap();
        expected.insert(0, saved);
    }
    let first: SavedDraft = expected.pop().unwrap();
    let again = alice
        .save_draft(saving(&first.draft_id, incident()))
        .await
        .unwrap();
    expected.insert(0, again);

    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = alice.drafts(3, &token).await.unwrap();
        assert!(page.drafts.len() <= 3);
        seen.extend(page.drafts);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn nothing_of_a_draft_rests_in_the_clear() {
    let env = TestEnv::start().await;
    let alice = env.as_user(&TokenSpec::of("alice").role("declarant"));
    let secret = "Cabinet du Lac";
    let draft = ReportDraft {
        structure: described(secret, "74"),
        description: secret.to_owned(),
        declarant: Some(Contact {
            family_name: secret.to_owned(),
            ..Contact::default()
        }),
        ..ReportDraft::default()
    };
    let saved = alice.save_draft(saving("", draft)).await.unwrap();
    alice.draft(&saved.draft_id).await.unwrap();
    alice.drafts(0, "").await.unwrap();
    let places = "select (select count(*) from draft
                          where position($1::bytea in sealed) > 0 or author like '%Lac%')
                       + (select count(*) from idempotency_key
                          where position($1::bytea in response) > 0)
                       + (select count(*) from audit_entry where detail::text like '%Lac%')
                       + (select count(*) from event)";
    let clear: i64 = sqlx::query_scalar(places)
        .bind(secret.as_bytes())
        .fetch_one(&env.pool)
        .await
        .unwrap();
    assert_eq!(clear, 0);

    // What was saved under another key is shown as such and hides nothing else.
    sqlx::query("update draft set wrapped_key = decode(repeat('00', 60), 'hex')")
        .execute(&env.pool)
        .await
        .unwrap();
    let readable = alice.save_draft(saving("", incident())).await.unwrap();
    let listed = alice.drafts(0, "").await.unwrap().drafts;
    let unreadable = SavedDraft {
        draft: None,
        ..saved
    };
    assert_eq!(listed, [readable, unreadable]);
}

#[tokio::test]
async fn what_a_draft_said_is_not_guessed_from_the_hash_of_its_request() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let request = saving(&Uuid::new_v4().to_string(), incident());
    alice.save_draft(request.clone()).await.unwrap();
    let guess = SaveDraftRequest {
        request_id: String::new(),
        ..request
    };
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("select request_hash from idempotency_key")
        .fetch_all(&env.pool)
        .await
        .unwrap();
    assert_eq!(kept.len(), 1);
    assert!(!kept.contains(&request_hash(&guess.encode_to_vec())));
}
