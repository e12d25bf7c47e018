//! The director has a named person declare for the structure, until a moment.

use prost_types::Timestamp;
use proto::{
    intake::v1::{
        AmendReportRequest, DeclareResolvedRequest, Delegation, EndDelegationRequest,
        GetDutyDossierRequest, GrantDelegationRequest, ListReportsRequest, Receipt, ReportDraft,
        WithdrawReportRequest,
    },
    types::v1::{DeclarantLink, ReportStage, Role},
};
use testkit::TokenSpec;
use tonic::Code;
use uuid::Uuid;

use crate::delegations::erase_ended;
use crate::tests::{
    drafts::{FLEYRIAT, FLEYRIAT_ENTITY, incident, seconds_ago},
    env::{TestEnv, User, reason, violations},
};

const DAY: i64 = 86_400;

fn granting(delegate: &str) -> GrantDelegationRequest {
    GrantDelegationRequest {
        request_id: Uuid::new_v4().to_string(),
        finess: FLEYRIAT.to_owned(),
        delegate: delegate.to_owned(),
        delegate_name: "Claire Dubreuil".to_owned(),
        valid_from: None,
        valid_until: Some(ahead(30 * DAY)),
    }
}

fn ahead(seconds: i64) -> Timestamp {
    seconds_ago(-seconds)
}

fn ending(delegation: &Delegation) -> EndDelegationRequest {
    EndDelegationRequest {
        request_id: Uuid::new_v4().to_string(),
        delegation_id: delegation.delegation_id.clone(),
    }
}

fn completing(receipt: &Receipt) -> AmendReportRequest {
    AmendReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        etag: String::new(),
        stage: ReportStage::Complement.into(),
        draft: Some(ReportDraft {
            description: "Tout est chiffré.".to_owned(),
            ..ReportDraft::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["description".to_owned()],
        }),
    }
}

fn withdrawing(receipt: &Receipt) -> WithdrawReportRequest {
    WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        reason: "Fausse alerte.".to_owned(),
        etag: String::new(),
    }
}

async fn listed(who: &User) -> usize {
    let listed = who.list(ListReportsRequest::default()).await.unwrap();
    listed.reports.len()
}

#[tokio::test]
async fn a_delegate_declares_and_speaks_for_the_structure_while_the_delegation_runs() {
    let env = TestEnv::with_directory().await;
    let (director, claire) = (env.linked("director"), env.declarant("claire"));
    let of_director = director.submit(incident()).await.unwrap();
    let unseen = claire.get(&of_director.report_id).await.unwrap_err();
    assert_eq!(unseen.code(), Code::NotFound);

    let granted = director.delegate(granting("claire")).await.unwrap();
    assert!(granted.running);
    assert_eq!(
        (granted.granted_as(), granted.delegate_name.as_str()),
        (Role::Declarant, "Claire Dubreuil")
    );
    let own = claire.submit(incident()).await.unwrap();
    let shown = claire.get(&own.report_id).await.unwrap();
    assert_eq!(shown.link(), DeclarantLink::Verified);
    // Those of the structure see what she declares, and she what they declare.
    assert!(director.get(&own.report_id).await.is_ok());
    assert!(claire.get(&of_director.report_id).await.is_ok());
    assert_eq!(listed(&claire).await, 2);
    let amended = claire.amend(completing(&of_director)).await.unwrap();
    assert_eq!(amended.report.unwrap().revision, 2);
    let resolve = DeclareResolvedRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: of_director.report_id.clone(),
        etag: String::new(),
        resolved_at: Some(seconds_ago(60)),
        how: "Postes réinstallés.".to_owned(),
    };
    assert!(claire.resolve(resolve).await.is_ok());

    // From its end on she keeps what she declared, as every author does, and nothing else.
    let ended = director.end_delegation(ending(&granted)).await.unwrap();
    assert!(!ended.running && ended.ended_at.is_some());
    assert_eq!(ended.delegate_name, "Claire Dubreuil");
    assert!(claire.get(&own.report_id).await.is_ok());
    assert_eq!(listed(&claire).await, 1);
    for refused in [
        claire.get(&of_director.report_id).await.err(),
        claire.amend(completing(&of_director)).await.err(),
        claire.withdraw(withdrawing(&of_director)).await.err(),
    ] {
        assert_eq!(refused.unwrap().code(), Code::NotFound);
    }
    let later = claire.submit(incident()).await.unwrap();
    let later = claire.get(&later.report_id).await.unwrap();
    assert_eq!(later.link(), DeclarantLink::Unverified);
    let again = director.end_delegation(ending(&granted)).await;
    assert_eq!(reason(&again.unwrap_err()), "DELEGATION_ENDED");
}

#[tokio::test]
async fn a_delegation_counts_neither_before_its_beginning_nor_from_its_end_on() {
    let env = TestEnv::with_directory().await;
    let (director, claire) = (env.linked("director"), env.declarant("claire"));
    let receipt = director.submit(incident()).await.unwrap();
    let future = GrantDelegationRequest {
        valid_from: Some(ahead(DAY)),
        ..granting("claire")
    };
    let granted = director.delegate(future).await.unwrap();
    assert!(!granted.running);
    assert!(claire.get(&receipt.report_id).await.is_err());
    for (moved, sees) in [
        ("from_at = now() - interval '2 days'", true),
        ("until_at = now() - interval '1 day'", false),
    ] {
        let update = format!("update delegation set {moved}");
        sqlx::query(sqlx::AssertSqlSafe(update))
            .execute(&env.pool)
            .await
            .unwrap();
        assert_eq!(
            claire.get(&receipt.report_id).await.is_ok(),
            sees,
            "{moved}"
        );
    }
}

#[tokio::test]
async fn those_of_the_structure_and_its_agency_delegate_and_a_delegate_never_does() {
    let env = TestEnv::with_directory().await;
    let director = env.linked("director");
    let of_entity = TokenSpec::of("of the entity").role("declarant");
    let of_entity = of_entity.structure(format!("finess:{FLEYRIAT_ENTITY}"));
    assert!(
        env.as_user(&of_entity)
            .delegate(granting("anne"))
            .await
            .is_ok()
    );
    let by_agency = env.agent("84").delegate(granting("claire")).await.unwrap();
    assert_eq!(by_agency.granted_as(), Role::RegionalAgent);

    let claire = env.declarant("claire");
    for stranger in [&claire, &env.agent("76"), &env.declarant("mallory")] {
        let refused = stranger.delegate(granting("mallory")).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::PermissionDenied, "NOT_YOURS_TO_DELEGATE")
        );
        let refused = stranger.delegations(FLEYRIAT).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_YOURS_TO_DELEGATE");
    }
    // Who asks for what is not his to see leaves an entry too.
    let refused = ("delegation".to_owned(), "refused".to_owned());
    assert_eq!(env.trail_of("delegation.list").await, vec![refused; 3]);
    for role in ["analyst", "importer", "security_officer"] {
        let refused = env.with_role(role).delegate(granting("claire")).await;
        assert_eq!(reason(&refused.unwrap_err()), "ROLE_MISSING", "{role}");
    }
    let mallory = env.declarant("mallory");
    let hidden = mallory.end_delegation(ending(&by_agency)).await;
    assert_eq!(hidden.unwrap_err().code(), Code::NotFound);

    let of_structure = director.delegations(FLEYRIAT).await.unwrap();
    let delegates: Vec<_> = of_structure.iter().map(|it| it.delegate.as_str()).collect();
    assert_eq!(delegates, ["claire", "anne"]);
    let own = claire.delegations("").await.unwrap();
    assert_eq!(own, std::slice::from_ref(&by_agency));
    assert!(director.delegations("").await.unwrap().is_empty());
    // Who was delegated may give it up.
    assert!(claire.end_delegation(ending(&by_agency)).await.is_ok());
}

#[tokio::test]
async fn a_token_without_the_role_of_a_declarant_gains_nothing_by_a_delegation() {
    let env = TestEnv::with_directory().await;
    let director = env.linked("director");
    let receipt = director.submit(incident()).await.unwrap();
    director.delegate(granting("agent-76")).await.unwrap();
    let refused = env.agent("76").get(&receipt.report_id).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_delegation_is_granted_once_and_refused_where_it_cannot_be() {
    let env = TestEnv::with_directory().await;
    let director = env.linked("director");
    let request = granting("claire");
    let granted = director.delegate(request.clone()).await.unwrap();
    assert_eq!(director.delegate(request.clone()).await.unwrap(), granted);
    let other = GrantDelegationRequest {
        delegate_name: "Une autre".to_owned(),
        ..request
    };
    let again = director.delegate(other).await.unwrap_err();
    assert_eq!(reason(&again), "REQUEST_ID_REUSED");
    assert_eq!(env.count("select count(*) from delegation").await, 1);

    let refused = async |request: GrantDelegationRequest| {
        let refused = director.delegate(request).await.unwrap_err();
        let pairs = violations(&refused).into_iter();
        pairs
            .map(|(field, reason)| format!("{field} {reason}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(refused(granting("director")).await, ["delegate CONFLICT"]);
    let too_long = GrantDelegationRequest {
        valid_until: Some(ahead(367 * DAY)),
        ..granting("claire")
    };
    assert_eq!(refused(too_long).await, ["valid_until TOO_LONG"]);
    let unknown = GrantDelegationRequest {
        finess: FLEYRIAT_ENTITY.to_owned(),
        ..granting("claire")
    };
    assert_eq!(refused(unknown).await, ["finess NOT_IN_DIRECTORY"]);
    let empty = GrantDelegationRequest::default();
    assert_eq!(
        refused(empty).await,
        [
            "delegate REQUIRED",
            "delegate_name REQUIRED",
            "finess REQUIRED",
            "request_id REQUIRED",
            "valid_until REQUIRED",
        ]
    );
}

#[tokio::test]
async fn the_name_of_a_delegate_rests_sealed_and_who_granted_is_in_the_trail() {
    let env = TestEnv::with_directory().await;
    let granted = env.linked("director").delegate(granting("claire")).await;
    let granted = granted.unwrap();
    // Dubreuil, as it is and as bytes are shown.
    for kept in [
        "select count(*) from delegation as t where t::text like '%4475627265%'",
        "select count(*) from delegation as t where t::text like '%Dubreuil%'",
        "select count(*) from audit_entry as t where t::text like '%Dubreuil%'",
        "select count(*) from idempotency_key as t where t::text like '%4475627265%'",
    ] {
        assert_eq!(env.count(kept).await, 0, "{kept}");
    }
    assert_eq!(
        env.trail_of("delegation.grant").await,
        [(
            format!("delegation/{}", granted.delegation_id),
            "done".to_owned()
        )]
    );
}

#[tokio::test]
async fn who_a_delegate_was_is_erased_ninety_days_after_the_end() {
    let env = TestEnv::with_directory().await;
    let (director, claire) = (env.linked("director"), env.declarant("claire"));
    let ended = director.delegate(granting("claire")).await.unwrap();
    director.end_delegation(ending(&ended)).await.unwrap();
    let running = director.delegate(granting("claire")).await.unwrap();
    let now = platform::now();
    let early = now + time::Duration::days(89);
    assert_eq!(erase_ended(&env.pool, early).await.unwrap(), 0);
    let later = now + time::Duration::days(91);
    assert_eq!(erase_ended(&env.pool, later).await.unwrap(), 1);
    let left = "select count(*) from delegation
                where sealed_name is null and data_key is null and delegate_subject is null";
    assert_eq!(env.count(left).await, 1);
    let listed = director.delegations(FLEYRIAT).await.unwrap();
    let told: Vec<_> = listed
        .iter()
        .map(|it| (it.delegate.as_str(), it.delegate_name.as_str()))
        .collect();
    assert_eq!(told, [("claire", "Claire Dubreuil"), ("", "")]);
    assert_eq!(claire.delegations("").await.unwrap(), [running]);
}

#[tokio::test]
async fn a_delegate_reads_the_dossiers_of_the_structure() {
    let env = TestEnv::with_directory().await;
    let (director, claire) = (env.linked("director"), env.declarant("claire"));
    let receipt = director.submit(incident()).await.unwrap();
    let asked = || GetDutyDossierRequest {
        report_id: receipt.report_id.clone(),
        duty: "anssi_essential_services".to_owned(),
        locale: String::new(),
    };
    let before = claire.dossier(asked()).await.unwrap_err();
    assert_eq!(before.code(), Code::NotFound);
    director.delegate(granting("claire")).await.unwrap();
    assert!(director.dossier(asked()).await.is_ok());
    assert!(claire.dossier(asked()).await.is_ok());
}
