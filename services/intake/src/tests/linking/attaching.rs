//! A report that named no structure, several or the wrong one is attached to its own.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::Event;
use proto::{
    eventlog::v1::{
        SnapshotRequest, cloud_event::Data, event_log_service_client::EventLogServiceClient,
        snapshot_response::Part,
    },
    events::v1::ReportAttached,
    intake::v1::{
        AttachReportToStructureRequest, DeclarantCapacity, LinkDecision, Receipt, ReportDraft,
    },
    types::v1::{DeclarantLink, Role},
};
use tonic::Code;
use uuid::Uuid;

use super::{completing, confirming, of_type, sees};
use crate::tests::{
    drafts::{ARMY, FLEYRIAT, degraded, described, finess, incident, siret},
    env::{TestEnv, reason, violations},
};

/// A site of Occitanie (76).
const TOULOUSE: &str = "310781406";

/// A directory with a site of Auvergne-Rhône-Alpes, one of Occitanie and one of the armed
/// forces.
async fn directory() -> TestEnv {
    let env = TestEnv::with_directory().await;
    let file = format!(
        "finess_et,name,category_code,region_code,department,commune\n\
         {TOULOUSE},CHU DE TOULOUSE,355,76,31,TOULOUSE\n\
         {ARMY},HIA LAVERAN,114,93,13,MARSEILLE\n"
    );
    let imported = env.importer().import(file.as_bytes()).await.unwrap();
    assert_eq!((imported.created, imported.rejected), (2, 0));
    env
}

fn attaching(receipt: &Receipt, finess: &str) -> AttachReportToStructureRequest {
    AttachReportToStructureRequest {
        request_id: Uuid::new_v4().to_string(),
        report_id: receipt.report_id.clone(),
        etag: String::new(),
        finess: finess.to_owned(),
        reason: "Le déclarant l'a dit au téléphone.".to_owned(),
        validate_only: false,
    }
}

fn attached(events: &[Event]) -> Vec<ReportAttached> {
    let attached = of_type(events, "vigie.report.attached.v1");
    attached.map(|event| event.decode().unwrap()).collect()
}

#[tokio::test]
async fn a_structure_in_words_becomes_that_of_the_directory_and_another_agency_is_competent() {
    let env = directory().await;
    let draft = ReportDraft {
        structure: described("Hôpital de Toulouse", "01"),
        ..incident()
    };
    let alice = env.declarant("alice");
    let receipt = alice.submit(draft).await.unwrap();
    let (old, new, analyst) = (env.agent("84"), env.agent("76"), env.with_role("analyst"));
    assert!(sees(&old, &receipt).await && !sees(&new, &receipt).await);

    let answer = analyst.attach(attaching(&receipt, TOULOUSE)).await.unwrap();
    let report = answer.report.unwrap();
    assert_eq!(
        (
            report.routing_region.as_str(),
            report.structure_name.as_str()
        ),
        ("76", "CHU DE TOULOUSE")
    );
    assert_eq!(
        (report.revision, report.link()),
        (2, DeclarantLink::Unverified)
    );
    assert_eq!(report.draft.unwrap().structure, finess(TOULOUSE));
    assert_eq!(answer.no_longer_visible_to, ["ars:84"]);
    assert!(!answer.leaves_your_sight);
    let agency = answer.consequences.unwrap().agency.unwrap();
    assert_eq!(agency.region, "76");
    assert!(!sees(&old, &receipt).await && sees(&new, &receipt).await);
    assert!(sees(&alice, &receipt).await);

    let told = attached(&env.events().await);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].revision, told[0].attached_by()),
        (2, Role::Analyst)
    );
    assert_eq!(told[0].no_longer_visible_to, ["ars:84"]);
    let structure = told[0].report.clone().unwrap().structure.unwrap();
    assert_eq!(structure.structure_key, format!("finess:{TOULOUSE}"));
    assert_eq!(structure.routing_region, "76");
    let paths = &told[0].changed_paths;
    assert!(paths.contains(&"structure.finess".to_owned()), "{paths:?}");
    assert!(paths.iter().all(|path| path.starts_with("structure.")));

    // What was said is kept, and why it changed.
    let listed = alice.revisions(&receipt.report_id, 0, "").await.unwrap();
    assert_eq!(listed.revisions[0].decision(), LinkDecision::Attached);
    assert!(listed.revisions[0].reason.contains("téléphone"));
    // An amendment after it stays with that structure and brings nobody back.
    alice.amend(completing(&receipt, "Tout.")).await.unwrap();
    let now = new.get(&receipt.report_id).await.unwrap();
    assert_eq!((now.revision, now.routing_region.as_str()), (3, "76"));
    assert!(!sees(&old, &receipt).await);
}

#[tokio::test]
async fn an_agent_is_told_that_a_report_leaves_its_region_before_it_does() {
    let env = directory().await;
    let receipt = env.declarant("alice").submit(incident()).await.unwrap();
    let agent = env.agent("84");
    let asked = AttachReportToStructureRequest {
        validate_only: true,
        ..attaching(&receipt, TOULOUSE)
    };
    let preview = agent.attach(asked.clone()).await.unwrap();
    assert_eq!(preview.report, None);
    assert_eq!(preview.no_longer_visible_to, ["ars:84"]);
    assert!(preview.leaves_your_sight);
    assert!(sees(&agent, &receipt).await);
    assert_eq!(attached(&env.events().await), []);

    let request = AttachReportToStructureRequest {
        validate_only: false,
        ..asked
    };
    let answer = agent.attach(request.clone()).await.unwrap();
    assert_eq!(answer, preview);
    assert!(!sees(&agent, &receipt).await);
    // Its retry is answered alike, though it sees the report no more.
    assert_eq!(agent.attach(request).await.unwrap(), answer);
    let back = agent.attach(attaching(&receipt, FLEYRIAT)).await;
    assert_eq!(back.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn what_belongs_to_the_armed_forces_leaves_the_cell_but_where_care_is_touched() {
    let env = directory().await;
    let analyst = env.with_role("analyst");
    let alice = env.declarant("alice");
    let receipt = alice.submit(incident()).await.unwrap();
    let answer = analyst.attach(attaching(&receipt, ARMY)).await.unwrap();
    assert!(answer.leaves_your_sight);
    let lost: BTreeSet<&str> = answer
        .no_longer_visible_to
        .iter()
        .map(String::as_str)
        .collect();
    assert_eq!(lost, BTreeSet::from(["ars:84", "cell", "fssi"]));
    assert!(!sees(&analyst, &receipt).await && sees(&alice, &receipt).await);

    let receipt = alice.submit(degraded()).await.unwrap();
    let answer = analyst.attach(attaching(&receipt, ARMY)).await.unwrap();
    assert!(!answer.leaves_your_sight);
    assert!(sees(&analyst, &receipt).await && sees(&env.agent("93"), &receipt).await);
}

#[tokio::test]
async fn what_an_agency_entered_for_the_wrong_structure_goes_to_another_region() {
    let env = directory().await;
    let entered = ReportDraft {
        capacity: DeclarantCapacity::Agency.into(),
        ..incident()
    };
    let receipt = env.agent("84").submit(entered).await.unwrap();
    let analyst = env.with_role("analyst");
    let answer = analyst.attach(attaching(&receipt, TOULOUSE)).await.unwrap();
    assert_eq!(answer.report.unwrap().routing_region, "76");
    assert!(sees(&env.agent("76"), &receipt).await);
}

#[tokio::test]
async fn a_report_of_an_ambiguous_number_is_attached_and_its_link_decided_anew() {
    let env = directory().await;
    let alice = env.linked("alice");
    let draft = ReportDraft {
        structure: siret("26310012500016"),
        department: "01".to_owned(),
        ..incident()
    };
    let receipt = alice.submit(draft).await.unwrap();
    let agent = env.agent("84");
    agent.confirm_link(confirming(&receipt)).await.unwrap();
    let answer = agent.attach(attaching(&receipt, FLEYRIAT)).await.unwrap();
    let report = answer.report.unwrap();
    assert_eq!(report.routing_region, "84");
    assert_eq!(report.link(), DeclarantLink::Unverified);
    assert_eq!(report.draft.unwrap().department, "");
    let colleague = env.linked("bob");
    assert!(!sees(&colleague, &receipt).await);
    agent.confirm_link(confirming(&receipt)).await.unwrap();
    assert!(sees(&colleague, &receipt).await);
}

#[tokio::test]
async fn a_report_is_attached_once_and_to_a_site_of_the_directory_alone() {
    let env = directory().await;
    let receipt = env.declarant("alice").submit(incident()).await.unwrap();
    let analyst = env.with_role("analyst");
    for unknown in ["010780054", "2A0000014"] {
        let refused = analyst.attach(attaching(&receipt, unknown)).await;
        let violation = ("finess".to_owned(), "NOT_IN_DIRECTORY".to_owned());
        assert_eq!(violations(&refused.unwrap_err()), [violation], "{unknown}");
    }
    let same = analyst.attach(attaching(&receipt, FLEYRIAT)).await.unwrap();
    assert_eq!(same.report.unwrap().revision, 1);
    let stranger = env.agent("76").attach(attaching(&receipt, TOULOUSE)).await;
    assert_eq!(stranger.unwrap_err().code(), Code::NotFound);
    let declarant = env.linked("bob");
    let refused = declarant.attach(attaching(&receipt, TOULOUSE)).await;
    assert_eq!(reason(&refused.unwrap_err()), "ROLE_MISSING");

    let request = attaching(&receipt, TOULOUSE);
    let answer = analyst.attach(request.clone()).await.unwrap();
    assert_eq!(analyst.attach(request).await.unwrap(), answer);
    assert_eq!(attached(&env.events().await).len(), 1);
}

#[tokio::test]
async fn a_snapshot_tells_of_decisions_under_the_ids_of_their_events() {
    let env = directory().await;
    let receipt = env.declarant("alice").submit(incident()).await.unwrap();
    let analyst = env.with_role("analyst");
    analyst.confirm_link(confirming(&receipt)).await.unwrap();
    analyst.attach(attaching(&receipt, TOULOUSE)).await.unwrap();
    let subject = format!("report/{}", receipt.report_id);
    let client = EventLogServiceClient::new(env.service.as_service("qualification"));
    let answer = client.clone().snapshot(SnapshotRequest::default()).await;
    let mut parts = answer.unwrap().into_inner();
    let mut told = BTreeMap::new();
    while let Some(part) = parts.message().await.unwrap() {
        if let Some(Part::Events(batch)) = part.part {
            told.extend(batch.events.into_iter().map(|it| (it.id.clone(), it.data)));
        }
    }
    let of_log = env.events().await;
    let of_report: Vec<_> = of_log.iter().filter(|it| it.subject == subject).collect();
    assert_eq!(of_report.len(), 3);
    for event in of_report {
        let Some(Some(Data::BinaryData(payload))) = told.get(&event.id.to_string()) else {
            panic!("{} is told under its id", event.event_type)
        };
        assert_eq!(payload, &event.payload, "{}", event.event_type);
    }
}
