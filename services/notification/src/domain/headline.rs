//! The one line, in French, that says what matters of a notification.

use vocabulary::{ReportKind, display_line};

use super::{
    cause::{Cause, Change},
    phrases,
    rule::Rule,
    situation::Situation,
};

/// The columns of a headline, which has all that is known of a report.
const MAX_WIDTH: usize = 500;

/// Writes the headline of what a rule raises about a cause.
pub(crate) fn headline(rule: Rule, cause: &Cause, situation: &Situation) -> String {
    let reference = &situation.reference;
    let what = match (rule, cause) {
        (Rule::Major, _) => format!("Incident majeur {reference}"),
        (_, Cause::Submitted(_)) => format!("{} {reference}", new_report(situation)),
        (_, Cause::Withdrawn(_)) => format!("Signalement {reference} retiré (fausse alerte)"),
        (_, Cause::CaseChanged(news)) => format!("Dossier {reference} {}", happened(news.change)),
    };
    let mut line = format!("{what} : {}", phrases::structure(situation));
    let mut facts: Vec<String> = phrases::danger(situation)
        .into_iter()
        .map(str::to_owned)
        .collect();
    facts.extend(phrases::origin(situation));
    facts.extend(phrases::severity(situation));
    if !facts.is_empty() && !matches!(cause, Cause::Withdrawn(_)) {
        line.push_str(" — ");
        line.push_str(&facts.join(" ; "));
    }
    if cause.is_test() {
        line.insert_str(0, "[TEST] ");
    }
    display_line(&line, MAX_WIDTH)
}

fn new_report(situation: &Situation) -> &'static str {
    match situation.report_kind {
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

    use super::{super::cause::Submission, *};

    #[test]
    fn a_headline_says_who_where_what_and_how_bad() {
        let situation = Situation {
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
            ..Situation::default()
        };
        let cause = Cause::Submitted(Submission {
            report_id: Uuid::nil(),
            situation: situation.clone(),
            received_at: datetime!(2026-11-23 08:00 UTC),
            back_dated: false,
            audience: super::super::audience::Audience::default(),
            test: false,
            sealed_contacts: None,
            data_key: None,
        });
        assert_eq!(
            headline(Rule::Submission, &cause, &situation),
            "Nouveau signalement SIG-2026-7K3M9Q4 : Centre hospitalier de Lisieux (Établissement \
             de santé, Normandie) — mise en danger avérée de patients ; prise en charge \
             interrompue ; origine malveillante (rançongiciel) ; grave",
        );

        let forged = Situation {
            structure_name: Some("Cabinet\r\nSIG-2026-0000000\u{202e}".to_owned()),
            ..situation
        };
        let line = headline(Rule::Submission, &cause, &forged);
        let start = "Nouveau signalement SIG-2026-7K3M9Q4 : Cabinet SIG-2026-0000000\u{fffd} (";
        assert!(line.starts_with(start), "{line}");
    }
}
