//! Who is told of what: the matrix of those to be told.

use std::collections::BTreeSet;

use uuid::Uuid;
use vocabulary::{Party, has_health_impact, is_working_time};

use super::{
    cause::{CaseNews, Cause, Change, Submission, Withdrawal},
    known::KnownReport,
    letter::{Content, Letter, Occasion, Recipient},
    rule::Rule,
    situation::Situation,
};

/// What a cause leads to.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// What the stream tells, one rule a notification.
    pub(crate) raised: Vec<Rule>,
    /// The report as it stands for the stream.
    pub(crate) situation: Situation,
    /// The messages to be sent, each with the event it derives from.
    pub(crate) letters: Vec<(Uuid, Letter)>,
    /// What is known of the report from now on.
    pub(crate) known: KnownReport,
}

/// Decides who is told of a cause.
///
/// The same cause decided again adds nothing to what is known.
pub(crate) fn decide(event_id: Uuid, cause: &Cause, known: &KnownReport) -> Decision {
    let mut decision = match cause {
        Cause::Submitted(submission) => submitted(event_id, submission, known),
        Cause::Withdrawn(withdrawal) => withdrawn(event_id, withdrawal, known),
        Cause::CaseChanged(news) => case_changed(event_id, news, known),
    };
    if cause.is_test() || decision.known.test {
        decision.letters.clear();
    }
    let told = decision.letters.iter().map(|(_, letter)| letter.recipient);
    decision
        .known
        .told
        .extend(told.filter(|recipient| *recipient != Recipient::Declarant));
    decision
}

fn submitted(event_id: Uuid, submission: &Submission, known: &KnownReport) -> Decision {
    let situation = submission.situation.clone();
    let letter = |rule, recipient, occasion| {
        let content = Content {
            occasion,
            situation: situation.clone(),
        };
        (
            event_id,
            Letter {
                rule,
                recipient,
                content,
            },
        )
    };
    let mut letters = vec![letter(
        Rule::Receipt,
        Recipient::Declarant,
        Occasion::Receipt,
    )];
    let mut told = to_be_told(submission);
    // Once is enough, also where its case was heard of first.
    told.retain(|(_, recipient)| {
        *recipient != Recipient::HealthAuthority || !known.told.contains(recipient)
    });
    letters.extend(
        told.iter()
            .map(|&(rule, recipient)| letter(rule, recipient, Occasion::Submission)),
    );
    let national = [Recipient::Cell, Recipient::SecurityOfficer];
    if out_of_hours(submission) && told.iter().any(|(_, told)| national.contains(told)) {
        letters.push(letter(
            Rule::OnCall,
            Recipient::OnCall,
            Occasion::SubmissionOutOfHours,
        ));
    }
    if let Some(closed_by) = known.awaiting_closing {
        letters.push((closed_by, closing(&situation)));
    }
    Decision {
        raised: vec![Rule::Submission],
        known: KnownReport {
            situation: Some(situation.clone()),
            back_dated: submission.back_dated,
            test: submission.test,
            sealed_contacts: submission.sealed_contacts.clone(),
            data_key: submission.data_key.clone(),
            awaiting_closing: None,
            ..known.clone()
        },
        situation,
        letters,
    }
}

/// The institutions that hear of a submission: those a rule names, as far as
/// the routing of the report lets them see it.
fn to_be_told(submission: &Submission) -> Vec<(Rule, Recipient)> {
    let Submission {
        situation,
        audience,
        ..
    } = submission;
    let mut told = Vec::new();
    if situation.stays_with_the_armed_forces() {
        return told;
    }
    if audience.includes(&Party::Cell) {
        told.push((Rule::AnnounceCell, Recipient::Cell));
    }
    if audience.includes(&Party::SecurityOfficer) {
        told.push((Rule::AnnounceFssi, Recipient::SecurityOfficer));
    }
    told.extend(
        audience
            .regions()
            .map(|region| (Rule::AnnounceAgency, Recipient::Agency(region))),
    );
    if has_health_impact(&situation.impacts) && audience.includes(&Party::HealthAuthority) {
        told.push((Rule::AnnounceHealthAuthority, Recipient::HealthAuthority));
    }
    told
}

/// The on-call chain hears of a submission that falls outside working hours
/// (Monday to Friday, 9 h to 18 h, Paris); never of a past one that is imported.
fn out_of_hours(submission: &Submission) -> bool {
    !submission.back_dated && !is_working_time(submission.received_at)
}

fn withdrawn(event_id: Uuid, withdrawal: &Withdrawal, known: &KnownReport) -> Decision {
    let stored = known.situation.clone().unwrap_or_default();
    let situation = Situation {
        reference: withdrawal.reference.clone(),
        region: withdrawal.region.or(stored.region),
        ..stored
    };
    let letter = |&recipient: &Recipient| {
        let content = Content {
            occasion: Occasion::Withdrawal,
            situation: situation.clone(),
        };
        (
            event_id,
            Letter {
                rule: Rule::AnnounceWithdrawal,
                recipient,
                content,
            },
        )
    };
    Decision {
        raised: vec![Rule::Withdrawal],
        letters: known.told.iter().map(letter).collect(),
        known: known.clone(),
        situation,
    }
}

fn case_changed(event_id: Uuid, news: &CaseNews, known: &KnownReport) -> Decision {
    let situation = known.situation_after(news);
    let latest = news.revision > known.case_revision;
    let mut raised = match news.change {
        Change::Noted => Vec::new(),
        _ => vec![Rule::CaseChange],
    };
    let mut letters = Vec::new();
    let mut now_known = known.clone();
    if latest {
        now_known.case_id = Some(news.case_id);
        now_known.case_revision = news.revision;
        now_known.major = news.severity.major;
        now_known.situation = known.situation.is_some().then(|| situation.clone());
        let letter = |rule, recipient, occasion| {
            let content = Content {
                occasion,
                situation: situation.clone(),
            };
            (
                event_id,
                Letter {
                    rule,
                    recipient,
                    content,
                },
            )
        };
        if news.severity.major && !known.major {
            raised.push(Rule::Major);
            letters.extend(
                told_of_a_major_one(news, known)
                    .map(|(rule, recipient)| letter(rule, recipient, Occasion::Major)),
            );
        }
        if health_authority_learns(news, known) {
            let recipient = Recipient::HealthAuthority;
            letters.push(letter(
                Rule::AnnounceHealthAuthority,
                recipient,
                Occasion::HealthImpact,
            ));
        }
        if news.change == Change::Closed {
            if known.situation.is_some() {
                letters.push((event_id, closing(&situation)));
            } else {
                now_known.awaiting_closing = Some(event_id);
            }
        }
    }
    Decision {
        raised,
        situation,
        letters,
        known: now_known,
    }
}

/// The FSSI, who pilots a major incident, and the on-call chain; an imported
/// past one wakes nobody.
fn told_of_a_major_one(
    news: &CaseNews,
    known: &KnownReport,
) -> impl Iterator<Item = (Rule, Recipient)> {
    let officer = news.audience.includes(&Party::SecurityOfficer);
    let mut told = BTreeSet::new();
    if officer {
        told.insert((Rule::AnnounceMajor, Recipient::SecurityOfficer));
    }
    if (officer || news.audience.includes(&Party::Cell)) && !known.back_dated {
        told.insert((Rule::OnCall, Recipient::OnCall));
    }
    told.into_iter()
}

/// The health authority hears once of a report: when it is submitted with a
/// health impact, else when the cell confirms one.
fn health_authority_learns(news: &CaseNews, known: &KnownReport) -> bool {
    news.qualified
        && has_health_impact(&news.impacts)
        && news.audience.includes(&Party::HealthAuthority)
        && !known.told.contains(&Recipient::HealthAuthority)
}

fn closing(situation: &Situation) -> Letter {
    Letter {
        rule: Rule::Closing,
        recipient: Recipient::Declarant,
        content: Content {
            occasion: Occasion::Closing,
            situation: situation.clone(),
        },
    }
}

#[cfg(test)]
mod tests;
