//! One cause, many structures.

mod many;

use std::collections::BTreeSet;

use proto::{
    events::v1 as events,
    qualification::v1::{self as pb, cause_service_client::CauseServiceClient},
};
use testkit::TokenSpec;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::tests::env::{
    Report, TestEnv, agent, analyst, in_scope, out_of_scope, reason, second_analyst, violations,
};

#[tokio::test]
async fn an_attached_case_names_its_parent_to_all_but_the_structure_and_goes_on() {
    let env = TestEnv::start().await;
    let parent = env.open(&env.report()).await.case_id;
    let id = env.open(&env.report()).await.case_id;
    let case = env.attach(&analyst(), &id, &parent).await.unwrap();
    assert_eq!(case.parent_case_id, parent);
    assert_eq!(case.description, "Serveurs chiffrés depuis la nuit");
    let announced = env.announced(&id).await.pop().unwrap();
    assert_eq!(announced.change(), events::CaseChange::Attached);
    assert_eq!(announced.parent_case_id, parent);
    assert_eq!(announced.note, "Même hébergeur");
    let last = case_of(&env, &analyst(), &id).await.history.pop().unwrap();
    assert_eq!(
        (
            last.action.as_str(),
            last.actor.as_str(),
            last.note.as_str()
        ),
        ("attached", "analyst:ana", "Même hébergeur")
    );
    for (who, seen) in [(agent("76"), true), (declarant(), false)] {
        let child = case_of(&env, &who, &id).await;
        assert_eq!(
            child.parent_case_id,
            if seen { parent.as_str() } else { "" }
        );
        assert_eq!(
            case_of(&env, &who, &parent).await.children,
            u64::from(seen),
            "{}",
            who.subject
        );
    }
    // It is led to its end as any other.
    env.qualify(&analyst(), in_scope(&id)).await.unwrap();
    let closed = env.close(&analyst(), &id).await.unwrap();
    assert_eq!(closed.parent_case_id, parent);
}

#[tokio::test]
async fn a_case_that_is_detached_has_no_parent_any_more() {
    let env = TestEnv::start().await;
    let parent = env.open(&env.report()).await.case_id;
    let id = env.open(&env.report()).await.case_id;
    let refused = env.detach(&analyst(), &id).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "NOT_ATTACHED")
    );
    env.attach(&analyst(), &id, &parent).await.unwrap();
    let case = env.detach(&second_analyst(), &id).await.unwrap();
    assert_eq!(case.parent_case_id, "");
    let announced = env.announced(&id).await.pop().unwrap();
    assert_eq!(announced.change(), events::CaseChange::Detached);
    assert_eq!(announced.parent_case_id, "");
    assert_eq!(case_of(&env, &analyst(), &parent).await.children, 0);
}

#[tokio::test]
async fn attached_where_it_is_already_a_case_stays_as_it_is_and_elsewhere_it_moves() {
    let env = TestEnv::start().await;
    let first = env.open(&env.report()).await.case_id;
    let second = env.open(&env.report()).await.case_id;
    let id = env.open(&env.report()).await.case_id;
    let attached = env.attach(&analyst(), &id, &first).await.unwrap();
    let again = env.attach(&analyst(), &id, &first).await.unwrap();
    assert_eq!(again.etag, attached.etag);
    let moved = env.attach(&analyst(), &id, &second).await.unwrap();
    assert_eq!(moved.parent_case_id, second);
    assert_eq!(case_of(&env, &analyst(), &first).await.children, 0);
    assert_eq!(case_of(&env, &analyst(), &second).await.children, 1);
}

#[tokio::test]
async fn there_is_one_level() {
    let env = TestEnv::start().await;
    let parent = env.open(&env.report()).await.case_id;
    let child = env.open(&env.report()).await.case_id;
    let other = env.open(&env.report()).await.case_id;
    env.attach(&analyst(), &child, &parent).await.unwrap();
    let refused = env.attach(&analyst(), &parent, &other).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "HAS_CHILDREN")
    );
    let unknown = Uuid::now_v7().to_string();
    for (to, why) in [
        (&child, "CONFLICT"),
        (&other, "CONFLICT"),
        (&unknown, "NOT_FOUND"),
    ] {
        let refused = env.attach(&analyst(), &other, to).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let expected = ("parent_case_id".to_owned(), why.to_owned());
        assert_eq!(violations(&refused), [expected], "{to}");
    }
    let refused = env.attach(&analyst(), &unknown, &parent).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    env.qualify(&analyst(), out_of_scope(&other)).await.unwrap();
    let refused = env.attach(&analyst(), &other, &parent).await.unwrap_err();
    assert_eq!(reason(&refused), "WRONG_STATE");
}

#[tokio::test]
async fn a_case_that_ended_leads_no_other_and_one_that_leads_others_is_no_duplicate() {
    let env = TestEnv::start().await;
    let ended = env.open(&env.report()).await.case_id;
    env.qualify(&analyst(), out_of_scope(&ended)).await.unwrap();
    let id = env.open(&env.report()).await.case_id;
    let refused = env.attach(&analyst(), &id, &ended).await.unwrap_err();
    let expected = ("parent_case_id".to_owned(), "CONFLICT".to_owned());
    assert_eq!(violations(&refused), [expected]);

    let parent = env.open(&env.report()).await.case_id;
    let original = env.open(&env.report()).await.case_id;
    env.attach(&analyst(), &id, &parent).await.unwrap();
    let refused = env.duplicate(&analyst(), &parent, &original).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "HAS_ATTACHED_CASES")
    );
    env.detach(&analyst(), &id).await.unwrap();
    let marked = env.duplicate(&analyst(), &parent, &original).await;
    assert_eq!(marked.unwrap().duplicate_of, original);
}

#[tokio::test]
async fn two_cases_attached_at_once_to_each_other_make_one_parent() {
    let env = TestEnv::start().await;
    for _ in 0..5 {
        let first = env.open(&env.report()).await.case_id;
        let second = env.open(&env.report()).await.case_id;
        let (ana, bo) = (analyst(), second_analyst());
        let (one, other) = tokio::join!(
            env.attach(&ana, &first, &second),
            env.attach(&bo, &second, &first),
        );
        assert_eq!(
            usize::from(one.is_ok()) + usize::from(other.is_ok()),
            1,
            "{one:?} {other:?}"
        );
    }
}

#[tokio::test]
async fn a_declaration_that_names_a_report_its_author_sees_opens_attached_to_its_case() {
    let env = TestEnv::start().await;
    let named = env.report();
    let parent = env.open(&named).await.case_id;
    let case = env.open(&naming(&named, env.report())).await;
    assert_eq!(case.parent_case_id, parent);
    assert_eq!(case.cause_reference, named.submitted.reference);
    let opened = &case.history[0];
    assert_eq!(opened.action, "opened");
    assert_eq!(
        opened.note,
        format!("Rattaché au dossier {}.", named.submitted.reference)
    );
    let announced = env.announced(&case.case_id).await;
    assert_eq!(announced.len(), 1);
    assert_eq!(announced[0].parent_case_id, parent);
    // One that names the child is not attached to it: there is one level.
    let child = Report {
        id: case.report_id.parse().unwrap(),
        submitted: events::ReportSubmitted {
            report_id: case.report_id.clone(),
            reference: case.reference.clone(),
            ..named.submitted.clone()
        },
        ..named
    };
    let grandchild = env.open(&naming(&child, env.report())).await;
    assert_eq!(grandchild.parent_case_id, "");
    assert_eq!(grandchild.cause_reference, case.reference);
}

#[tokio::test]
async fn what_names_a_report_that_its_author_does_not_see_is_a_suggestion() {
    let env = TestEnv::start().await;
    let cause = env.report();
    let parent = env.open(&cause).await.case_id;
    let mut unseen = naming(&cause, env.report());
    unseen.submitted.cause_report_id = String::new();
    let suggested = env.open(&unseen).await.case_id;
    // Its case may be opened after the one that names its report.
    let later = env.report();
    let early = env.open(&naming(&later, env.report())).await.case_id;
    let late = env.open(&later).await.case_id;
    for (case, id) in [(&parent, &suggested), (&late, &early)] {
        assert_eq!(case_of(&env, &analyst(), id).await.parent_case_id, "");
        assert!(env.attached(&analyst(), case, false).await.is_empty());
        let found = env.attached(&analyst(), case, true).await;
        assert_eq!(found, std::slice::from_ref(id));
        env.attach(&analyst(), id, case).await.unwrap();
        assert!(env.attached(&analyst(), case, true).await.is_empty());
        assert_eq!(
            env.attached(&analyst(), case, false).await,
            std::slice::from_ref(id)
        );
    }
}

#[tokio::test]
async fn each_sees_the_attached_cases_that_it_sees_anyway() {
    let env = TestEnv::start().await;
    let cause = env.report();
    let parent = env.open(&cause).await.case_id;
    let mut elsewhere = naming(&cause, env.report());
    elsewhere.submitted.visible_to = ["cell", "fssi", "ars:28"].map(str::to_owned).to_vec();
    let elsewhere = env.open(&elsewhere).await.case_id;
    let mut here = BTreeSet::new();
    for _ in 0..3 {
        here.insert(env.open(&naming(&cause, env.report())).await.case_id);
    }
    let seen = env.attached(&agent("76"), &parent, false).await;
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), here);
    let mut all: Vec<_> = here.iter().cloned().chain([elsewhere]).collect();
    all.sort_by(|one, other| other.cmp(one));
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListAttachedCasesRequest {
            case_id: cause.submitted.reference.clone(),
            page_size: 3,
            page_token,
            suggested: false,
        };
        let mut service = env.cause_client(&analyst());
        let page = service.list_attached_cases(request).await.unwrap();
        let page = page.into_inner();
        pages.extend(page.cases.into_iter().map(|case| case.case_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, all);
    let request = pb::ListAttachedCasesRequest {
        case_id: parent,
        ..Default::default()
    };
    let mut service = env.cause_client(&agent("28"));
    let refused = service.list_attached_cases(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn a_retry_is_answered_alike_and_an_old_etag_changes_nothing() {
    let env = TestEnv::start().await;
    let parent = env.open(&env.report()).await.case_id;
    let case = env.open(&env.report()).await;
    env.claim(&analyst(), &case.case_id).await.unwrap();
    let mut service = env.cause_client(&analyst());
    let stale = pb::AttachCaseRequest {
        request_id: Uuid::now_v7().to_string(),
        case_id: case.case_id.clone(),
        etag: case.etag,
        parent_case_id: parent.clone(),
        note: String::new(),
    };
    let refused = service.attach_case(stale.clone()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let request = pb::AttachCaseRequest {
        etag: String::new(),
        ..stale
    };
    let first = service.attach_case(request.clone()).await.unwrap();
    let again = service.attach_case(request.clone()).await.unwrap();
    assert_eq!(again.into_inner(), first.into_inner());
    let other = pb::AttachCaseRequest {
        note: "Autre".to_owned(),
        ..request
    };
    let refused = service.attach_case(other).await.unwrap_err();
    assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
    let malformed = service.detach_case(pb::DetachCaseRequest::default()).await;
    let told = violations(&malformed.unwrap_err());
    let told: Vec<_> = told.iter().map(|(f, r)| (f.as_str(), r.as_str())).collect();
    assert_eq!(told, [("request_id", "REQUIRED"), ("case_id", "REQUIRED")]);
}

impl TestEnv {
    fn cause_client(&self, who: &TokenSpec) -> CauseServiceClient<servicetest::AuthorizedChannel> {
        CauseServiceClient::new(self.service.as_user(who))
    }

    async fn attach(&self, who: &TokenSpec, id: &str, to: &str) -> Result<pb::Case, Status> {
        let request = pb::AttachCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: id.to_owned(),
            etag: String::new(),
            parent_case_id: to.to_owned(),
            note: "Même hébergeur".to_owned(),
        };
        let answer = self.cause_client(who).attach_case(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    async fn detach(&self, who: &TokenSpec, id: &str) -> Result<pb::Case, Status> {
        let request = pb::DetachCaseRequest {
            request_id: Uuid::now_v7().to_string(),
            case_id: id.to_owned(),
            ..Default::default()
        };
        let answer = self.cause_client(who).detach_case(request).await?;
        Ok(answer.into_inner().case.unwrap())
    }

    /// The ids of the cases attached to one, or suggested for it.
    async fn attached(&self, who: &TokenSpec, id: &str, suggested: bool) -> Vec<String> {
        let request = pb::ListAttachedCasesRequest {
            case_id: id.to_owned(),
            page_size: 200,
            page_token: String::new(),
            suggested,
        };
        let answer = self.cause_client(who).list_attached_cases(request).await;
        let cases = answer.unwrap().into_inner().cases;
        cases.into_iter().map(|case| case.case_id).collect()
    }
}

async fn case_of(env: &TestEnv, who: &TokenSpec, id: &str) -> pb::Case {
    env.get(who, id).await.unwrap()
}

fn declarant() -> TokenSpec {
    TokenSpec::of("decl").role("declarant")
}

/// A report that names another as that of its cause, which its author sees.
fn naming(cause: &Report, report: Report) -> Report {
    Report {
        submitted: events::ReportSubmitted {
            cause_reference: cause.submitted.reference.clone(),
            cause_report_id: cause.submitted.report_id.clone(),
            ..report.submitted
        },
        ..report
    }
}
