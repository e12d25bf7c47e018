//! The texts of notices: the mails and the headlines, rendered from the files of
//! `templates/`, one folder for each language.
//!
//! The first line of a mail's template is its subject; an empty line parts it from
//! the body. A template sees the fields that `fields` lists for it and no others:
//! one that names another field does not render, and a test renders them all.

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};
use serde::Deserialize;
use time::OffsetDateTime;
use vocabulary::display_line;

use super::{Content, ReportSummary, Rule, Trigger, fields};

/// The columns of a subject: what is ours comes first, and the name is clipped.
const MAX_SUBJECT_WIDTH: usize = 200;
/// The columns of a headline, which has all that is known of a report.
const MAX_HEADLINE_WIDTH: usize = 500;

/// A rendered mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    /// Its subject.
    pub(crate) subject: String,
    /// Its text.
    pub(crate) body: String,
}

/// What all mails of an installation have in common.
#[derive(Clone, Debug)]
pub(crate) struct Branding {
    /// The language of the mails.
    pub(crate) language: Language,
    /// The telephone number of the on-call service (astreinte).
    pub(crate) emergency_phone: String,
    /// The domain of the agencies' mailboxes.
    pub(crate) agency_domain: String,
}

/// The language of the mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

/// A template that cannot be rendered.
#[derive(Debug, thiserror::Error)]
#[error("a template cannot be rendered")]
pub(crate) struct RenderError(#[from] minijinja::Error);

/// The embedded files: name and source.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .expect("the usual delimiters differ"),
    );
    for &(name, source) in FILES {
        environment
            .add_template(name, source)
            .expect("a test parses every embedded template");
    }
    environment
});

/// Renders a mail. It holds no contact data and none of the declarant's own words;
/// `now` tells which agency is competent and which deadlines have passed.
pub(crate) fn mail(
    content: &Content,
    branding: &Branding,
    now: OffsetDateTime,
) -> Result<Mail, RenderError> {
    let folder = match branding.language {
        Language::Fr => "fr",
        Language::En => "en",
    };
    let template = match content {
        Content::Report(template, _) => template.file(),
        Content::Digest(_) => "digest",
        Content::Call(..) => "escalation",
    };
    let name = format!("{folder}/{template}.txt");
    let text = render(&name, fields::of_mail(content, branding, now))?;
    let (subject, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    Ok(Mail {
        subject: display_line(subject, MAX_SUBJECT_WIDTH),
        body: body.to_owned(),
    })
}

/// Renders the headline, in French, of what a rule raises about a trigger.
pub(crate) fn headline(
    rule: Rule,
    trigger: &Trigger,
    summary: &ReportSummary,
    back_dated: bool,
) -> Result<String, RenderError> {
    let fields = fields::of_headline(rule, trigger, summary, back_dated);
    let line = render("fr/headline.txt", fields)?;
    Ok(display_line(&line, MAX_HEADLINE_WIDTH))
}

fn render(name: &str, fields: Value) -> Result<String, minijinja::Error> {
    TEMPLATES.get_template(name)?.render(fields)
}

#[cfg(test)]
mod tests;
