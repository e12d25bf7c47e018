//! What a report says for its parallel duties.

use proto::{
    intake::v1::{self as pb, GetDutyDossierRequest, WithdrawReportRequest},
    types::v1::{DataImpact, DataNature, Impacts},
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    erase_contacts_of,
    tests::{
        drafts::{incident, of_two_regions},
        env::{TestEnv, User, reason, violations},
    },
};

fn disclosure() -> pb::ReportDraft {
    let impacts = Impacts {
        data: vec![DataImpact::Disclosure.into()],
        data_natures: vec![DataNature::Health.into()],
        persons_affected: Some(340),
        ..Impacts::default()
    };
    pb::ReportDraft {
        impacts: Some(impacts),
        ..incident()
    }
}

async fn asked(who: &User, report: &str, duty: &str) -> Result<pb::DutyDossier, Status> {
    let request = GetDutyDossierRequest {
        report_id: report.to_owned(),
        duty: duty.to_owned(),
        locale: "en".to_owned(),
    };
    who.dossier(request).await
}

fn field<'a>(dossier: &'a pb::DutyDossier, name: &str) -> &'a pb::DutyDossierField {
    let found = dossier.fields.iter().find(|field| field.name == name);
    found.unwrap()
}

#[tokio::test]
async fn a_dossier_says_what_the_report_says_now_to_those_who_see_it() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let receipt = alice.submit(disclosure()).await.unwrap();
    let own = asked(&alice, &receipt.reference, "cnil").await.unwrap();
    assert_eq!(own.report_id, receipt.report_id);
    assert_eq!((own.duty.as_str(), own.locale.as_str()), ("cnil", "en"));
    assert_eq!((own.revision, own.overdue, own.done), (1, false, false));
    let due_at = receipt.consequences.unwrap().parallel_duties;
    let due_at = due_at.iter().find(|duty| duty.code == "cnil").unwrap();
    assert_eq!(own.due_at, due_at.due_at);
    let persons = field(&own, "persons_count");
    assert_eq!(persons.value, "340 (persons whose data or care is touched)");
    assert_eq!(persons.sources, ["impacts.persons_affected"]);
    assert_eq!(persons.legal_basis, "RGPD, art. 33(3)(a)");
    assert!(!persons.to_be_completed);
    let contact = field(&own, "contact");
    assert_eq!(
        contact.value, "Declarant: Martin, rssi@ch-exemple.fr",
        "{own:?}"
    );
    let measures = field(&own, "measures");
    assert!(measures.to_be_completed && measures.value.is_empty());
    assert!(own.text.contains(&contact.value) && own.text.contains(&receipt.reference));

    for who in [
        &env.linked("bob"),
        &env.agent("84"),
        &env.with_role("analyst"),
    ] {
        assert_eq!(asked(who, &receipt.report_id, "cnil").await.unwrap(), own);
    }
    let amendment = pb::AmendReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        draft: Some(pb::ReportDraft {
            measures_taken: "Accès fermés".to_owned(),
            cnil_notified: Some(true),
            ..pb::ReportDraft::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["measures_taken".to_owned(), "cnil_notified".to_owned()],
        }),
        stage: proto::types::v1::ReportStage::Complement.into(),
        ..pb::AmendReportRequest::default()
    };
    alice.amend(amendment).await.unwrap();
    let later = asked(&alice, &receipt.report_id, "cnil").await.unwrap();
    assert_eq!((later.revision, later.done), (2, true));
    assert_eq!(field(&later, "measures").value, "Accès fermés");

    // In French where nothing is said.
    let french = GetDutyDossierRequest {
        report_id: receipt.report_id.clone(),
        duty: "cnil".to_owned(),
        locale: String::new(),
    };
    let french = alice.dossier(french).await.unwrap();
    assert_eq!(
        field(&french, "measures").label,
        "Mesures prises ou proposées"
    );

    erase_contacts_of(&env.pool, &env.log, &receipt.report_id, true)
        .await
        .unwrap();
    let erased = asked(&alice, &receipt.report_id, "cnil").await.unwrap();
    assert!(field(&erased, "contact").to_be_completed);
}

#[tokio::test]
async fn reading_a_dossier_leaves_its_entry_and_nothing_else() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let id = alice.submit(disclosure()).await.unwrap().report_id;
    let told = env.events().await.len();
    asked(&alice, &id, "cnil").await.unwrap();
    for stranger in [env.declarant("mallory"), env.agent("76")] {
        let status = asked(&stranger, &id, "cnil").await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    let object = format!("report/{id}");
    let outcomes = ["done", "not_visible", "not_visible"];
    let expected = outcomes.map(|outcome| (object.clone(), outcome.to_owned()));
    assert_eq!(env.trail_of("duty_dossier.get").await, expected);
    assert_eq!(env.events().await.len(), told);
    for role in ["security_officer", "health_authority", "importer", "prober"] {
        let status = asked(&env.with_role(role), &id, "cnil").await.unwrap_err();
        assert_eq!(reason(&status), "ROLE_MISSING", "{role}");
    }
}

#[tokio::test]
async fn a_duty_that_is_not_set_off_or_not_known_has_no_dossier() {
    let env = TestEnv::with_directory().await;
    let alice = env.linked("alice");
    let id = alice.submit(disclosure()).await.unwrap().report_id;
    // The directory has it as an operator of essential services.
    let ose = asked(&alice, &id, "anssi_essential_services")
        .await
        .unwrap();
    assert_eq!(ose.legal_basis, "loi 2018-133, art. 7");
    for duty in ["anssi_vital", "ansm", "complaint"] {
        let status = asked(&alice, &id, duty).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(reason(&status), "DUTY_NOT_SET_OFF", "{duty}");
    }
    for (duty, expected) in [
        ("", "REQUIRED"),
        (" ", "REQUIRED"),
        ("dgccrf", "UNKNOWN_VALUE"),
    ] {
        let status = asked(&alice, &id, duty).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            violations(&status),
            [("duty".to_owned(), expected.to_owned())]
        );
    }
    // The link of somebody who belongs nowhere tells nothing of the directory.
    let unlinked = env.declarant("carol");
    let other = unlinked.submit(disclosure()).await.unwrap().report_id;
    let status = asked(&unlinked, &other, "anssi_essential_services").await;
    assert_eq!(reason(&status.unwrap_err()), "DUTY_NOT_SET_OFF");
    let withdrawal = WithdrawReportRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: id.clone(),
        reason: "Fausse alerte.".to_owned(),
        etag: String::new(),
    };
    alice.withdraw(withdrawal).await.unwrap();
    let status = asked(&alice, &id, "cnil").await.unwrap_err();
    assert_eq!(reason(&status), "WITHDRAWN");
}

#[tokio::test]
async fn the_agency_of_every_region_that_a_report_names_has_its_dossiers() {
    let env = TestEnv::start().await;
    let draft = pb::ReportDraft {
        impacts: disclosure().impacts,
        ..of_two_regions()
    };
    let id = env.agent("84").submit(draft).await.unwrap().report_id;
    for region in ["84", "76"] {
        let dossier = asked(&env.agent(region), &id, "cnil").await.unwrap();
        assert!(!field(&dossier, "contact").to_be_completed);
    }
    let status = asked(&env.agent("28"), &id, "cnil").await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}
