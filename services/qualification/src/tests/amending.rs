//! A report is amended, and its case follows.

use platform::SealingKey;
use prost::Message as _;
use proto::{events::v1 as events, qualification::v1 as pb, types::v1 as types};
use servicetest::MASTER_KEY;
use testkit::TokenSpec;
use uuid::Uuid;

use crate::tests::env::{Report, TestEnv, agent, analyst, in_scope, out_of_scope};

/// The same report with more text, care interrupted and a second region.
fn completed(report: &Report) -> Report {
    let mut completed = report.clone();
    let told = &mut completed.submitted;
    told.text.as_mut().unwrap().description = "Tout est chiffré".to_owned();
    told.assistance_requested = true;
    told.impacts = Some(types::Impacts {
        care: types::CareImpact::Interruption.into(),
        ..Default::default()
    });
    told.visible_to.extend(["ars:28", "dgs"].map(str::to_owned));
    completed
}

const PATHS: &[&str] = &["description", "impacts.care", "regions"];

fn actions(case: &pb::Case) -> Vec<&str> {
    let history = case.history.iter();
    history.map(|entry| entry.action.as_str()).collect()
}

#[tokio::test]
async fn the_case_of_an_amended_report_says_what_the_report_says_now() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let amended = completed(&report).amended(2, PATHS);
    env.announce(&[amended.clone(), amended.clone()]).await;
    env.announce(&[amended, report.event()]).await;
    env.settle(&report).await;

    let case = env.get(&analyst(), &opened.case_id).await.unwrap();
    assert_eq!(actions(&case), ["opened", "amended"]);
    assert_eq!(
        case.history[1].note,
        "Champs modifiés : description, impacts.care, regions"
    );
    assert_eq!(case.history[1].actor, "system");
    assert_eq!(case.state(), types::CaseState::Submitted);
    assert_eq!(case.description, "Tout est chiffré");
    assert!(case.assistance_requested);
    let proposed = case.proposed.unwrap();
    assert_eq!(
        proposed.impacts.unwrap().care(),
        types::CareImpact::Interruption
    );
    assert!(proposed.severity.unwrap().serious);
    assert_eq!(case.declarant.unwrap().name, "Dominique Martin");
    // The health authority and the second agency see it now, those of before still do.
    let authority = TokenSpec::of("dgs").role("health_authority");
    for user in [agent("76"), agent("28"), authority] {
        assert!(env.get(&user, &opened.case_id).await.is_ok());
    }

    let announced = env.announced(&opened.case_id).await;
    assert_eq!(announced.len(), 2);
    assert_eq!(announced[1].change(), events::CaseChange::Amended);
    assert_eq!(
        announced[1].impacts.as_ref().unwrap().care(),
        types::CareImpact::Interruption
    );
}

#[tokio::test]
async fn the_greatest_revision_wins() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let latest = completed(&report);
    let late = completed(&report).amended(2, PATHS);
    env.announce(&[latest.amended(3, &["description"]), late])
        .await;
    env.settle(&report).await;
    let case = env.get(&agent("76"), &opened.case_id).await.unwrap();
    assert_eq!(actions(&case), ["opened", "amended"]);
    assert_eq!(case.history[1].note, "Champs modifiés : description");
}

#[tokio::test]
async fn an_amendment_that_comes_again_after_a_restore_counts_anew_and_changes_nothing() {
    const BASE: u64 = 1_796_000_000;
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let completed = completed(&report);
    env.announce(&[completed.amended(2, PATHS)]).await;
    env.settle(&report).await;
    let before = env.get(&analyst(), &opened.case_id).await.unwrap();
    assert_eq!(actions(&before), ["opened", "amended"]);

    // The same event, of which the producer counts on from its restore.
    let mut again = completed.clone();
    again.event_id = Uuid::from_u128(report.event_id.as_u128() ^ u128::from(2 ^ (BASE + 2)));
    let mut outdated = completed;
    outdated.submitted.text.as_mut().unwrap().description = "Rien".to_owned();
    let outdated = outdated.amended(3, &["description"]);
    env.announce(&[again.amended(BASE + 2, PATHS), outdated])
        .await;
    env.settle(&report).await;
    let after = env.get(&analyst(), &opened.case_id).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(env.announced(&opened.case_id).await.len(), 2);
}

#[tokio::test]
async fn a_judgement_that_was_confirmed_holds() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let qualified = env
        .qualify(&analyst(), in_scope(&opened.case_id))
        .await
        .unwrap();
    env.announce(&[completed(&report).amended(2, PATHS)]).await;
    let case = env
        .case_where(&report, |case| case.history.len() == 3)
        .await;
    assert_eq!(case.state(), types::CaseState::Qualified);
    assert_eq!(case.confirmed, qualified.confirmed);
    assert_ne!(case.proposed, qualified.proposed);
    let announced = env.announced(&opened.case_id).await;
    let last = announced.last().unwrap();
    assert!(last.qualified);
    assert_eq!(last.origin(), types::Origin::Malicious);
    assert_eq!(last.impacts, Some(types::Impacts::default()));
    assert!(last.visible_to.contains(&"dgs".to_owned()));
}

#[tokio::test]
async fn what_comes_after_the_end_of_a_case_is_noted_and_kept() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    env.qualify(&analyst(), out_of_scope(&opened.case_id))
        .await
        .unwrap();
    env.announce(&[completed(&report).amended(2, PATHS)]).await;
    let case = env
        .case_where(&report, |case| case.history.len() == 3)
        .await;
    assert_eq!(case.state(), types::CaseState::OutOfScope);
    assert_eq!(case.history[2].action, "noted");
    assert!(
        case.history[2]
            .note
            .ends_with("description, impacts.care, regions")
    );
    assert_eq!(case.description, "Tout est chiffré");
}

#[tokio::test]
async fn an_amendment_that_comes_first_opens_the_case() {
    let env = TestEnv::start().await;
    let report = env.report();
    env.announce(&[completed(&report).amended(2, PATHS)]).await;
    env.submit(&report).await;
    env.settle(&report).await;
    let case = env
        .get(&analyst(), &report.submitted.reference)
        .await
        .unwrap();
    assert_eq!(actions(&case), ["opened"]);
    assert_eq!(case.description, "Tout est chiffré");
}

#[tokio::test]
async fn contacts_follow_and_are_erased_with_the_others() {
    let env = TestEnv::start().await;
    let report = env.report();
    env.open(&report).await;
    let mut moved = completed(&report);
    let master = SealingKey::from_bytes(MASTER_KEY);
    let key = master.unwrap_data_key(report.data_key.as_ref().unwrap());
    let contacts = events::SealedPersonalData {
        declarant: Some(events::Contact {
            family_name: "Durand".into(),
            email: "durand@example.org".into(),
            ..Default::default()
        }),
        alternate: None,
    };
    let purpose = [b"report:".as_slice(), report.id.as_bytes()].concat();
    let sealed = key.unwrap().seal(&purpose, &contacts.encode_to_vec());
    moved.submitted.sealed_personal_data = sealed.into();
    env.announce(&[moved.amended(2, &["declarant.family_name"])])
        .await;
    let named = |case: &pb::Case| {
        case.declarant
            .as_ref()
            .is_some_and(|it| it.name == "Durand")
    };
    env.case_where(&report, named).await;

    // A snapshot tells by their absence that they were erased.
    let erased = Report {
        data_key: None,
        ..moved
    };
    env.announce(&[erased.amended(2, &["declarant.family_name"])])
        .await;
    let case = env
        .case_where(&report, |case| case.declarant.is_none())
        .await;
    assert_eq!(actions(&case), ["opened", "amended"]);
}

#[tokio::test]
async fn after_a_restore_of_intake_a_case_goes_back_to_what_the_report_says_there() {
    let env = TestEnv::start().await;
    let report = env.report();
    let opened = env.open(&report).await;
    let amended = completed(&report).amended(2, PATHS);
    env.announce(std::slice::from_ref(&amended)).await;
    env.case_where(&report, |case| case.history.len() == 2)
        .await;

    // The amendment was lost: the report is told under the id it had, above all of before.
    let mut restored = report.clone();
    restored.submitted.revision = 1_796_079_601;
    env.announce(&[restored.event(), restored.event(), amended.clone()])
        .await;
    env.settle(&report).await;
    let case = env.get(&analyst(), &opened.case_id).await.unwrap();
    assert_eq!(actions(&case), ["opened", "amended", "amended"]);
    assert_eq!(
        case.history[2].note,
        "Déclaration initiale rétablie : son complément s'est perdu dans une restauration."
    );
    assert_eq!(case.description, opened.description);
    assert_eq!(case.proposed, opened.proposed);
    let announced = env.announced(&opened.case_id).await;
    assert_eq!(announced.len(), 3);
    assert_eq!(announced[2].impacts, announced[0].impacts);

    // An amendment that a restore kept is told under its id too.
    let kept = events::ReportAmended {
        report: Some(completed(&report).submitted),
        revision: 1_796_079_999,
        changed_paths: vec!["description".to_owned()],
        ..Default::default()
    };
    env.announce(&[amended.with_payload(&kept)]).await;
    let case = env
        .case_where(&report, |case| case.history.len() == 4)
        .await;
    assert_eq!(case.description, "Tout est chiffré");
}

#[tokio::test]
async fn a_case_whose_report_lost_nothing_in_a_restore_stays_as_it_is() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    let opened = env.open(&report).await;
    let late = completed(&report).amended(2, PATHS);
    report.submitted.revision = 1_796_079_601;
    // What comes late of the history that was lost amends it no more.
    env.announce(&[report.event(), late]).await;
    env.settle(&report).await;
    let case = env.get(&analyst(), &opened.case_id).await.unwrap();
    assert_eq!(case.history, opened.history);
    assert_eq!(case.description, opened.description);
    assert_eq!(env.announced(&opened.case_id).await.len(), 1);
}
