//! The reports of the scene.

use super::*;

/// What is declared: what decides who sees it, and the draft.
pub(super) fn plans() -> Vec<(Thing, pb::ReportDraft)> {
    let occitanie = || Thing {
        structures: &[MONTPELLIER, MONTPELLIER_LEGAL_ENTITY],
        ..thing("Occitanie", "director", "76")
    };
    let normandie = Thing {
        structures: &[ROUEN],
        ..thing("Normandie", "director-rouen", "28")
    };
    let by_the_agency = Thing {
        label: "an outage without harm, entered by the agency",
        author: "agent",
        health_impact: false,
        ..occitanie()
    };
    let army_with_patients = || Thing {
        kind: Kind::Army,
        structures: &[ARMY_HOSPITAL],
        ..thing("the army, with patients touched", "army director", "76")
    };
    let army_alone = Thing {
        label: "the army's own affair",
        health_impact: false,
        ..army_with_patients()
    };
    let test = Thing {
        kind: Kind::Test,
        ..thing("a test", "prober", "synthetic")
    };
    let imported = Thing {
        kind: Kind::Imported,
        ..thing("imported", "importer", "28")
    };
    vec![
        (occitanie(), ransomware(MONTPELLIER)),
        (normandie, ransomware(ROUEN)),
        (
            thing("a national body", "nobody's director", "national"),
            national(),
        ),
        (
            by_the_agency,
            with_capacity(DeclarantCapacity::Agency, harmless(MONTPELLIER)),
        ),
        (army_alone, harmless(ARMY_HOSPITAL)),
        (army_with_patients(), ransomware(ARMY_HOSPITAL)),
        (test, ransomware(MONTPELLIER)),
        (
            imported,
            with_capacity(DeclarantCapacity::Importer, ransomware(ROUEN)),
        ),
    ]
}

/// A report that touches care, before it is declared.
fn thing(label: &'static str, author: &'static str, region: &'static str) -> Thing {
    Thing {
        label,
        author,
        region,
        health_impact: true,
        kind: Kind::Ordinary,
        structures: &[],
        report_id: String::new(),
        reference: String::new(),
        case_id: String::new(),
        measure_id: String::new(),
        information_request_id: String::new(),
        escalation_id: String::new(),
    }
}

fn with_capacity(capacity: DeclarantCapacity, draft: pb::ReportDraft) -> pb::ReportDraft {
    pb::ReportDraft {
        capacity: capacity.into(),
        ..draft
    }
}

fn harmless(finess: &str) -> pb::ReportDraft {
    pb::ReportDraft {
        description: "Messagerie indisponible une heure".to_owned(),
        origin: types::Origin::NonMalicious.into(),
        origin_types: vec![types::OriginType::SoftwareBug.into()],
        impacts: Some(types::Impacts {
            data: vec![types::DataImpact::None.into()],
            care: types::CareImpact::None.into(),
            patient_endangerment: types::PatientEndangerment::None.into(),
            ..Default::default()
        }),
        ..ransomware(finess)
    }
}

fn national() -> pb::ReportDraft {
    let described = types::DescribedStructure {
        name: "Agence nationale d'exemple".to_owned(),
        department: String::new(),
    };
    pb::ReportDraft {
        national: true,
        structure: Some(types::StructureIdentifier {
            identifier: Some(Identifier::Described(described)),
        }),
        ..ransomware(MONTPELLIER)
    }
}
