//! How drafts end.

use platform::now;
use proto::intake::v1::SubmitReportRequest;
use time::Duration;
use tonic::Code;
use uuid::Uuid;

use super::{age, deleting, ids, saving, sending, unfinished};
use crate::{
    drafts::erase_expired,
    tests::{drafts::incident, env::TestEnv},
};

#[tokio::test]
async fn a_draft_is_gone_thirty_days_after_it_was_last_saved() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let old = alice.save_draft(saving("", incident())).await.unwrap();
    age(&env, 1).await;
    let newer = alice.save_draft(saving("", unfinished())).await.unwrap();
    age(&env, 29).await;

    // Nobody sees it any more, also before it is erased.
    assert_eq!(ids(&alice).await, std::slice::from_ref(&newer.draft_id));
    for status in [
        alice.draft(&old.draft_id).await.unwrap_err(),
        alice
            .delete_draft(deleting(&old.draft_id))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(status.code(), Code::NotFound);
    }
    assert_eq!(env.count("select count(*) from draft").await, 2);
    assert_eq!(erase_expired(&env.pool, now()).await.unwrap(), 1);
    assert_eq!(env.count("select count(*) from draft").await, 1);

    // Saved again it is kept anew.
    let again = saving(&newer.draft_id, incident());
    alice.save_draft(again).await.unwrap();
    let later = now() + Duration::days(29);
    assert_eq!(erase_expired(&env.pool, later).await.unwrap(), 0);
    let later = later + Duration::days(2);
    assert_eq!(erase_expired(&env.pool, later).await.unwrap(), 1);
}

#[tokio::test]
async fn a_draft_goes_with_the_receipt_of_its_report_and_no_other_does() {
    let env = TestEnv::start().await;
    let (alice, bob) = (env.declarant("alice"), env.declarant("bob"));
    let sent = alice.save_draft(saving("", incident())).await.unwrap();
    let id = sent.draft_id.as_str();
    let other = alice.save_draft(saving("", incident())).await.unwrap();
    let of_bob = bob.save_draft(saving(id, incident())).await.unwrap();

    // What is refused is kept.
    let refused = alice.send(sending(id, unfinished())).await;
    assert_eq!(refused.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(alice.draft(id).await.unwrap(), sent);

    let request = sending(id, incident());
    let receipt = alice.send(request.clone()).await.unwrap();
    assert_eq!(alice.draft(id).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(ids(&alice).await, [other.draft_id]);
    assert_eq!(bob.draft(id).await.unwrap(), of_bob);
    assert_eq!(alice.send(request).await.unwrap(), receipt);
    // One that is not there keeps nothing from being declared.
    let elsewhere = Uuid::new_v4().to_string();
    assert!(alice.send(sending(&elsewhere, incident())).await.is_ok());

    let details: Vec<Option<String>> = sqlx::query_scalar(
        "select detail ->> 'draft' from audit_entry where action = 'report.submit'
         order by audit_entry_id limit 1",
    )
    .fetch_all(&env.pool)
    .await
    .unwrap();
    assert_eq!(details, [Some(id.to_owned())]);
}

#[tokio::test]
async fn a_draft_that_was_saved_again_since_it_was_sent_is_kept() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let seen = alice.save_draft(saving("", incident())).await.unwrap();
    let id = seen.draft_id.as_str();
    let newer = alice.save_draft(saving(id, unfinished())).await.unwrap();
    let of = |etag: &str| SubmitReportRequest {
        draft_etag: etag.to_owned(),
        ..sending(id, incident())
    };
    // The report is taken all the same; what no save ever had is not what is kept either.
    for etag in [seen.etag.as_str(), "17", "yesterday"] {
        let request = of(etag);
        let receipt = alice.send(request.clone()).await.unwrap();
        assert_eq!(alice.draft(id).await.unwrap(), newer, "{etag}");
        // Nor does the same request erase it that comes again.
        assert_eq!(alice.send(request).await.unwrap(), receipt);
        assert_eq!(alice.draft(id).await.unwrap(), newer, "{etag}");
    }
    alice.send(of(&newer.etag)).await.unwrap();
    assert_eq!(alice.draft(id).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_declaration_waits_for_no_draft_that_is_being_saved() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let saved = alice.save_draft(saving("", incident())).await.unwrap();
    let mut saving = env.pool.begin().await.unwrap();
    sqlx::query("select from draft for update")
        .execute(&mut *saving)
        .await
        .unwrap();
    let request = sending(&saved.draft_id, incident());
    alice.send(request).await.unwrap();
    saving.rollback().await.unwrap();
    assert_eq!(alice.draft(&saved.draft_id).await.unwrap(), saved);
}
