//! A report is taken: what is answered, who sees it, what the log tells.

use platform::SealingKey;
use prost::Message as _;
use proto::{
    events::v1::{ReportSubmitted, SealedPersonalData},
    intake::v1::{DeclarantCapacity, ReportDraft, ReportState, SubmitReportRequest},
    types::v1::{
        Channel, DataImpact, DataNature, Impacts, OperatorStatus, Origin, OriginType, StructureKind,
    },
};
use tonic::Code;
use uuid::Uuid;

use crate::tests::{
    drafts::{ARMY, CORSICAN, FLEYRIAT_ENTITY, degraded, described, finess, incident, seconds_ago},
    env::{TestEnv, reason},
};

fn request(draft: ReportDraft) -> SubmitReportRequest {
    SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        draft: Some(draft),
        ..SubmitReportRequest::default()
    }
}

#[tokio::test]
async fn a_receipt_tells_who_is_told_and_what_to_do() {
    let env = TestEnv::with_directory().await;
    let impacts = Impacts {
        data: vec![DataImpact::Unavailability.into()],
        data_natures: vec![DataNature::Health.into()],
        ..degraded().impacts.unwrap()
    };
    let draft = ReportDraft {
        impacts: Some(impacts),
        origin: Origin::Malicious.into(),
        origin_types: vec![OriginType::Ransomware.into()],
        ..incident()
    };
    let receipt = env.linked("alice").submit(draft).await.unwrap();
    let consequences = receipt.consequences.unwrap();

    assert!(
        receipt.reference.starts_with("SIG-20"),
        "{}",
        receipt.reference
    );
    assert_eq!(receipt.emergency_phone, "09 72 43 91 25");
    let agency = consequences.agency.unwrap();
    assert_eq!(
        (agency.region.as_str(), agency.mailbox.as_str()),
        ("84", "ssi-auvergne-rhone-alpes@ars.sante.fr"),
    );
    let told: Vec<_> = consequences
        .addressees
        .iter()
        .map(|a| a.party.as_str())
        .collect();
    assert_eq!(told, ["cell", "ars:84", "fssi", "dgs"]);
    let duties: Vec<_> = consequences
        .parallel_duties
        .iter()
        .map(|d| d.code.as_str())
        .collect();
    // The directory says that the site is an OSE, and the link is verified.
    assert_eq!(duties, ["anssi_essential_services", "cnil", "complaint"]);
    assert!(
        consequences.next_steps[0].contains("09 72 43 91 25"),
        "{:?}",
        consequences.next_steps
    );
    assert!(consequences.proposed_severity.unwrap().serious);
}

#[tokio::test]
async fn the_log_tells_the_report_once_and_its_contacts_only_to_who_holds_the_key() {
    let env = TestEnv::with_directory().await;
    let receipt = env.linked("alice").submit(incident()).await.unwrap();

    let events = env.events().await;
    let [event] = events
        .iter()
        .filter(|e| e.event_type == "vigie.report.submitted.v1")
        .collect::<Vec<_>>()[..]
    else {
        panic!("one event tells the report")
    };
    assert_eq!(event.subject, format!("report/{}", receipt.report_id));
    let told: ReportSubmitted = event.decode().unwrap();
    let structure = told.structure.clone().unwrap();
    assert_eq!(structure.name, "CH DE FLEYRIAT");
    assert_eq!(structure.kind(), StructureKind::HealthFacility);
    assert_eq!(
        structure.operator_status(),
        OperatorStatus::EssentialServices
    );
    assert_eq!(
        (structure.town.as_str(), structure.department.as_str()),
        ("VIRIAT", "01")
    );
    assert!(structure.link_verified);
    assert_eq!(told.channel(), Channel::Declarant);
    assert_eq!(
        told.visible_to,
        [
            "cell",
            "fssi",
            "ars:84",
            "structure:finess:010000024",
            "structure:finess:010780054",
            "structure:siret:26010004500012",
            "subject:alice",
        ],
    );

    let plain = told.encode_to_vec();
    for personal in ["Martin", "rssi@ch-exemple.fr"] {
        assert!(
            !plain
                .windows(personal.len())
                .any(|window| window == personal.as_bytes())
        );
    }
    let master = SealingKey::from_bytes([7; 32]);
    let key = master
        .unwrap_data_key(event.data_key.as_deref().unwrap())
        .unwrap();
    let id: Uuid = receipt.report_id.parse().unwrap();
    let aad = [b"report:", id.as_bytes().as_slice()].concat();
    let opened = key.open(&aad, &told.sealed_personal_data).unwrap();
    let contacts = SealedPersonalData::decode(opened.as_slice()).unwrap();
    assert_eq!(contacts.declarant.unwrap().family_name, "Martin");
}

#[tokio::test]
async fn the_parties_follow_the_structure_its_chain_and_the_care() {
    let env = TestEnv::with_directory().await;
    let hospital = format!("finess_et,name,category_code\n{ARMY},HIA LAVERAN,114\n");
    env.importer().import(hospital.as_bytes()).await.unwrap();
    let alice = env.declarant("alice");
    let army = |draft: ReportDraft| ReportDraft {
        structure: finess(ARMY),
        ..draft
    };
    let said_to_be_army = ReportDraft {
        structure: finess(CORSICAN),
        structure_kind: StructureKind::ArmedForcesHospital.into(),
        ..incident()
    };
    let national = ReportDraft {
        structure: described("Agence", ""),
        national: true,
        ..incident()
    };
    let unknown = ReportDraft {
        structure: finess(CORSICAN),
        ..incident()
    };
    let entity = ReportDraft {
        structure: finess(FLEYRIAT_ENTITY),
        ..incident()
    };
    let said_to_be_national = ReportDraft {
        national: true,
        ..incident()
    };
    for (draft, region, parties) in [
        (
            incident(),
            "84",
            vec!["cell", "fssi", "ars:84", "subject:alice"],
        ),
        (
            said_to_be_national,
            "84",
            vec!["cell", "fssi", "ars:84", "subject:alice"],
        ),
        (
            degraded(),
            "84",
            vec!["cell", "fssi", "ars:84", "dgs", "subject:alice"],
        ),
        (
            entity,
            "84",
            vec!["cell", "fssi", "ars:84", "subject:alice"],
        ),
        (
            unknown,
            "94",
            vec!["cell", "fssi", "ars:94", "subject:alice"],
        ),
        (national, "national", vec!["cell", "fssi", "subject:alice"]),
        (
            said_to_be_army,
            "94",
            vec!["cell", "fssi", "ars:94", "subject:alice"],
        ),
        (army(incident()), "93", vec!["army", "subject:alice"]),
        (
            army(degraded()),
            "93",
            vec!["cell", "fssi", "ars:93", "army", "subject:alice"],
        ),
    ] {
        let receipt = alice.submit(draft).await.unwrap();
        let id: Uuid = receipt.report_id.parse().unwrap();
        let (stored, routed): (Vec<String>, String) =
            sqlx::query_as("select visible_to, routing_region from report where report_id = $1")
                .bind(id)
                .fetch_one(&env.pool)
                .await
                .unwrap();
        assert_eq!(
            (stored, routed.as_str()),
            (parties.into_iter().map(str::to_owned).collect(), region)
        );
    }
}

#[tokio::test]
async fn a_probe_is_seen_by_probers_alone() {
    let env = TestEnv::with_directory().await;
    let prober = env.with_role("prober");
    let receipt = prober.submit(degraded()).await.unwrap();
    assert!(receipt.consequences.unwrap().addressees.is_empty());
    let report = prober.get(&receipt.report_id).await.unwrap();
    assert!(report.test);
    assert_eq!(report.routing_region, "synthetic");
    for role in [
        "analyst",
        "security_officer",
        "health_authority",
        "importer",
    ] {
        let status = env
            .with_role(role)
            .get(&receipt.report_id)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{role}");
    }
}

#[tokio::test]
async fn an_agent_enters_reports_of_his_own_region_only() {
    let env = TestEnv::with_directory().await;
    let draft = || ReportDraft {
        capacity: DeclarantCapacity::Agency.into(),
        ..incident()
    };
    let receipt = env.agent("84").submit(draft()).await.unwrap();
    let report = env.agent("84").get(&receipt.report_id).await.unwrap();
    assert_eq!(report.channel(), Channel::Agency);

    let status = env.agent("76").submit(draft()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "REGION_NOT_YOURS")
    );
    let national = ReportDraft {
        structure: described("Agence", ""),
        national: true,
        ..draft()
    };
    let status = env.agent("84").submit(national).await.unwrap_err();
    assert_eq!(reason(&status), "REGION_NOT_YOURS");
}

#[tokio::test]
async fn an_importer_gives_a_past_date_and_the_agency_of_that_day_is_told() {
    let env = TestEnv::start().await;
    let importer = env.importer();
    let in_2018 = prost_types::Timestamp {
        seconds: 1_530_000_000,
        nanos: 0,
    };
    let draft = ReportDraft {
        structure: described("Clinique", "974"),
        capacity: DeclarantCapacity::Importer.into(),
        found_at: Some(in_2018),
        ..incident()
    };
    let sent = SubmitReportRequest {
        declared_at: Some(in_2018),
        ..request(draft)
    };
    let receipt = importer.send(sent).await.unwrap();
    assert_eq!(
        receipt.consequences.unwrap().agency.unwrap().name,
        "ARS Océan Indien"
    );
    let report = importer.get(&receipt.report_id).await.unwrap();
    assert_eq!(report.channel(), Channel::Import);
    assert_eq!(report.declared_at, Some(in_2018));
    assert!(report.received_at.unwrap().seconds > in_2018.seconds);
    assert_eq!(report.state(), ReportState::Submitted);
}

#[tokio::test]
async fn a_check_warns_of_what_is_unusual_and_stores_nothing() {
    let env = TestEnv::with_directory().await;
    let draft = ReportDraft {
        structure: finess(CORSICAN),
        found_at: Some(seconds_ago(100 * 3_600)),
        origin: Origin::Malicious.into(),
        impacts: Some(Impacts {
            data: vec![DataImpact::Disclosure.into()],
            data_natures: vec![DataNature::Personal.into()],
            ..degraded().impacts.unwrap()
        }),
        ..incident()
    };
    let checked = env.declarant("alice").check(draft).await.unwrap();
    let warned: Vec<_> = checked.warnings.iter().map(|w| w.reason.as_str()).collect();
    assert_eq!(
        warned,
        [
            "NOT_IN_DIRECTORY",
            "CNIL_TERM_PASSED",
            "NO_COMPLAINT",
            "LOOKS_MAJOR"
        ]
    );
    assert!(checked.consequences.is_some());
    assert_eq!(env.count("select count(*) from report").await, 0);
}

#[tokio::test]
async fn the_directory_does_not_tell_a_stranger_who_is_an_operator() {
    let env = TestEnv::with_directory().await;
    let stranger = env.declarant("mallory").check(incident()).await.unwrap();
    assert!(stranger.consequences.unwrap().parallel_duties.is_empty());
    assert_eq!(
        env.declarant("mallory")
            .structure("010000024")
            .await
            .unwrap()
            .operator_status(),
        OperatorStatus::Unspecified,
    );
    let linked = env.linked("alice").check(incident()).await.unwrap();
    assert_eq!(linked.consequences.unwrap().parallel_duties.len(), 1);
}

#[tokio::test]
async fn a_report_that_was_lost_and_is_sent_again_has_its_id_again() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let sent = SubmitReportRequest {
        request_id: "019f1b2c-3d4e-7abc-8def-0123456789ab".to_owned(),
        ..request(incident())
    };
    let lost = alice.send(sent.clone()).await.unwrap();
    assert!(
        lost.report_id.starts_with("019f1b2c-3d4e-7"),
        "{}",
        lost.report_id
    );
    sqlx::query("delete from report")
        .execute(&env.pool)
        .await
        .unwrap();
    let again = alice.send(sent.clone()).await.unwrap();
    assert_eq!(again.report_id, lost.report_id);
    assert_ne!(again.reference, lost.reference);
    let another = env.declarant("bob").send(sent).await.unwrap();
    assert_ne!(another.report_id, again.report_id);
}

#[tokio::test]
async fn the_id_of_a_report_begins_with_a_moment_even_where_that_of_its_request_has_none() {
    let env = TestEnv::start().await;
    let before = platform::now().unix_timestamp();
    let sent = SubmitReportRequest {
        request_id: Uuid::new_v4().to_string(),
        ..request(incident())
    };
    let alice = env.declarant("alice");
    let receipt = alice.send(sent.clone()).await.unwrap();
    let report_id: Uuid = receipt.report_id.parse().unwrap();
    let (seconds, _) = report_id.get_timestamp().unwrap().to_unix();
    assert!(seconds >= before.unsigned_abs(), "{report_id}");
    assert_eq!(alice.send(sent).await.unwrap(), receipt);
}

#[tokio::test]
async fn a_request_that_an_earlier_release_took_is_recognised() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let sent = request(incident());
    let receipt = alice.send(sent.clone()).await.unwrap();
    let as_before = "update report set report_id = request_key, request_key = null";
    sqlx::query(as_before).execute(&env.pool).await.unwrap();
    assert_eq!(alice.send(sent).await.unwrap(), receipt);
    assert_eq!(env.count("select count(*) from report").await, 1);
}

#[tokio::test]
async fn the_same_request_with_another_content_is_refused() {
    let env = TestEnv::start().await;
    let alice = env.declarant("alice");
    let sent = request(incident());
    let receipt = alice.send(sent.clone()).await.unwrap();
    assert_eq!(alice.send(sent.clone()).await.unwrap(), receipt);

    let other = ReportDraft {
        description: "Autre chose.".to_owned(),
        ..incident()
    };
    let status = alice
        .send(SubmitReportRequest {
            draft: Some(other),
            ..sent.clone()
        })
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );

    // The name of a request is the caller's own: somebody else's is another.
    let theirs = env.declarant("bob").send(sent).await.unwrap();
    assert_ne!(theirs.report_id, receipt.report_id);
    let outcomes: Vec<_> = env
        .trail_of("report.submit")
        .await
        .into_iter()
        .map(|(_, o)| o)
        .collect();
    assert_eq!(outcomes, ["done", "done", "refused", "done"]);
}
