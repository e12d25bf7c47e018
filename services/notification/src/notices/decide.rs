//! Who is told of what: one rule for every event.

use std::{collections::BTreeSet, mem};

use time::OffsetDateTime;
use uuid::Uuid;
use vocabulary::{CaseActivity, Party, has_health_impact, is_working_time};

use super::{
    Channel, Notice, Recipient, ReportProjection, ReportSummary, Rule, Template,
    trigger::{Activity, Actor, Amendment, CaseUpdate, Change, Submission, Trigger, Withdrawal},
};

/// What a trigger leads to.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// Who is told, how.
    pub(super) notices: Vec<Notice>,
    /// The report as it stands for those who are told.
    pub(super) summary: ReportSummary,
    /// What is known of the report from now on.
    pub(super) known: ReportProjection,
}

/// Decides who is told of a trigger.
///
/// The same trigger decided again adds nothing to what is known.
pub(super) fn decide(event_id: Uuid, trigger: &Trigger, known: &ReportProjection) -> Decision {
    let mut decision = match trigger {
        Trigger::Submitted(submission) => submitted(event_id, submission, known),
        Trigger::Amended(amendment) => amended(event_id, amendment, known),
        Trigger::Withdrawn(withdrawal) => withdrawn(event_id, withdrawal, known),
        Trigger::CaseChanged(update) => case_changed(event_id, update, known),
        Trigger::Activity(activity) => happened(event_id, activity, known),
    };
    decision.write_messages();
    if trigger.is_test() || decision.known.test {
        let notices = &mut decision.notices;
        notices.retain(|notice| notice.channel == Channel::Feed);
    }
    let notified = decision.notices.iter().filter_map(|it| match it.channel {
        Channel::Feed | Channel::Mail(Recipient::Declarant, _) => None,
        Channel::Mail(recipient, _) | Channel::Digest(recipient) => Some(recipient),
    });
    decision.known.notified.extend(notified);
    decision
}

impl Decision {
    /// Has the mails about activities written once the report is known: with its submission,
    /// or with the next event when the release before, which passes them over, applied that.
    fn write_messages(&mut self) {
        if self.known.summary.is_none() {
            return;
        }
        let is_past = self.known.back_dated;
        let to_declarant = |rule| (Recipient::Declarant, !is_past, rule);
        let due = mem::take(&mut self.known.awaiting_due);
        for (cause, name) in mem::take(&mut self.known.awaiting_messages) {
            let due_at = due.get(&cause).copied();
            let Some(template) = Template::named(&name) else {
                self.known.awaiting_messages.push((cause, name));
                self.known.awaiting_due.extend(due_at.map(|at| (cause, at)));
                continue;
            };
            let (recipient, told, rule) = match template {
                Template::OfStructure(kind) => {
                    let told = !self.summary.stays_with_the_armed_forces();
                    (Recipient::Cell, told, Rule::of_activity(Some(kind)))
                }
                Template::ToStructure(kind) => to_declarant(Rule::of_activity(Some(kind))),
                Template::AmendedOnBehalf => to_declarant(Rule::Amendment),
                Template::ResolvedOnBehalf => to_declarant(Rule::AnnounceResolution),
                _ => continue,
            };
            if told {
                self.notices.push(Notice {
                    cause,
                    rule,
                    channel: Channel::Mail(recipient, template),
                    due_at,
                });
            }
        }
    }
}

/// The notices of one event.
struct Notices(Uuid, Vec<Notice>);

impl Notices {
    fn tell(&mut self, rule: Rule, channel: Channel) {
        self.tell_of(self.0, rule, channel);
    }

    fn tell_of(&mut self, cause: Uuid, rule: Rule, channel: Channel) {
        self.1.push(Notice {
            cause,
            rule,
            channel,
            due_at: None,
        });
    }

    fn mail(&mut self, rule: Rule, recipient: Recipient, template: Template) {
        self.tell(rule, Channel::Mail(recipient, template));
    }

    /// Tells those whom a report concerns since a moment.
    fn announce(
        &mut self,
        report: &Submission,
        mut concerned: Vec<(Rule, Recipient)>,
        since: OffsetDateTime,
    ) {
        if report.back_dated {
            // What an importer sends with a past date: nobody is written to about it alone, as
            // if it were new. Those whose digest tells of it hear of its withdrawal like the
            // others.
            concerned.retain(|(_, recipient)| *recipient != Recipient::HealthAuthority);
            for (_, recipient) in concerned {
                self.tell(Rule::Digest, Channel::Digest(recipient));
            }
            return;
        }
        for &(rule, recipient) in &concerned {
            self.mail(rule, recipient, Template::Submission);
        }
        // The on-call chain hears of what falls outside working hours (Monday to Friday,
        // 9 h to 18 h, Paris).
        let national = [Recipient::Cell, Recipient::SecurityOfficer];
        let mut recipients = concerned.iter().map(|(_, recipient)| recipient);
        if !is_working_time(since) && recipients.any(|it| national.contains(it)) {
            let template = Template::SubmissionOutOfHours;
            self.mail(Rule::OnCall, Recipient::OnCall, template);
        }
    }
}

fn submitted(event_id: Uuid, submission: &Submission, known: &ReportProjection) -> Decision {
    let now_known = known.with(submission);
    let mut notices = Notices(event_id, Vec::new());
    notices.tell(Rule::Submission, Channel::Feed);
    if !submission.back_dated {
        notices.mail(Rule::Receipt, Recipient::Declarant, Template::Receipt);
    }
    let mut concerned = to_be_notified(submission);
    // Once is enough, also where its case, or an amendment of it, was heard of first.
    concerned.retain(|(_, recipient)| {
        let is_told_once =
            *recipient == Recipient::HealthAuthority || known.report_revision.is_some();
        !is_told_once || !known.notified.contains(recipient)
    });
    notices.announce(submission, concerned, submission.received_at);
    if let Some(closed_by) = known.awaiting_closing.filter(|_| !submission.back_dated) {
        let closing = Channel::Mail(Recipient::Declarant, Template::Closing);
        notices.tell_of(closed_by, Rule::Closing, closing);
    }
    Decision {
        notices: notices.1,
        summary: now_known.summary.clone().unwrap_or_default(),
        known: now_known,
    }
}

/// Those whom a report concerns only since it was amended hear of it by the rules of a
/// submission: the ARS of a region that is newly named, the health authority of a first health
/// impact. All others have the stream, and the declarant knows what he wrote; of what an agency
/// wrote for him he is told, and of who attached his report to its structure. Those whom it
/// concerns no more hear no more.
fn amended(event_id: Uuid, amendment: &Amendment, known: &ReportProjection) -> Decision {
    let mut now_known = known.amended(amendment);
    if amendment.on_behalf {
        now_known.await_message(event_id, Template::AmendedOnBehalf);
    }
    let mut notices = Notices(event_id, Vec::new());
    notices.tell(Rule::Amendment, Channel::Feed);
    if let Some(attachment) = &amendment.attachment {
        let lost: Vec<_> = attachment
            .no_longer_visible_to
            .iter()
            .filter_map(office)
            .collect();
        now_known
            .notified
            .retain(|recipient| !lost.contains(recipient));
        if !amendment.report.back_dated {
            let template = Template::ToStructure(CaseActivity::ReportAttached);
            notices.mail(Rule::Activity, Recipient::Declarant, template);
        }
    }
    let mut concerned = to_be_notified(&amendment.report);
    concerned.retain(|(_, recipient)| !known.notified.contains(recipient));
    notices.announce(&amendment.report, concerned, amendment.at);
    Decision {
        notices: notices.1,
        summary: now_known.summary.clone().unwrap_or_default(),
        known: now_known,
    }
}

/// The office that hears of reports as a party that sees them.
fn office(party: &Party) -> Option<Recipient> {
    match party {
        Party::Cell => Some(Recipient::Cell),
        Party::SecurityOfficer => Some(Recipient::SecurityOfficer),
        Party::Region(region) => Some(Recipient::Agency(*region)),
        Party::HealthAuthority => Some(Recipient::HealthAuthority),
        _ => None,
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
    if audience.contains(&Party::Cell) {
        notified.push((Rule::AnnounceCell, Recipient::Cell));
    }
    if audience.contains(&Party::SecurityOfficer) {
        notified.push((Rule::AnnounceFssi, Recipient::SecurityOfficer));
    }
    for slug in audience.slugs() {
        if let Ok(Party::Region(region)) = slug.parse() {
            notified.push((Rule::AnnounceAgency, Recipient::Agency(region)));
        }
    }
    if has_health_impact(&summary.impacts) && audience.contains(&Party::HealthAuthority) {
        notified.push((Rule::AnnounceHealthAuthority, Recipient::HealthAuthority));
    }
    notified
}

fn withdrawn(event_id: Uuid, withdrawal: &Withdrawal, known: &ReportProjection) -> Decision {
    let mut notices = Notices(event_id, Vec::new());
    notices.tell(Rule::Withdrawal, Channel::Feed);
    for &recipient in &known.notified {
        notices.mail(Rule::AnnounceWithdrawal, recipient, Template::Withdrawal);
    }
    let stored = known.summary.clone().unwrap_or_default();
    Decision {
        notices: notices.1,
        summary: ReportSummary {
            reference: withdrawal.reference.clone(),
            region: withdrawal.region.or(stored.region),
            ..stored
        },
        known: known.clone(),
    }
}

fn case_changed(event_id: Uuid, update: &CaseUpdate, known: &ReportProjection) -> Decision {
    let summary = known.summary_after(update);
    let mut notices = Notices(event_id, Vec::new());
    // That the report was amended, attached or its link decided on is told of the report.
    let is_of_report = matches!(
        update.change,
        Change::Noted | Change::Amended | Change::LinkDecided | Change::ReportAttached
    );
    if !is_of_report {
        notices.tell(Rule::CaseChange, Channel::Feed);
    }
    let mut now_known = known.clone();
    if update.revision > known.case_revision {
        now_known.case_id = Some(update.case_id);
        now_known.case_revision = update.revision;
        now_known.major = update.severity.major;
        now_known.qualified = update.qualified || update.care_recorded;
        now_known.summary = known.summary.is_some().then(|| summary.clone());
        if update.severity.major && !known.major {
            notices.tell(Rule::Major, Channel::Feed);
            for (rule, recipient) in notified_of_major(update, known) {
                notices.mail(rule, recipient, Template::Major);
            }
        }
        if health_authority_learns(update, known) {
            let recipient = Recipient::HealthAuthority;
            let rule = Rule::AnnounceHealthAuthority;
            notices.mail(rule, recipient, Template::HealthImpact);
        }
        if update.change == Change::Resolved && !known.back_dated {
            for recipient in notified_of_resolution(update, &summary) {
                notices.mail(Rule::AnnounceResolution, recipient, Template::Resolution);
            }
            if update.resolved_on_behalf {
                now_known.await_message(event_id, Template::ResolvedOnBehalf);
            }
        }
        if update.change == Change::Closed && !known.back_dated {
            if known.summary.is_some() {
                notices.mail(Rule::Closing, Recipient::Declarant, Template::Closing);
            } else {
                now_known.awaiting_closing = Some(event_id);
            }
        }
    }
    Decision {
        notices: notices.1,
        summary,
        known: now_known,
    }
}

/// The FSSI, who pilots a major incident, and the on-call chain; an imported
/// past one wakes nobody.
fn notified_of_major(
    update: &CaseUpdate,
    known: &ReportProjection,
) -> impl Iterator<Item = (Rule, Recipient)> {
    let officer = update.audience.contains(&Party::SecurityOfficer);
    let mut notified = BTreeSet::new();
    if officer {
        notified.insert((Rule::AnnounceMajor, Recipient::SecurityOfficer));
    }
    if (officer || update.audience.contains(&Party::Cell)) && !known.back_dated {
        notified.insert((Rule::OnCall, Recipient::OnCall));
    }
    notified.into_iter()
}

/// The cell and the agencies that see the case; none of them where it stays in the own chain
/// of the armed forces.
fn notified_of_resolution(update: &CaseUpdate, summary: &ReportSummary) -> Vec<Recipient> {
    if summary.stays_with_the_armed_forces() {
        return Vec::new();
    }
    let slugs = update.audience.slugs().into_iter();
    let notified = slugs.filter_map(|slug| match slug.parse() {
        Ok(Party::Cell) => Some(Recipient::Cell),
        Ok(Party::Region(region)) => Some(Recipient::Agency(region)),
        _ => None,
    });
    notified.collect()
}

/// The health authority hears once of a report: when it is submitted with a
/// health impact, else when the cell confirms one or an agency records what it does to
/// care. Of an imported past one it gets no
/// mail: what needed its answer is over.
fn health_authority_learns(update: &CaseUpdate, known: &ReportProjection) -> bool {
    (update.qualified || update.care_recorded)
        && !known.back_dated
        && has_health_impact(&update.impacts)
        && update.audience.contains(&Party::HealthAuthority)
        && !known.notified.contains(&Recipient::HealthAuthority)
}

/// The declarant hears of what others did that concerns the structure, unless the report
/// was imported with a past date; the cell hears of what the structure did, or an agency for
/// it, of which both hear. All others who may know of it have the stream.
///
/// The mail of what comes before its report waits for it: neither the contacts of the
/// declarant nor the chain of the structure are known.
fn happened(event_id: Uuid, activity: &Activity, known: &ReportProjection) -> Decision {
    let stored = known.summary.clone().unwrap_or_default();
    let summary = ReportSummary {
        reference: activity.reference.clone(),
        region: activity.region.or(stored.region),
        ..stored
    };
    let mut notices = Notices(event_id, Vec::new());
    notices.tell(Rule::of_activity(activity.kind), Channel::Feed);
    let mut now_known = ReportProjection {
        case_id: known.case_id.or(activity.case_id),
        ..known.clone()
    };
    for template in message_templates(activity) {
        let due = activity.due_at.map(|at| (event_id, at));
        now_known.awaiting_due.extend(due);
        now_known.await_message(event_id, template);
    }
    Decision {
        notices: notices.1,
        summary,
        known: now_known,
    }
}

/// The mails about an activity: to the cell, to the declarant, to both or to nobody.
fn message_templates(activity: &Activity) -> impl Iterator<Item = Template> {
    let done = activity.actor.zip(activity.kind);
    let to_cell = done
        .filter(|&(actor, kind)| is_of_structure(actor, kind))
        .filter(|_| activity.audience.contains(&Party::Cell))
        .and_then(|(_, kind)| Template::of_structure(kind));
    let to_declarant = done
        .filter(|&(actor, _)| actor != Actor::Structure && activity.to_structure)
        .and_then(|(_, kind)| Template::to_structure(kind));
    to_cell.into_iter().chain(to_declarant)
}

/// Whether the structure did it, or an agency on its behalf.
fn is_of_structure(actor: Actor, kind: CaseActivity) -> bool {
    match actor {
        Actor::Structure => true,
        Actor::Agency => matches!(
            kind,
            CaseActivity::InformationAnswered
                | CaseActivity::MeasureDeclined
                | CaseActivity::MeasureDone
                | CaseActivity::AccompanimentAsked
                | CaseActivity::AccompanimentAccepted
                | CaseActivity::AccompanimentDeclined
        ),
        Actor::Cell | Actor::SecurityOfficer | Actor::Suite => false,
    }
}

#[cfg(test)]
mod tests;
