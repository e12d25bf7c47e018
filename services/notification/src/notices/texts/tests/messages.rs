//! Messages on a case.

use super::*;
use crate::notices::trigger::{Author, PostedMessage};

fn posted(author: Option<Author>) -> Trigger {
    Trigger::MessagePosted(PostedMessage {
        report_id: Uuid::nil(),
        case_id: Uuid::nil(),
        reference: summary().reference,
        region: None,
        author,
        to_structure: true,
        audience: service::Parties::default(),
        test: false,
    })
}

#[test]
fn the_headline_of_a_message_says_who_wrote_on_which_case() {
    let place = "Centre hospitalier de Lisieux (Établissement de santé, Normandie)";
    for (author, said) in [
        (Some(Author::Structure), "Message de la structure sur"),
        (Some(Author::Cell), "Message de la cellule sur"),
        (Some(Author::Agency), "Message de l'ARS sur"),
        (Some(Author::SecurityOfficer), "Message du FSSI sur"),
        (None, "Message sur"),
    ] {
        let headline = headline(Rule::Message, &posted(author), &summary(), false).unwrap();
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
            Template::Message,
            "Signalement SIG-2026-7K3M9Q4 : un message vous attend",
            "Il est à lire dans votre espace personnel",
        ),
        (
            english.clone(),
            Template::Message,
            "Report SIG-2026-7K3M9Q4: a message awaits you",
            "Read it in your personal space",
        ),
        (
            branding(),
            Template::MessageOfStructure,
            "[SSI] Signalement SIG-2026-7K3M9Q4 : message de la structure",
            "Structure : Centre hospitalier de Lisieux",
        ),
        (
            english,
            Template::MessageOfStructure,
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
