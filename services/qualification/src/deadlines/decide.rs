//! What the clock of a report counts, and of what its structure is reminded.

use time::OffsetDateTime;
use vocabulary::{
    CaseActivity, Deadline, DeadlineKind, DeadlinePack, ParallelDuty, ReportKind, ReportMoments,
    Term, parallel_duties,
};

use crate::cases::Case;

use super::{BreachFacts, Duty, Reminder, ReportClock, ReportTick, Side};

impl BreachFacts<'_> {
    /// Whether the CNIL is to be notified, and nobody says that it was.
    pub(crate) fn owe_cnil(&self) -> bool {
        let duties = parallel_duties(
            self.kind,
            self.impacts,
            None,
            self.origin,
            self.origin_types.iter().copied(),
        );
        duties.contains(&ParallelDuty::Cnil) && self.cnil_notified != Some(true)
    }
}

impl ReportClock {
    /// The clock of a report that was just declared, by the rule pack of that moment.
    pub(crate) fn start(
        kind: Option<ReportKind>,
        declared_at: OffsetDateTime,
        tick: &ReportTick,
        pack: Option<DeadlinePack>,
    ) -> Self {
        let started = Self {
            kind,
            aware_at: tick.aware_at,
            declared_at,
            told_at: tick.received_at,
            owes_cnil: tick.owes_cnil,
            pack,
            notified_at: None,
            progress_at: None,
            final_at: None,
            handled_at: None,
            report_revision: 0,
        };
        // Whoever heard of an amendment alone knows what was declared by it.
        started.amended(tick)
    }

    /// The clock after an amendment, which may correct what it counts from.
    pub(crate) fn amended(&self, tick: &ReportTick) -> Self {
        let mut next = Self {
            aware_at: tick.aware_at,
            owes_cnil: tick.owes_cnil,
            ..self.clone()
        };
        let Some((stage, at)) = tick.reached else {
            return next;
        };
        next.told_at = self.told_at.max(at);
        if let Some((pack, moments)) = next.pack.as_ref().zip(next.moments()) {
            let moments = pack.amended(&moments, stage, at);
            next.notified_at = moments.notified_at;
            next.progress_at = moments.progress_at;
            next.final_at = moments.final_at;
        }
        next
    }

    /// The clock after a restore of intake, which brought the first declaration back: what was
    /// sent after it is lost.
    pub(crate) fn restored(&self, tick: &ReportTick) -> Self {
        let first = Self {
            told_at: tick.received_at,
            notified_at: None,
            progress_at: None,
            final_at: None,
            ..self.clone()
        };
        first.amended(tick)
    }

    /// The clock, told everything up to this revision of its report.
    pub(crate) fn knowing(&self, report_revision: u64) -> Self {
        Self {
            report_revision,
            ..self.clone()
        }
    }

    /// Whether it was told all that its case was.
    pub(crate) fn knows(&self, case: &Case) -> bool {
        let resolved_at = case.resolution.as_ref().map(|it| it.resolved_at);
        self.report_revision >= case.report.revision
            && (resolved_at.is_none() || resolved_at == self.handled_at)
    }

    /// The clock after the structure declared that its incident is over.
    pub(crate) fn handled(&self, over_at: OffsetDateTime, declared_at: OffsetDateTime) -> Self {
        Self {
            handled_at: Some(over_at),
            told_at: self.told_at.max(declared_at),
            ..self.clone()
        }
    }

    /// The deadlines as they stand at a moment, with the rule pack that says so; none where
    /// none holds.
    pub(super) fn deadlines(&self, now: OffsetDateTime) -> Option<(&DeadlinePack, Vec<Deadline>)> {
        let (pack, moments) = self.pack.as_ref().zip(self.moments())?;
        Some((pack, pack.deadlines(&moments, now)))
    }

    /// When the next report is due, or was, if nothing more is sent.
    pub(super) fn next_due_at(&self) -> Option<OffsetDateTime> {
        Some(self.next_report()?.due_at)
    }

    fn next_report(&self) -> Option<Term> {
        let (pack, moments) = self.pack.as_ref().zip(self.moments())?;
        pack.next(&moments)
    }

    fn cnil(&self) -> Option<Term> {
        let due_at = ParallelDuty::Cnil.deadline(self.aware_at)?;
        let from = self.aware_at;
        self.owes_cnil.then_some(Term { from, due_at })
    }

    fn moments(&self) -> Option<ReportMoments> {
        let declared = ReportMoments::declared(self.kind?, self.aware_at, self.declared_at)?;
        Some(ReportMoments {
            notified_at: self.notified_at,
            progress_at: self.progress_at,
            final_at: self.final_at,
            handled_at: self.handled_at,
            ..declared
        })
    }

    /// The reminders that come if nothing more is sent: none of a moment at which the structure
    /// had not said yet what it is reminded of.
    pub(super) fn reminders(&self) -> Vec<Reminder> {
        let report = self.next_report().map(|term| (Duty::Report, term));
        let cnil = self.cnil().map(|term| (Duty::Cnil, term));
        let reminders = report.into_iter().chain(cnil).flat_map(|(of, term)| {
            let reminder = |side, at| Reminder {
                of,
                side,
                at,
                due_at: term.due_at,
            };
            let before = reminder(Side::Before, term.reminder_at());
            // What is owed to another authority is told once.
            let after = (of == Duty::Report).then(|| reminder(Side::After, term.due_at));
            [Some(before), after].into_iter().flatten()
        });
        reminders.filter(|it| it.at > self.told_at).collect()
    }

    /// What a reminder says when its moment has come; nothing where what it is of was done, or is
    /// due at another moment, and before a deadline that has lapsed meanwhile.
    pub(super) fn says(&self, reminder: &Reminder, now: OffsetDateTime) -> Option<CaseActivity> {
        // Of what has lapsed the other reminder tells; of what is another authority's, none.
        if reminder.side == Side::Before && reminder.due_at <= now {
            return None;
        }
        if reminder.of == Duty::Cnil {
            let stands = self.cnil().is_some_and(|it| it.due_at == reminder.due_at);
            return stands.then_some(CaseActivity::CnilDue);
        }
        let (_, deadlines) = self.deadlines(now)?;
        let stands = |it: &&Deadline| it.pending().map(|it| it.due_at) == Some(reminder.due_at);
        match (reminder.side, deadlines.iter().find(stands)?.kind) {
            (Side::Before, DeadlineKind::Notification) => Some(CaseActivity::NotificationDue),
            (Side::After, DeadlineKind::Notification) => Some(CaseActivity::NotificationOverdue),
            (Side::Before, DeadlineKind::FinalReport) => Some(CaseActivity::FinalReportDue),
            (Side::After, DeadlineKind::FinalReport) => Some(CaseActivity::FinalReportOverdue),
            (Side::After, DeadlineKind::ProgressReport) => {
                Some(CaseActivity::ProgressReportOverdue)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
