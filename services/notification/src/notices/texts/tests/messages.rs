//! Messages on a case, and what else happens on it.

use super::*;
use vocabulary::CaseActivity;

use crate::notices::trigger::{Activity, Actor};

fn posted(actor: Option<Actor>) -> Trigger {
    Trigger::Activity(Activity {
        report_id: Uuid::nil(),
        case_id: None,
        reference: summary().reference,
        region: None,
        kind: Some(CaseActivity::Message),
        actor,
        to_structure: true,
        audience: service::Parties::default(),
        due_at: None,
        test: false,
    })
}

#[test]
fn the_headline_of_a_message_says_who_wrote_on_which_case() {
    let place = "Centre hospitalier de Lisieux (Établissement de santé, Normandie)";
    for (actor, said) in [
        (Some(Actor::Structure), "Message de la structure sur"),
        (Some(Actor::Cell), "Message de la cellule sur"),
        (Some(Actor::Agency), "Message de l'ARS sur"),
        (Some(Actor::SecurityOfficer), "Message du FSSI sur"),
        (None, "Message sur"),
    ] {
        let headline = headline(Rule::Message, &posted(actor), &summary(), false).unwrap();
        assert_eq!(
            headline,
            format!("{said} le dossier SIG-2026-7K3M9Q4 : {place}")
        );
    }
}

#[test]
fn the_mail_of_a_message_says_where_to_read_it_in_the_language_of_the_installation() {
    let english = Branding {
        language: Language::En,
        ..branding()
    };
    for (branding, template, subject, said) in [
        (
            branding(),
            Template::ToStructure(CaseActivity::Message),
            "Signalement SIG-2026-7K3M9Q4 : un message vous attend",
            "Il est à lire dans votre espace personnel",
        ),
        (
            english.clone(),
            Template::ToStructure(CaseActivity::Message),
            "Report SIG-2026-7K3M9Q4: a message awaits you",
            "Read it in your personal space",
        ),
        (
            branding(),
            Template::OfStructure(CaseActivity::Message),
            "[SSI] Signalement SIG-2026-7K3M9Q4 : message de la structure",
            "Structure : Centre hospitalier de Lisieux",
        ),
        (
            english,
            Template::OfStructure(CaseActivity::Message),
            "[SSI] Report SIG-2026-7K3M9Q4: message from the structure",
            "Structure: Centre hospitalier de Lisieux",
        ),
    ] {
        let content = of_report(template, summary());
        let mail = mail(&content, &branding, NOW).unwrap();
        assert_eq!(mail.subject, subject);
        assert!(mail.body.contains(said), "{}", mail.body);
    }
}

#[test]
fn what_an_agency_says_for_the_structure_is_told_to_the_declarant_in_both_languages() {
    for (template, language, subject, said) in [
        (
            Template::AmendedOnBehalf,
            Language::Fr,
            "Signalement SIG-2026-7K3M9Q4 : votre déclaration a été complétée pour vous",
            "saisi en votre nom par votre agence régionale de santé sur le dossier",
        ),
        (
            Template::AmendedOnBehalf,
            Language::En,
            "Report SIG-2026-7K3M9Q4: your declaration was completed for you",
            "completed your declaration on your behalf on the case of your report",
        ),
        (
            Template::ResolvedOnBehalf,
            Language::Fr,
            "Signalement SIG-2026-7K3M9Q4 : la résolution de l'incident a été déclarée pour vous",
            "Si l'incident n'est pas terminé, dites-le sans délai.",
        ),
        (
            Template::ResolvedOnBehalf,
            Language::En,
            "Report SIG-2026-7K3M9Q4: the incident was declared resolved for you",
            "If the incident is not over, say so without delay.",
        ),
    ] {
        let branding = Branding {
            language,
            ..branding()
        };
        let mail = mail(&of_report(template, summary()), &branding, NOW).unwrap();
        assert_eq!(mail.subject, subject);
        assert!(mail.body.contains(said), "{}", mail.body);
    }
}

#[test]
fn an_activity_is_told_in_its_own_words_with_who_did_it_and_until_when() {
    let due_at = Some(datetime!(2026-11-25 17:00 UTC));
    let asked = summary();
    let asked = ReportSummary { due_at, ..asked };
    let template = Template::ToStructure(CaseActivity::InformationRequested);
    let mail = rendered(template, asked.clone());
    assert_eq!(
        mail.subject,
        "Signalement SIG-2026-7K3M9Q4 : des informations vous sont demandées"
    );
    let expected = "Réponse attendue avant le 25/11/2026 à 18 h 00 (heure de Paris).";
    assert!(mail.body.contains(expected), "{}", mail.body);
    let Trigger::Activity(activity) = posted(Some(Actor::Agency)) else {
        unreachable!()
    };
    let request = Trigger::Activity(Activity {
        kind: Some(CaseActivity::InformationRequested),
        ..activity.clone()
    });
    assert_eq!(
        headline(Rule::Activity, &request, &asked, false).unwrap(),
        "Demande d'informations par l'ARS sur le dossier SIG-2026-7K3M9Q4 : Centre hospitalier \
         de Lisieux (Établissement de santé, Normandie)"
    );
    let overdue = Trigger::Activity(Activity {
        kind: Some(CaseActivity::InformationOverdue),
        actor: Some(Actor::Suite),
        ..activity.clone()
    });
    let line = headline(Rule::Activity, &overdue, &asked, false).unwrap();
    assert!(
        line.starts_with("Réponse en retard sur le dossier SIG"),
        "{line}"
    );
    let later = Trigger::Activity(Activity {
        kind: None,
        ..activity
    });
    let line = headline(Rule::Activity, &later, &asked, false).unwrap();
    assert!(
        line.starts_with("Activité par l'ARS sur le dossier"),
        "{line}"
    );
}

#[test]
fn what_an_agency_may_do_for_the_structure_is_told_as_of_either() {
    for (kind, said) in [
        (
            CaseActivity::InformationAnswered,
            "La structure, ou l'ARS pour elle, a répondu à une demande d'informations sur le \
             dossier du signalement SIG-2026-7K3M9Q4.\n",
        ),
        (
            CaseActivity::FeedbackGiven,
            "La structure a dit ce qu'elle retient de l'incident sur le dossier du signalement \
             SIG-2026-7K3M9Q4.\n",
        ),
    ] {
        let body = rendered(Template::OfStructure(kind), summary()).body;
        assert!(body.starts_with(said), "{body}");
    }
    let declined = rendered(
        Template::ToStructure(CaseActivity::MeasureDeclined),
        summary(),
    );
    assert_eq!(
        declined.subject,
        "Signalement SIG-2026-7K3M9Q4 : un refus est noté"
    );
    let said = "Votre demande de mesures, ou une mesure en votre nom, a été refusée sur le dossier \
                de votre signalement SIG-2026-7K3M9Q4.\n";
    assert!(declined.body.contains(said), "{}", declined.body);
}

#[test]
fn a_resolution_is_told_without_what_the_structure_wrote() {
    let english = Branding {
        language: Language::En,
        ..branding()
    };
    for (branding, subject, said) in [
        (
            branding(),
            "[SSI] Signalement SIG-2026-7K3M9Q4 : incident déclaré résolu",
            "Structure : Centre hospitalier de Lisieux (Établissement de santé, Normandie)",
        ),
        (
            english,
            "[SSI] Report SIG-2026-7K3M9Q4: incident declared resolved",
            "Structure: Centre hospitalier de Lisieux",
        ),
    ] {
        let content = of_report(Template::Resolution, summary());
        let mail = mail(&content, &branding, NOW).unwrap();
        assert_eq!(mail.subject, subject);
        assert!(mail.body.contains(said), "{}", mail.body);
        assert!(mail.body.contains("TLP:AMBER"), "{}", mail.body);
    }
}

#[test]
fn a_reminder_of_a_deadline_says_what_is_owed_to_whom_and_until_when() {
    let said = |kind, language, due_at| {
        let due_at = Some(due_at);
        let content = of_report(
            Template::ToStructure(kind),
            ReportSummary {
                due_at,
                ..summary()
            },
        );
        let branding = Branding {
            language,
            ..branding()
        };
        mail(&content, &branding, NOW).unwrap()
    };
    let soon = NOW + time::Duration::hours(18);
    let past = NOW - time::Duration::hours(18);
    for (kind, french, english) in [
        (
            CaseActivity::NotificationDue,
            "la notification de l'incident est bientôt due",
            "the notification of the incident is due soon",
        ),
        (
            CaseActivity::NotificationOverdue,
            "la notification de l'incident est en retard",
            "the notification of the incident is overdue",
        ),
        (
            CaseActivity::FinalReportDue,
            "le rapport final est bientôt dû",
            "the final report is due soon",
        ),
        (
            CaseActivity::FinalReportOverdue,
            "le rapport final est en retard",
            "the final report is overdue",
        ),
        (
            CaseActivity::ProgressReportOverdue,
            "un rapport d'avancement est attendu",
            "a progress report is awaited",
        ),
        (
            CaseActivity::CnilDue,
            "la notification à la CNIL",
            "the notification to the CNIL",
        ),
    ] {
        let mail = said(kind, Language::Fr, soon);
        assert!(mail.subject.ends_with(french), "{}", mail.subject);
        assert!(mail.body.contains("Échéance : le "), "{}", mail.body);
        assert!(!mail.body.contains("passée"), "{}", mail.body);
        let late = said(kind, Language::Fr, past);
        assert!(late.body.contains("Elle est passée"), "{}", late.body);
        let mail = said(kind, Language::En, soon);
        assert!(mail.subject.ends_with(english), "{}", mail.subject);
        assert!(mail.body.contains("Due: "), "{}", mail.body);
        assert!(!mail.body.contains("is past"), "{}", mail.body);
        let late = said(kind, Language::En, past);
        assert!(late.body.contains("That is past"), "{}", late.body);
    }
    let cnil = said(CaseActivity::CnilDue, Language::Fr, past).body;
    assert!(
        cnil.contains("notifications.cnil.fr") && cnil.contains("en motivant le retard"),
        "{cnil}"
    );
}
