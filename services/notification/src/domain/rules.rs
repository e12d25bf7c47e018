//! Who is notified of what: one rule for every event.

use std::collections::BTreeSet;

use uuid::Uuid;
use vocabulary::{Party, has_health_impact, is_working_time};

use super::{
    mail_draft::{Content, MailDraft, Recipient, Template},
    projection::ReportProjection,
    rule::Rule,
    summary::ReportSummary,
    trigger::{Author, CaseUpdate, Change, PostedMessage, Submission, Trigger, Withdrawal},
};

/// What a trigger leads to.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// What the stream tells, one rule a notification.
    pub(crate) raised: Vec<Rule>,
    /// The report as it stands for the stream.
    pub(crate) summary: ReportSummary,
    /// The messages to be sent, each with the event it derives from.
    pub(crate) drafts: Vec<(Uuid, MailDraft)>,
    /// Whose digest of the day tells of it.
    pub(crate) digested: Vec<Recipient>,
    /// What is known of the report from now on.
    pub(crate) known: ReportProjection,
}

/// Decides who is notified of a trigger.
///
/// The same trigger decided again adds nothing to what is known.
pub(crate) fn decide(event_id: Uuid, trigger: &Trigger, known: &ReportProjection) -> Decision {
    let mut decision = match trigger {
        Trigger::Submitted(submission) => submitted(event_id, submission, known),
        Trigger::Withdrawn(withdrawal) => withdrawn(event_id, withdrawal, known),
        Trigger::CaseChanged(update) => case_changed(event_id, update, known),
        Trigger::MessagePosted(message) => message_posted(event_id, message, known),
    };
    if trigger.is_test() || decision.known.test {
        decision.drafts.clear();
        decision.digested.clear();
    }
    let notified = decision.drafts.iter().map(|(_, draft)| draft.recipient);
    let notified = notified.chain(decision.digested.iter().copied());
    decision
        .known
        .notified
        .extend(notified.filter(|recipient| *recipient != Recipient::Declarant));
    decision
}

fn submitted(event_id: Uuid, submission: &Submission, known: &ReportProjection) -> Decision {
    let summary = submission.summary.clone();
    let draft = |rule, recipient, template| {
        let content = Content::of_report(template, summary.clone());
        (
            event_id,
            MailDraft {
                rule,
                recipient,
                content,
            },
        )
    };
    if submission.back_dated {
        return entered_afterwards(submission, known);
    }
    let mut drafts = vec![draft(
        Rule::Receipt,
        Recipient::Declarant,
        Template::Receipt,
    )];
    let mut notified = to_be_notified(submission);
    // Once is enough, also where its case was heard of first.
    notified.retain(|(_, recipient)| {
        *recipient != Recipient::HealthAuthority || !known.notified.contains(recipient)
    });
    drafts.extend(
        notified
            .iter()
            .map(|&(rule, recipient)| draft(rule, recipient, Template::Submission)),
    );
    let national = [Recipient::Cell, Recipient::SecurityOfficer];
    if out_of_hours(submission)
        && notified
            .iter()
            .any(|(_, notified)| national.contains(notified))
    {
        drafts.push(draft(
            Rule::OnCall,
            Recipient::OnCall,
            Template::SubmissionOutOfHours,
        ));
    }
    if let Some(closed_by) = known.awaiting_closing {
        drafts.push((closed_by, closing(&summary)));
    }
    Decision {
        raised: vec![Rule::Submission],
        known: known.with(submission),
        summary,
        drafts,
        digested: Vec::new(),
    }
}

/// What an importer sends with a past date: nobody is written to about it alone, as
/// if it were new. Those whose digest tells of it hear of its withdrawal like the others.
fn entered_afterwards(submission: &Submission, known: &ReportProjection) -> Decision {
    let mut digested = to_be_notified(submission);
    digested.retain(|(_, recipient)| *recipient != Recipient::HealthAuthority);
    Decision {
        raised: vec![Rule::Submission],
        known: known.with(submission),
        summary: submission.summary.clone(),
        drafts: Vec::new(),
        digested: digested
            .into_iter()
            .map(|(_, recipient)| recipient)
            .collect(),
    }
}

/// The institutions that hear of a submission: those a rule names, as far as
/// the routing of the report lets them see it.
fn to_be_notified(submission: &Submission) -> Vec<(Rule, Recipient)> {
    let Submission {
        summary, audience, ..
    } = submission;
    let mut notified = Vec::new();
    if summary.stays_with_the_armed_forces() {
        return notified;
    }
    if audience.includes(&Party::Cell) {
        notified.push((Rule::AnnounceCell, Recipient::Cell));
    }
    if audience.includes(&Party::SecurityOfficer) {
        notified.push((Rule::AnnounceFssi, Recipient::SecurityOfficer));
    }
    notified.extend(
        audience
            .regions()
            .map(|region| (Rule::AnnounceAgency, Recipient::Agency(region))),
    );
    if has_health_impact(&summary.impacts) && audience.includes(&Party::HealthAuthority) {
        notified.push((Rule::AnnounceHealthAuthority, Recipient::HealthAuthority));
    }
    notified
}

/// The on-call chain hears of a submission that falls outside working hours
/// (Monday to Friday, 9 h to 18 h, Paris).
fn out_of_hours(submission: &Submission) -> bool {
    !is_working_time(submission.received_at)
}

fn withdrawn(event_id: Uuid, withdrawal: &Withdrawal, known: &ReportProjection) -> Decision {
    let stored = known.summary.clone().unwrap_or_default();
    let summary = ReportSummary {
        reference: withdrawal.reference.clone(),
        region: withdrawal.region.or(stored.region),
        ..stored
    };
    let draft = |&recipient: &Recipient| {
        let content = Content::of_report(Template::Withdrawal, summary.clone());
        (
            event_id,
            MailDraft {
                rule: Rule::AnnounceWithdrawal,
                recipient,
                content,
            },
        )
    };
    Decision {
        raised: vec![Rule::Withdrawal],
        drafts: known.notified.iter().map(draft).collect(),
        digested: Vec::new(),
        known: known.clone(),
        summary,
    }
}

fn case_changed(event_id: Uuid, update: &CaseUpdate, known: &ReportProjection) -> Decision {
    let summary = known.summary_after(update);
    let latest = update.revision > known.case_revision;
    let mut raised = match update.change {
        Change::Noted => Vec::new(),
        _ => vec![Rule::CaseChange],
    };
    let mut drafts = Vec::new();
    let mut now_known = known.clone();
    if latest {
        now_known.case_id = Some(update.case_id);
        now_known.case_revision = update.revision;
        now_known.major = update.severity.major;
        now_known.summary = known.summary.is_some().then(|| summary.clone());
        let draft = |rule, recipient, template| {
            let content = Content::of_report(template, summary.clone());
            (
                event_id,
                MailDraft {
                    rule,
                    recipient,
                    content,
                },
            )
        };
        if update.severity.major && !known.major {
            raised.push(Rule::Major);
            drafts.extend(
                notified_of_major(update, known)
                    .map(|(rule, recipient)| draft(rule, recipient, Template::Major)),
            );
        }
        if health_authority_learns(update, known) {
            let recipient = Recipient::HealthAuthority;
            drafts.push(draft(
                Rule::AnnounceHealthAuthority,
                recipient,
                Template::HealthImpact,
            ));
        }
        if update.change == Change::Closed && !known.back_dated {
            if known.summary.is_some() {
                drafts.push((event_id, closing(&summary)));
            } else {
                now_known.awaiting_closing = Some(event_id);
            }
        }
    }
    Decision {
        raised,
        summary,
        drafts,
        digested: Vec::new(),
        known: now_known,
    }
}

/// The FSSI, who pilots a major incident, and the on-call chain; an imported
/// past one wakes nobody.
fn notified_of_major(
    update: &CaseUpdate,
    known: &ReportProjection,
) -> impl Iterator<Item = (Rule, Recipient)> {
    let officer = update.audience.includes(&Party::SecurityOfficer);
    let mut notified = BTreeSet::new();
    if officer {
        notified.insert((Rule::AnnounceMajor, Recipient::SecurityOfficer));
    }
    if (officer || update.audience.includes(&Party::Cell)) && !known.back_dated {
        notified.insert((Rule::OnCall, Recipient::OnCall));
    }
    notified.into_iter()
}

/// The health authority hears once of a report: when it is submitted with a
/// health impact, else when the cell confirms one. Of an imported past one it gets no
/// mail: what needed its answer is over.
fn health_authority_learns(update: &CaseUpdate, known: &ReportProjection) -> bool {
    update.qualified
        && !known.back_dated
        && has_health_impact(&update.impacts)
        && update.audience.includes(&Party::HealthAuthority)
        && !known.notified.contains(&Recipient::HealthAuthority)
}

/// The declarant hears that somebody wrote to the structure, unless the report was
/// imported with a past date; the cell hears that the structure wrote. All others
/// who may read the message have the stream.
///
/// A message that comes before its report writes to nobody: neither the contacts of the
/// declarant nor the chain of the structure are known.
fn message_posted(event_id: Uuid, message: &PostedMessage, known: &ReportProjection) -> Decision {
    let stored = known.summary.clone().unwrap_or_default();
    let summary = ReportSummary {
        reference: message.reference.clone(),
        region: message.region.or(stored.region),
        ..stored
    };
    let mail = match message.author {
        Some(Author::Structure) => (message.audience.includes(&Party::Cell)
            && !summary.stays_with_the_armed_forces())
        .then_some((Recipient::Cell, Template::MessageOfStructure)),
        Some(Author::Cell | Author::Agency | Author::SecurityOfficer) => (message.to_structure
            && !known.back_dated)
            .then_some((Recipient::Declarant, Template::Message)),
        None => None,
    };
    let mail = mail.filter(|_| known.summary.is_some());
    let draft = |(recipient, template)| {
        let content = Content::of_report(template, summary.clone());
        let rule = Rule::Message;
        (
            event_id,
            MailDraft {
                rule,
                recipient,
                content,
            },
        )
    };
    Decision {
        raised: vec![Rule::Message],
        drafts: mail.into_iter().map(draft).collect(),
        digested: Vec::new(),
        known: ReportProjection {
            case_id: known.case_id.or(Some(message.case_id)),
            ..known.clone()
        },
        summary,
    }
}

fn closing(summary: &ReportSummary) -> MailDraft {
    MailDraft {
        rule: Rule::Closing,
        recipient: Recipient::Declarant,
        content: Content::of_report(Template::Closing, summary.clone()),
    }
}

#[cfg(test)]
mod tests;
