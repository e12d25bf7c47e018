//! The call of somebody on call.

use super::*;
use crate::notices::Called;

fn called(link: Option<&str>) -> Called {
    Called {
        name: "Camille Roux\r\nBcc: everybody@example.org".to_owned(),
        token: "c0ffee".to_owned(),
        link: link.map(str::to_owned),
        answer_before: datetime!(2026-11-23 20:15 UTC),
    }
}

#[test]
fn a_call_says_who_is_to_do_what_until_when_and_how() {
    let summary = ReportSummary {
        severity: Severity {
            serious: true,
            significant: false,
            major: true,
        },
        ..summary()
    };
    let link = "https://portail.example.org/escalation/c0ffee";
    let content = Content::Call(Box::new(summary), called(Some(link)));
    let mail = mail(&content, &branding(), NOW).unwrap();
    assert_eq!(
        mail.subject,
        "[SSI][ASTREINTE] Signalement SIG-2026-7K3M9Q4 : votre réponse est attendue"
    );
    for said in [
        "vous êtes d'astreinte",
        "avant le 23/11/2026 à 21 h 15 (heure de Paris)",
        "Sans réponse, la personne suivante sera appelée.",
        "https://portail.example.org/escalation/c0ffee\n",
        "vigie escalation acknowledge c0ffee\n",
        "Référence : SIG-2026-7K3M9Q4",
        "Centre hospitalier de Lisieux (Établissement de santé, Normandie)",
        "Gravité : majeur, grave",
        "TLP:AMBER",
    ] {
        assert!(mail.body.contains(said), "{said} in:\n{}", mail.body);
    }
    assert!(!mail.body.lines().any(|line| line.starts_with("Bcc")));
}

#[test]
fn a_call_without_a_portal_says_the_command_in_either_language() {
    for (language, said) in [
        (Language::Fr, "En ligne de commande, sans se connecter :"),
        (Language::En, "On the command line, without logging in:"),
    ] {
        let branding = Branding {
            language,
            ..branding()
        };
        // Its report is not known yet.
        let unknown = ReportSummary {
            reference: "SIG-2026-7K3M9Q4".to_owned(),
            ..ReportSummary::default()
        };
        let content = Content::Call(Box::new(unknown), called(None));
        let mail = mail(&content, &branding, NOW).unwrap();
        assert!(mail.subject.contains("SIG-2026-7K3M9Q4"));
        assert!(mail.body.contains(said), "{}", mail.body);
        assert!(mail.body.contains("vigie escalation acknowledge c0ffee"));
        assert!(!mail.body.contains("https://"), "{}", mail.body);
        assert!(!mail.body.contains("\n\n\n"), "{}", mail.body);
    }
}
