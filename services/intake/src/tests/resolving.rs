//! The structure says that its incident is over.

use eventlog::NewEvent;
use platform::{SealingKey, now};
use proto::{
    events::v1::{CaseChanged, ReportResolved},
    intake::v1::{DeclareResolvedRequest, WithdrawReportRequest},
    types::v1::{CaseState, Role},
};
use service::{Sealed, resolution_purpose};
use servicetest::MASTER_KEY;
use testkit::{TokenSpec, eventually};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    erase_contacts_of,
    tests::{
        drafts::{incident, of_two_regions, seconds_ago},
        env::{TestEnv, User, nothing_is_stored, reason, violations},
    },
};

const HOW: &str = "- Postes réinstallés depuis les sauvegardes du 2 novembre.";

pub(crate) fn resolving(report_id: &str, how: &str) -> DeclareResolvedRequest {
    DeclareResolvedRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: report_id.to_owned(),
        etag: String::new(),
        resolved_at: Some(seconds_ago(60)),
        how: how.to_owned(),
    }
}

fn changed(report_id: &str, revision: u64, state: CaseState, heard: u32) -> NewEvent {
    let payload = CaseChanged {
        case_id: report_id.to_owned(),
        report_id: report_id.to_owned(),
        revision,
        state: state.into(),
        resolution_number: heard,
        ..CaseChanged::default()
    };
    let subject = format!("case/{report_id}");
    NewEvent::new(Uuid::new_v4(), subject, now(), &payload)
}

/// Declares it once more, which is refused with this reason.
async fn refused(who: &User, request: DeclareResolvedRequest, expected: (Code, &str)) {
    let status = who.resolve(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), expected);
}

async fn told(env: &TestEnv) -> Vec<ReportResolved> {
    let events = env.events().await;
    let told = events
        .iter()
        .filter(|event| event.event_type == "vigie.report.resolved.v1");
    told.map(|event| event.decode().unwrap()).collect()
}

#[tokio::test]
async fn a_resolution_is_told_once_however_often_it_is_sent() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let seen = alice.get(&receipt.report_id).await.unwrap();

    let request = DeclareResolvedRequest {
        etag: seen.etag.clone(),
        ..resolving(&receipt.report_id, HOW)
    };
    let answer = alice.resolve(request.clone()).await.unwrap();
    let resolution = answer.resolution.clone().unwrap();
    assert_eq!(resolution.report_id, receipt.report_id);
    assert_eq!((resolution.number, resolution.how.as_str()), (1, HOW));
    assert_eq!(resolution.resolved_at, request.resolved_at);
    assert_eq!(resolution.declared_by(), Role::Declarant);
    assert_ne!(answer.etag, seen.etag);
    assert_eq!(
        alice.get(&receipt.report_id).await.unwrap().etag,
        answer.etag
    );
    assert_eq!(alice.resolve(request.clone()).await.unwrap(), answer);

    let reused = DeclareResolvedRequest {
        how: "Autrement.".to_owned(),
        ..request
    };
    let expected = (Code::AlreadyExists, "REQUEST_ID_REUSED");
    refused(&alice, reused, expected).await;
    let again = resolving(&receipt.report_id, HOW);
    let expected = (Code::FailedPrecondition, "ALREADY_RESOLVED");
    refused(&alice, again, expected).await;

    let told = told(&env).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].reference, receipt.reference);
    assert_eq!(told[0].number, 1);
    assert_eq!(told[0].resolved_at, resolution.resolved_at);
    assert_eq!(told[0].declared_at, resolution.declared_at);
    assert_eq!(told[0].declared_by(), Role::Declarant);
    let outcomes: Vec<_> = env
        .trail_of("report.resolve")
        .await
        .into_iter()
        .map(|(object, outcome)| {
            assert_eq!(object, format!("report/{}", receipt.report_id));
            outcome
        })
        .collect();
    assert_eq!(outcomes, ["done", "done", "refused", "refused"]);
}

#[tokio::test]
async fn the_text_travels_and_rests_under_the_key_of_the_report_alone() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    alice
        .resolve(resolving(&receipt.report_id, HOW))
        .await
        .unwrap();

    let clear: i64 = sqlx::query_scalar(
        "select (select count(*) from event where position(convert_to($1, 'UTF8') in payload) > 0)
              + (select count(*) from report_resolution
                 where position(convert_to($1, 'UTF8') in sealed_how) > 0)
              + (select count(*) from idempotency_key
                 where position(convert_to($1, 'UTF8') in response) > 0)",
    )
    .bind("Postes réinstallés")
    .fetch_one(&env.pool)
    .await
    .unwrap();
    assert_eq!(clear, 0);

    let events = env.events().await;
    let data_key = events.iter().find_map(|event| event.data_key.clone());
    let sealed = Sealed {
        sealed: told(&env).await[0].sealed_how.to_vec(),
        data_key: data_key.unwrap(),
    };
    let report_id: Uuid = receipt.report_id.parse().unwrap();
    let open = |number| {
        let master = SealingKey::from_bytes(MASTER_KEY);
        sealed.open(&master, &resolution_purpose(report_id, number))
    };
    assert_eq!(open(1).unwrap(), HOW.as_bytes());
    assert!(open(2).is_err());
}

#[tokio::test]
async fn what_the_cell_opened_again_is_declared_resolved_again() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let id = receipt.report_id.as_str();
    alice.resolve(resolving(id, HOW)).await.unwrap();

    let expected = (Code::FailedPrecondition, "ALREADY_RESOLVED");
    // What the case was before it heard of the resolution does not open it again.
    for (revision, state, heard) in [
        (1, CaseState::Qualified, 0),
        (2, CaseState::Resolved, 1),
        (3, CaseState::Closed, 1),
    ] {
        let change = changed(id, revision, state, heard);
        env.qualification().announce(&[change]).await;
        eventually(async || alice.get(id).await.unwrap().case_state() == state).await;
        refused(&alice, resolving(id, HOW), expected).await;
    }
    let change = changed(id, 4, CaseState::InTreatment, 1);
    env.qualification().announce(&[change]).await;
    let reopened = async || alice.get(id).await.unwrap().case_state() == CaseState::InTreatment;
    eventually(reopened).await;
    let again = alice.resolve(resolving(id, "Cette fois.")).await.unwrap();
    assert_eq!(again.resolution.unwrap().number, 2);
    refused(&alice, resolving(id, HOW), expected).await;

    let numbers: Vec<u32> = told(&env).await.iter().map(|told| told.number).collect();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn what_is_withdrawn_changed_or_erased_is_not_declared_resolved() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let unseen = DeclareResolvedRequest {
        etag: "7".to_owned(),
        ..resolving(&receipt.report_id, HOW)
    };
    refused(&alice, unseen, (Code::Aborted, "ETAG_MISMATCH")).await;

    let erased = alice.submit(incident()).await.unwrap();
    erase_contacts_of(&env.pool, &env.log, &erased.report_id, true)
        .await
        .unwrap();
    let request = resolving(&erased.report_id, HOW);
    refused(&alice, request, (Code::FailedPrecondition, "ERASED")).await;

    let withdraw = WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        reason: "Fausse alerte.".to_owned(),
        etag: String::new(),
    };
    alice.withdraw(withdraw).await.unwrap();
    let request = resolving(&receipt.report_id, HOW);
    refused(&alice, request, (Code::FailedPrecondition, "WITHDRAWN")).await;
    assert_eq!(told(&env).await, []);
    assert_eq!(env.count("select count(*) from report_resolution").await, 0);
}

#[tokio::test]
async fn erasure_takes_the_key_under_which_the_text_is_sealed() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    alice
        .resolve(resolving(&receipt.report_id, HOW))
        .await
        .unwrap();
    erase_contacts_of(&env.pool, &env.log, &receipt.report_id, true)
        .await
        .unwrap();
    let keys = "select (select count(*) from report where wrapped_key is not null)
                     + (select count(*) from event where data_key is not null)";
    assert_eq!(env.count(keys).await, 0);
}

#[tokio::test]
async fn the_structure_and_its_agency_declare_it_and_nobody_else() {
    let env = TestEnv::with_directory().await;
    for (who, role) in [
        (env.linked("alice"), Role::Declarant),
        (env.linked("bob"), Role::Declarant),
        (env.agent("84"), Role::RegionalAgent),
    ] {
        let receipt = env.linked("alice").submit(incident()).await.unwrap();
        let request = resolving(&receipt.report_id, HOW);
        let declared = who.resolve(request).await.unwrap().resolution.unwrap();
        assert_eq!(declared.declared_by(), role);
    }
    let prober = env.with_role("prober");
    let test = prober.submit(incident()).await.unwrap();
    let declared = prober.resolve(resolving(&test.report_id, HOW)).await;
    let declared = declared.unwrap().resolution.unwrap();
    assert_eq!(declared.declared_by(), Role::Prober);

    let receipt = env.linked("alice").submit(incident()).await.unwrap();
    // An analyst who also declares does so as a declarant, who does not see it.
    let both = TokenSpec::of("carol").role("analyst").role("declarant");
    for stranger in [
        env.declarant("mallory"),
        env.agent("76"),
        env.with_role("prober"),
        env.as_user(&both),
    ] {
        let status = stranger
            .resolve(resolving(&receipt.report_id, HOW))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    for role in ["analyst", "security_officer", "importer"] {
        let request = resolving(&receipt.report_id, HOW);
        let expected = (Code::PermissionDenied, "ROLE_MISSING");
        refused(&env.with_role(role), request, expected).await;
    }
}

#[tokio::test]
async fn the_agency_of_a_region_that_is_merely_named_does_not_declare_it() {
    let env = TestEnv::start().await;
    let (agent, other) = (env.agent("84"), env.agent("76"));
    let receipt = agent.submit(of_two_regions()).await.unwrap();
    other.get(&receipt.report_id).await.unwrap();
    let expected = (Code::PermissionDenied, "NOT_YOURS_TO_RESOLVE");
    refused(&other, resolving(&receipt.report_id, HOW), expected).await;
    let request = resolving(&receipt.report_id, HOW);
    let declared = agent.resolve(request).await.unwrap().resolution.unwrap();
    assert_eq!(declared.declared_by(), Role::RegionalAgent);
}

#[tokio::test]
async fn a_malformed_resolution_is_refused_with_its_field() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let valid = || resolving(&Uuid::new_v4().to_string(), HOW);
    let at = |resolved_at| DeclareResolvedRequest {
        resolved_at,
        ..valid()
    };
    let how = |how: &str| DeclareResolvedRequest {
        how: how.to_owned(),
        ..valid()
    };
    let of = |status: &Status| {
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        violations(status)
    };
    for (request, field, reason) in [
        (at(None), "resolved_at", "REQUIRED"),
        (at(Some(seconds_ago(-360))), "resolved_at", "IN_FUTURE"),
        (how(" \n"), "how", "REQUIRED"),
        (how(&"x".repeat(10_001)), "how", "TOO_LONG"),
        (how("a\u{7}b"), "how", "BAD_CHARACTER"),
    ] {
        let status = alice.resolve(request).await.unwrap_err();
        assert_eq!(of(&status), [(field.to_owned(), reason.to_owned())]);
    }
    let empty = DeclareResolvedRequest::default();
    let fields = of(&alice.resolve(empty).await.unwrap_err());
    let fields: Vec<_> = fields.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["how", "report_id", "request_id", "resolved_at"]);
    nothing_is_stored(&env).await;

    // The draft was noticed an hour ago.
    let receipt = alice.submit(incident()).await.unwrap();
    let early = DeclareResolvedRequest {
        resolved_at: Some(seconds_ago(7_200)),
        ..resolving(&receipt.report_id, HOW)
    };
    let expected = [("resolved_at".to_owned(), "CONFLICT".to_owned())];
    assert_eq!(of(&alice.resolve(early).await.unwrap_err()), expected);
    let clock_ahead = DeclareResolvedRequest {
        resolved_at: Some(seconds_ago(-240)),
        ..resolving(&receipt.report_id, HOW)
    };
    alice.resolve(clock_ahead).await.unwrap();
}

#[tokio::test]
async fn a_resolution_says_whether_an_agency_declared_it_for_somebody_else() {
    let env = TestEnv::with_directory().await;
    let (alice, agent) = (env.linked("alice"), env.agent("84"));
    for (declares, resolves, draft, on_behalf) in [
        (&alice, &agent, incident(), true),
        (&alice, &alice, incident(), false),
        // The agency declared itself: it knows.
        (&agent, &agent, of_two_regions(), false),
    ] {
        let receipt = declares.submit(draft).await.unwrap();
        let request = resolving(&receipt.report_id, HOW);
        resolves.resolve(request).await.unwrap();
        let told = told(&env).await;
        let told = told.iter().find(|it| it.reference == receipt.reference);
        assert_eq!(told.unwrap().on_behalf, on_behalf);
    }
}
