//! Cases that are handed over, found to be duplicates, and opened again.

use proto::{events::v1 as events, qualification::v1 as pb, types::v1 as types};
use testkit::{TokenSpec, eventually};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{
    TestEnv, agent, analyst, in_scope, out_of_scope, reason, second_analyst, violations,
};

#[tokio::test]
async fn a_case_that_is_handed_over_is_the_colleagues_own() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    env.claim(&analyst(), &id).await.unwrap();
    let case = env.hand_over(&analyst(), &id, "bo").await.unwrap();
    assert_eq!(case.assignee, "bo");
    assert_eq!(case.state(), types::CaseState::InQualification);
    let mine = pb::ListCasesRequest {
        mine_only: true,
        ..Default::default()
    };
    assert_eq!(env.list(&second_analyst(), mine.clone()).await.len(), 1);
    assert!(env.list(&analyst(), mine).await.is_empty());
    let history = env.get(&analyst(), &id).await.unwrap().history;
    let last = history.last().unwrap();
    assert_eq!(
        (
            last.action.as_str(),
            last.actor.as_str(),
            last.note.as_str()
        ),
        ("handed_over", "analyst:ana", "Garde de nuit")
    );
    let refused = env.hand_over(&analyst(), &id, " ").await.unwrap_err();
    let required = ("assignee".to_owned(), "REQUIRED".to_owned());
    assert_eq!(violations(&refused), [required]);
}

#[tokio::test]
async fn a_duplicate_ends_and_names_the_case_that_goes_on() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let original = env.open(&env.report()).await.case_id;
    let case = env.duplicate(&analyst(), &id, &original).await.unwrap();
    assert_eq!(case.state(), types::CaseState::Duplicate);
    assert_eq!(case.duplicate_of, original);
    let announced = env.announced(&id).await.pop().unwrap();
    assert_eq!(announced.change(), events::CaseChange::Duplicate);
    assert_eq!(announced.duplicate_of, original);
    // The other case may be another structure's.
    let seen = env.get(&agent("76"), &id).await.unwrap();
    assert_eq!(seen.duplicate_of, original);
    let declarant = TokenSpec::of("decl").role("declarant");
    let seen = env.get(&declarant, &id).await.unwrap();
    assert_eq!(seen.state(), types::CaseState::Duplicate);
    assert_eq!(seen.duplicate_of, "");
    let refused = env.claim(&analyst(), &id).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
}

#[tokio::test]
async fn a_duplicate_is_of_another_case_that_exists_and_is_none() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    let duplicate = env.open(&env.report()).await.case_id;
    let original = env.open(&env.report()).await.case_id;
    env.duplicate(&analyst(), &duplicate, &original)
        .await
        .unwrap();
    let unknown = Uuid::now_v7().to_string();
    for (of, why) in [
        (&unknown, "NOT_FOUND"),
        (&id, "CONFLICT"),
        (&duplicate, "CONFLICT"),
    ] {
        let refused = env.duplicate(&analyst(), &id, of).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let expected = ("duplicate_of".to_owned(), why.to_owned());
        assert_eq!(violations(&refused), [expected]);
    }
    let case = env.get(&analyst(), &id).await.unwrap();
    assert_eq!(case.state(), types::CaseState::Submitted);
}

#[tokio::test]
async fn two_cases_marked_at_once_are_not_duplicates_of_each_other() {
    let env = TestEnv::start().await;
    for _ in 0..5 {
        let first = env.open(&env.report()).await.case_id;
        let second = env.open(&env.report()).await.case_id;
        let (ana, bo) = (analyst(), second_analyst());
        let (one, other) = tokio::join!(
            env.duplicate(&ana, &first, &second),
            env.duplicate(&bo, &second, &first),
        );
        assert_eq!(
            usize::from(one.is_ok()) + usize::from(other.is_ok()),
            1,
            "{one:?} {other:?}"
        );
    }
}

#[tokio::test]
async fn what_the_cell_ended_it_opens_again_with_a_reason() {
    let env = TestEnv::start().await;
    let closed = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), in_scope(&closed)).await.unwrap();
    env.close(&analyst(), &closed).await.unwrap();
    let aside = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), out_of_scope(&aside)).await.unwrap();
    let duplicate = env.open(&env.report()).await.case_id;
    env.duplicate(&analyst(), &duplicate, &closed)
        .await
        .unwrap();
    let why = "Des données sont en ligne";
    // What was learned until then stays in the history.
    let with_lessons =
        format!("{why}\n\nRetour d'expérience de la clôture : Sauvegardes hors ligne");
    for (id, note) in [
        (&closed, with_lessons.as_str()),
        (&aside, why),
        (&duplicate, why),
    ] {
        let case = env.reopen(&second_analyst(), id).await.unwrap();
        assert_eq!(case.state(), types::CaseState::InQualification);
        assert_eq!((case.assignee.as_str(), case.closure), ("bo", None));
        assert_eq!(case.duplicate_of, "");
        let announced = env.announced(id).await.pop().unwrap();
        assert_eq!(announced.change(), events::CaseChange::Reopened);
        assert_eq!(announced.note, note);
        let history = env.get(&analyst(), id).await.unwrap().history;
        assert_eq!(history.last().unwrap().note, note);
    }
    // It is led to its end once more.
    env.qualify(&analyst(), in_scope(&closed)).await.unwrap();
    let case = env.close(&analyst(), &closed).await.unwrap();
    assert_eq!(case.state(), types::CaseState::Closed);
}

#[tokio::test]
async fn neither_a_withdrawn_case_nor_one_without_contacts_opens_again() {
    let env = TestEnv::start().await;
    let (withdrawn, erased) = (env.report(), env.report());
    let id = env.open(&withdrawn).await.case_id;
    env.withdraw(&withdrawn, "Fausse alerte").await;
    env.case_where(&withdrawn, |case| {
        case.state() == types::CaseState::Withdrawn
    })
    .await;
    let refused = env.reopen(&analyst(), &id).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "WRONG_STATE")
    );
    let id = env.open(&erased).await.case_id;
    env.qualify(&analyst(), out_of_scope(&id)).await.unwrap();
    env.announce(&[erased.contacts_erased()]).await;
    let gone = async || env.get(&analyst(), &id).await.unwrap().declarant.is_none();
    eventually(gone).await;
    let refused = env.reopen(&analyst(), &id).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "ERASED")
    );
}

#[tokio::test]
async fn a_proposal_tells_the_rules_that_fired_with_their_articles() {
    let env = TestEnv::start().await;
    let mut report = env.report();
    report.submitted.impacts = Some(types::Impacts {
        care: types::CareImpact::Interruption.into(),
        may_affect_others: true,
        ..types::Impacts::default()
    });
    let id = env.open(&report).await.case_id;
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let case = env.get(&analyst(), &id).await.unwrap();
    let fired = case.proposed.unwrap().fired_rules;
    let fired: Vec<_> = fired
        .iter()
        .map(|rule| (rule.reason(), rule.legal_basis.as_str()))
        .collect();
    assert_eq!(
        fired,
        [
            (
                types::SeverityReason::NormalOperation,
                "Art. D.1111-16-2 II, 3° CSP"
            ),
            (
                types::SeverityReason::OtherStructures,
                "Art. D.1111-16-2 II, 5° et III CSP"
            ),
        ]
    );
    // What the cell confirmed is its own judgement.
    assert!(case.confirmed.unwrap().fired_rules.is_empty());
}

#[tokio::test]
async fn a_case_tells_how_fast_it_was_led() {
    let env = TestEnv::start().await;
    let id = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let closed = env.close(&analyst(), &id).await.unwrap();
    let [contact, qualified, resolved, closure] =
        <[_; 4]>::try_from(env.get(&analyst(), &id).await.unwrap().milestones).unwrap();
    assert_eq!(contact.step(), pb::MilestoneStep::FirstContact);
    assert_eq!((contact.reached_at, contact.target_at), (None, None));
    // It was declared before the test runs, and promised within an hour.
    assert!(qualified.reached_at.is_some() && qualified.late);
    let declared = closed.declared_at.unwrap().seconds;
    assert_eq!(qualified.target_at.unwrap().seconds, declared + 3_600);
    assert_eq!(resolved.reached_at, None);
    assert_eq!(closure.reached_at, closed.closure.unwrap().closed_at);
}

impl TestEnv {
    async fn hand_over(&self, who: &TokenSpec, id: &str, to: &str) -> Result<pb::Case, Status> {
        let request = pb::HandOverCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: id.to_owned(),
            assignee: to.to_owned(),
            note: "Garde de nuit".to_owned(),
            ..Default::default()
        };
        let answer = self.case_client(who).hand_over_case(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// Marks a case as a duplicate of another.
    pub(crate) async fn duplicate(
        &self,
        who: &TokenSpec,
        id: &str,
        of: &str,
    ) -> Result<pb::Case, Status> {
        let request = pb::MarkCaseDuplicateRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: id.to_owned(),
            duplicate_of: of.to_owned(),
            ..Default::default()
        };
        let answer = self.case_client(who).mark_case_duplicate(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    async fn reopen(&self, who: &TokenSpec, id: &str) -> Result<pb::Case, Status> {
        let request = pb::ReopenCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: id.to_owned(),
            note: "Des données sont en ligne".to_owned(),
            ..Default::default()
        };
        let answer = self.case_client(who).reopen_case(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }
}
