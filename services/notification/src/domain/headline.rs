//! The one line, in French, that says what matters of a notification.

use vocabulary::ReportKind;

use super::{
    phrases,
    rule::Rule,
    summary::ReportSummary,
    trigger::{Change, Trigger},
};

/// Writes the headline of what a rule raises about a trigger.
pub(crate) fn headline(rule: Rule, trigger: &Trigger, summary: &ReportSummary) -> String {
    let reference = &summary.reference;
    let what = match (rule, trigger) {
        (Rule::Major, _) => format!("Incident majeur {reference}"),
        (_, Trigger::Submitted(_)) => format!("{} {reference}", new_report(summary)),
        (_, Trigger::Withdrawn(_)) => format!("Signalement {reference} retiré (fausse alerte)"),
        (_, Trigger::CaseChanged(update)) => {
            format!("Dossier {reference} {}", happened(update.change))
        }
    };
    let mut line = format!("{what} : {}", phrases::structure(summary));
    let mut facts: Vec<String> = phrases::danger(summary)
        .into_iter()
        .map(str::to_owned)
        .collect();
    facts.extend(phrases::origin(summary));
    facts.extend(phrases::severity(summary));
    if !facts.is_empty() && !matches!(trigger, Trigger::Withdrawn(_)) {
        line.push_str(" — ");
        line.push_str(&facts.join(" ; "));
    }
    if trigger.is_test() {
        line.insert_str(0, "[TEST] ");
    }
    line
}

fn new_report(summary: &ReportSummary) -> &'static str {
    match summary.report_kind {
        Some(ReportKind::Incident | ReportKind::Later(_)) | None => "Nouveau signalement",
        Some(ReportKind::ProductVulnerability) => "Nouvelle vulnérabilité de produit",
        Some(ReportKind::VendorBadPractice) => "Nouvelle mauvaise pratique de fournisseur",
    }
}

fn happened(change: Change) -> &'static str {
    match change {
        Change::Opened => "ouvert",
        Change::Claimed => "pris en charge par la cellule",
        Change::Qualified => "qualifié",
        Change::OutOfScope => "déclaré hors périmètre",
        Change::Closed => "clos",
        Change::Withdrawn => "retiré",
        Change::Noted | Change::Other => "mis à jour",
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;
    use vocabulary::{
        CareImpact, Impacts, Origin, OriginType, PatientEndangerment, RoutingRegion, Severity,
        StructureKind,
    };

    use super::{super::trigger::Submission, *};

    #[test]
    fn a_headline_says_who_where_what_and_how_bad() {
        let summary = ReportSummary {
            reference: "SIG-2026-7K3M9Q4".to_owned(),
            structure_name: Some("Centre hospitalier de Lisieux".to_owned()),
            structure_kind: Some(StructureKind::HealthFacility),
            region: Some(RoutingRegion::Region("28".parse().unwrap())),
            origin: Some(Origin::Malicious),
            origin_types: [OriginType::Ransomware].into(),
            impacts: Impacts {
                care: Some(CareImpact::Interruption),
                patient_endangerment: Some(PatientEndangerment::Proven),
                ..Impacts::default()
            },
            severity: Severity {
                serious: true,
                ..Severity::default()
            },
            ..ReportSummary::default()
        };
        let trigger = Trigger::Submitted(Submission {
            report_id: Uuid::nil(),
            summary: summary.clone(),
            received_at: datetime!(2026-11-23 08:00 UTC),
            back_dated: false,
            audience: super::super::audience::Audience::default(),
            test: false,
            sealed_contacts: None,
            data_key: None,
        });
        assert_eq!(
            headline(Rule::Submission, &trigger, &summary),
            "Nouveau signalement SIG-2026-7K3M9Q4 : Centre hospitalier de Lisieux (Établissement \
             de santé, Normandie) — mise en danger avérée de patients ; prise en charge \
             interrompue ; origine malveillante (rançongiciel) ; grave",
        );
    }
}
