//! The cell and the agencies settle which structure a report is about, and who speaks for it.

mod attaching;

use eventlog::Event;
use proto::{
    events::v1::{CaseActivityRecorded, ReportLinkDecided},
    intake::v1::{
        AmendReportRequest, ConfirmLinkRequest, LinkDecision, Receipt, RejectLinkRequest,
        ReportDraft, Revision, WithdrawReportRequest,
    },
    types::v1::{CaseActivity, DeclarantLink, ReportStage, Role},
};
use tonic::Code;
use uuid::Uuid;

use crate::erase_contacts_of;
use crate::tests::{
    drafts::incident,
    env::{TestEnv, User, reason, violations},
};

/// What the next steps of a declarant say of a link that is not verified.
const UNVERIFIED: &str = "n'est pas vérifié";

fn confirming(receipt: &Receipt) -> ConfirmLinkRequest {
    ConfirmLinkRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        etag: String::new(),
    }
}

fn rejecting(receipt: &Receipt) -> RejectLinkRequest {
    RejectLinkRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        etag: String::new(),
        reason: "Le centre hospitalier ne connaît pas cette personne.".to_owned(),
    }
}

fn completing(receipt: &Receipt, text: &str) -> AmendReportRequest {
    AmendReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        etag: String::new(),
        stage: ReportStage::Complement.into(),
        draft: Some(ReportDraft {
            description: text.to_owned(),
            ..ReportDraft::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["description".to_owned()],
        }),
    }
}

async fn sees(who: &User, receipt: &Receipt) -> bool {
    match who.get(&receipt.report_id).await {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound);
            false
        }
    }
}

fn of_type<'a>(events: &'a [Event], event_type: &'a str) -> impl Iterator<Item = &'a Event> {
    events.iter().filter(move |it| it.event_type == event_type)
}

async fn link_of(who: &User, receipt: &Receipt) -> DeclarantLink {
    who.get(&receipt.report_id).await.unwrap().link()
}

#[tokio::test]
async fn a_confirmed_link_shows_the_report_to_the_structure_and_asks_for_nothing_more() {
    let env = TestEnv::with_directory().await;
    let (mallory, colleague) = (env.declarant("mallory"), env.linked("bob"));
    let receipt = mallory.submit(incident()).await.unwrap();
    let steps = &receipt.consequences.as_ref().unwrap().next_steps;
    assert!(steps.iter().any(|step| step.contains(UNVERIFIED)));
    assert_eq!(link_of(&mallory, &receipt).await, DeclarantLink::Unverified);
    assert!(!sees(&colleague, &receipt).await);

    let answer = env.agent("84").confirm_link(confirming(&receipt)).await;
    let answer = answer.unwrap();
    let report = answer.report.unwrap();
    assert_eq!(
        (report.link_verified, report.link(), report.revision),
        (true, DeclarantLink::Confirmed, 2)
    );
    let steps = answer.consequences.unwrap().next_steps;
    assert!(!steps.iter().any(|step| step.contains(UNVERIFIED)));
    assert!(sees(&colleague, &receipt).await);

    // It holds when the declarant goes on, and says nothing of the link any more.
    let amended = mallory
        .amend(completing(&receipt, "Tout est chiffré."))
        .await;
    let amended = amended.unwrap();
    assert_eq!(amended.report.unwrap().link(), DeclarantLink::Confirmed);
    let steps = amended.consequences.unwrap().next_steps;
    assert!(!steps.iter().any(|step| step.contains(UNVERIFIED)));
    assert!(sees(&colleague, &receipt).await);

    let events = env.events().await;
    let decided = of_type(&events, "vigie.report.link_decided.v1");
    let decided: Vec<ReportLinkDecided> = decided.map(|it| it.decode().unwrap()).collect();
    assert_eq!(decided.len(), 1);
    assert_eq!(
        (decided[0].revision, decided[0].decided_by()),
        (2, Role::RegionalAgent)
    );
    assert!(decided[0].no_longer_visible_to.is_empty());
    let whole = decided[0].report.clone().unwrap();
    let structure = whole.structure.unwrap();
    assert_eq!(
        (structure.link_verified, structure.link()),
        (true, DeclarantLink::Confirmed)
    );
    let shown_to = "structure:finess:010000024".to_owned();
    assert!(whole.visible_to.contains(&shown_to));
}

#[tokio::test]
async fn a_rejected_link_takes_the_report_from_the_structure_and_leaves_it_to_its_declarant() {
    let env = TestEnv::with_directory().await;
    let (alice, bob, analyst) = (
        env.linked("alice"),
        env.linked("bob"),
        env.with_role("analyst"),
    );
    let receipt = alice.submit(incident()).await.unwrap();
    assert_eq!(link_of(&alice, &receipt).await, DeclarantLink::Verified);
    assert!(sees(&bob, &receipt).await);

    let answer = analyst.reject_link(rejecting(&receipt)).await.unwrap();
    let report = answer.report.unwrap();
    assert_eq!(
        (report.link_verified, report.link()),
        (false, DeclarantLink::Rejected)
    );
    let steps = answer.consequences.unwrap().next_steps;
    assert!(steps.iter().any(|step| step.contains("n'est pas reconnu")));
    assert!(!sees(&bob, &receipt).await);
    for still in [&alice, &analyst, &env.agent("84")] {
        assert!(sees(still, &receipt).await);
    }
    // What she completes does not show it to the structure again.
    alice.amend(completing(&receipt, "Tout.")).await.unwrap();
    assert!(!sees(&bob, &receipt).await);
    assert_eq!(link_of(&alice, &receipt).await, DeclarantLink::Rejected);

    // Why is for those who see the contacts; who decided, for the cell and the FSSI.
    for (who, told, named) in [
        (&alice, true, false),
        (&env.agent("84"), true, false),
        (&analyst, true, true),
    ] {
        let listed = who.revisions(&receipt.report_id, 0, "").await.unwrap();
        let revision = &listed.revisions[1];
        assert_eq!(revision.decision(), LinkDecision::Rejected);
        assert_eq!(revision.author_role(), Role::Analyst);
        assert_eq!(revision.reason.contains("ne connaît pas"), told);
        assert_eq!(revision.author == "analyst", named);
        assert!(revision.changes.is_empty());
        let amended = &listed.revisions[0];
        assert_eq!(
            (amended.decision(), amended.reason.as_str()),
            (LinkDecision::Unspecified, "")
        );
    }
    let events = env.events().await;
    let mut activities = of_type(&events, "vigie.case.activity_recorded.v1");
    let told: CaseActivityRecorded = activities.next().unwrap().decode().unwrap();
    assert_eq!(
        (told.activity(), told.actor_role(), told.to_structure),
        (CaseActivity::LinkRejected, Role::Analyst, true)
    );
    assert!(
        !told
            .visible_to
            .iter()
            .any(|it| it.starts_with("structure:"))
    );
    let decided = of_type(&events, "vigie.report.link_decided.v1").next();
    let decided: ReportLinkDecided = decided.unwrap().decode().unwrap();
    let lost = &decided.no_longer_visible_to;
    assert!(lost.contains(&"structure:finess:010000024".to_owned()));
    assert!(lost.iter().all(|it| it.starts_with("structure:")));
    // Nobody reads the reason in the log, in the trail or in the clear in a row.
    let spelt = "select count(*) from link_decision where sealed_reason::text like '%636f6e6e61%'";
    assert_eq!(env.count(spelt).await, 0);
}

#[tokio::test]
async fn a_rejected_link_is_confirmed_later_and_back_again() {
    let env = TestEnv::with_directory().await;
    let (bob, analyst) = (env.linked("bob"), env.with_role("analyst"));
    let receipt = env.linked("alice").submit(incident()).await.unwrap();
    analyst.reject_link(rejecting(&receipt)).await.unwrap();
    let agent = env.agent("84");
    agent.confirm_link(confirming(&receipt)).await.unwrap();
    assert!(sees(&bob, &receipt).await);
    // Who says again what holds adds no revision.
    let again = agent.confirm_link(confirming(&receipt)).await.unwrap();
    assert_eq!(again.report.unwrap().revision, 3);
    analyst.reject_link(rejecting(&receipt)).await.unwrap();
    assert!(!sees(&bob, &receipt).await);
    let listed = analyst.revisions(&receipt.report_id, 0, "").await.unwrap();
    let decisions = listed.revisions.iter().map(Revision::decision);
    assert_eq!(
        decisions.collect::<Vec<_>>(),
        [
            LinkDecision::Rejected,
            LinkDecision::Confirmed,
            LinkDecision::Rejected,
            LinkDecision::Unspecified,
        ]
    );
}

#[tokio::test]
async fn what_the_agency_entered_may_be_rejected_as_well() {
    let env = TestEnv::with_directory().await;
    let entered = ReportDraft {
        capacity: proto::intake::v1::DeclarantCapacity::Agency.into(),
        ..incident()
    };
    let agent = env.agent("84");
    let receipt = agent.submit(entered).await.unwrap();
    assert_eq!(link_of(&agent, &receipt).await, DeclarantLink::Verified);
    agent.reject_link(rejecting(&receipt)).await.unwrap();
    assert!(!sees(&env.linked("bob"), &receipt).await);
    agent.amend(completing(&receipt, "Tout.")).await.unwrap();
    assert_eq!(link_of(&agent, &receipt).await, DeclarantLink::Rejected);
    assert!(!sees(&env.linked("bob"), &receipt).await);
}

#[tokio::test]
async fn a_decision_is_made_once_and_by_those_alone_who_may() {
    let env = TestEnv::with_directory().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let stranger = env.agent("76").confirm_link(confirming(&receipt)).await;
    assert_eq!(stranger.unwrap_err().code(), Code::NotFound);
    for role in [
        "declarant",
        "security_officer",
        "health_authority",
        "importer",
    ] {
        let refused = env.with_role(role).confirm_link(confirming(&receipt)).await;
        assert_eq!(reason(&refused.unwrap_err()), "ROLE_MISSING", "{role}");
    }
    let agent = env.agent("84");
    let etag = agent.get(&receipt.report_id).await.unwrap().etag;
    let request = RejectLinkRequest {
        etag: etag.clone(),
        ..rejecting(&receipt)
    };
    let answer = agent.reject_link(request.clone()).await.unwrap();
    assert_eq!(agent.reject_link(request.clone()).await.unwrap(), answer);
    let other = RejectLinkRequest {
        reason: "Une autre raison.".to_owned(),
        ..request
    };
    let reused = agent.reject_link(other).await.unwrap_err();
    assert_eq!(reason(&reused), "REQUEST_ID_REUSED");
    let outdated = ConfirmLinkRequest {
        etag,
        ..confirming(&receipt)
    };
    let outdated = agent.confirm_link(outdated).await.unwrap_err();
    assert_eq!(
        (outdated.code(), reason(&outdated).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let outcomes = env.trail_of("link.reject").await;
    let outcomes: Vec<_> = outcomes.iter().map(|(_, it)| it.as_str()).collect();
    assert_eq!(outcomes, ["done", "done", "refused"]);
}

#[tokio::test]
async fn a_malformed_decision_is_refused_with_every_field() {
    let env = TestEnv::with_directory().await;
    let refused = env
        .with_role("analyst")
        .reject_link(RejectLinkRequest {
            request_id: "un".to_owned(),
            report_id: String::new(),
            etag: String::new(),
            reason: " ".to_owned(),
        })
        .await
        .unwrap_err();
    let violation = |field: &str, reason: &str| (field.to_owned(), reason.to_owned());
    assert_eq!(
        violations(&refused),
        [
            violation("reason", "REQUIRED"),
            violation("report_id", "REQUIRED"),
            violation("request_id", "BAD_FORMAT"),
        ]
    );
}

#[tokio::test]
async fn what_is_withdrawn_or_erased_is_not_decided_on_and_its_reasons_are_gone() {
    let env = TestEnv::with_directory().await;
    let (alice, analyst) = (env.linked("alice"), env.with_role("analyst"));
    let receipt = alice.submit(incident()).await.unwrap();
    analyst.reject_link(rejecting(&receipt)).await.unwrap();
    let erased = erase_contacts_of(&env.pool, &env.log, &receipt.report_id, true).await;
    assert!(erased.unwrap());
    let refused = analyst.confirm_link(confirming(&receipt)).await;
    assert_eq!(reason(&refused.unwrap_err()), "ERASED");
    let listed = analyst.revisions(&receipt.report_id, 0, "").await.unwrap();
    assert_eq!(listed.revisions[0].decision(), LinkDecision::Rejected);
    assert_eq!(listed.revisions[0].reason, "");

    let withdrawn = alice.submit(incident()).await.unwrap();
    let withdraw = WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: withdrawn.report_id.clone(),
        reason: "Fausse alerte.".to_owned(),
        etag: String::new(),
    };
    alice.withdraw(withdraw).await.unwrap();
    let refused = analyst.reject_link(rejecting(&withdrawn)).await;
    assert_eq!(reason(&refused.unwrap_err()), "WITHDRAWN");
}
