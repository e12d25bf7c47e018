//! Deadlines of the reports on an incident, where a rule pack names some (échéances).

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{Line, ReportKind, ReportStage, enumeration::enumeration, working_hours::months_after};

enumeration! {
    DeadlineKind is "kind of deadline";
    /// A report that is owed by a deadline (directive (EU) 2022/2555, art. 23(4)), « si l'incident
    /// est important au sens de l'art. 23(3) », as the structure judges.
    {
        /// Alerte précoce: satisfied by the first declaration.
        EarlyWarning = 1 => "early_warning", "Alerte précoce", "Early warning";
        /// Notification d'incident: satisfied by the first amendment of stage complement.
        Notification = 2 => "notification", "Notification d'incident", "Incident notification";
        /// Rapport final: satisfied by the first amendment of stage final.
        FinalReport = 3 => "final_report", "Rapport final", "Final report";
        /// Rapport d'avancement, in the place of a final report on what is not handled yet.
        ProgressReport = 4 => "progress_report", "Rapport d'avancement", "Progress report";
    }
}

/// A rule pack (jeu de règles): an edition of the deadlines, with the texts behind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlinePack {
    /// The edition.
    pub version: Line<1, 40>,
    /// Within how many hours of the awareness an early warning is due.
    pub early_warning: DeadlineTerm,
    /// Within how many hours of the awareness the notification is due.
    pub notification: DeadlineTerm,
    /// Within how many months of the submission of the notification the final report is due;
    /// of what was not handled by then, within as many of the end of its handling.
    pub final_report: DeadlineTerm,
    /// The text behind the progress report, which is due when the final report is and the
    /// incident is not handled.
    pub progress_report: Line<1, 200>,
}

/// How long something takes at most, and the text behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadlineTerm {
    /// Hours or months, by what it is the term of.
    pub length: u32,
    /// The text of law.
    pub legal_basis: Line<1, 200>,
}

/// When an incident became known, and when what is owed of it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportMoments {
    /// When the structure became aware of it (date du constat): the clock starts then, and not
    /// when it is confirmed.
    pub aware_at: OffsetDateTime,
    /// When it was first declared.
    pub declared_at: OffsetDateTime,
    /// When the declaration was first completed.
    pub notified_at: Option<OffsetDateTime>,
    /// When it was completed again about the time of the final report, while it was not
    /// handled.
    pub progress_at: Option<OffsetDateTime>,
    /// When its final report was sent.
    pub final_at: Option<OffsetDateTime>,
    /// When the structure had handled it, as it declared (résolution).
    pub handled_at: Option<OffsetDateTime>,
}

impl ReportMoments {
    /// Those of an incident that was just declared. Only incidents are notified by deadlines:
    /// what was averted or is feared, a vulnerability or a practice is declared freely. Whether an
    /// incident is important in the sense of art. 23(3), which alone obliges, the structure judges.
    pub fn declared(
        kind: ReportKind,
        aware_at: OffsetDateTime,
        declared_at: OffsetDateTime,
    ) -> Option<Self> {
        (kind == ReportKind::Incident).then_some(Self {
            aware_at,
            declared_at,
            notified_at: None,
            progress_at: None,
            final_at: None,
            handled_at: None,
        })
    }
}

/// A deadline of one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// What is owed.
    pub kind: DeadlineKind,
    /// What it counts from, and until when; absent while what it counts from has not happened.
    pub term: Option<Term>,
    /// When it was satisfied.
    pub satisfied_at: Option<OffsetDateTime>,
}

/// The time between two moments, in which something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Its beginning.
    pub from: OffsetDateTime,
    /// Its end: until then what is owed is in time.
    pub due_at: OffsetDateTime,
}

impl Term {
    /// So many hours from a moment; `None` beyond the calendar.
    pub fn of_hours(from: OffsetDateTime, hours: u32) -> Option<Self> {
        let due_at = from.checked_add(Duration::hours(hours.into()))?;
        Some(Self { from, due_at })
    }

    /// So many months of the calendar of Europe/Paris from a moment: the same time of the same
    /// day of a later month or, where that has no such day, of its last. `None` beyond the
    /// calendar.
    pub fn of_months(from: OffsetDateTime, months: u32) -> Option<Self> {
        let due_at = months_after(from, months)?;
        Some(Self { from, due_at })
    }

    /// When somebody is reminded of it: a quarter of its length before it ends.
    pub fn reminder_at(self) -> OffsetDateTime {
        self.due_at - (self.due_at - self.from) / 4
    }
}

impl Deadline {
    /// Until when, once that is known.
    pub fn due_at(&self) -> Option<OffsetDateTime> {
        self.term.map(|term| term.due_at)
    }

    /// The term in which it is still to be satisfied.
    pub fn pending(&self) -> Option<Term> {
        self.term.filter(|_| self.satisfied_at.is_none())
    }

    /// Whether it is past and not satisfied.
    pub fn is_overdue(&self, now: OffsetDateTime) -> bool {
        self.pending().is_some_and(|term| term.due_at <= now)
    }
}

impl DeadlinePack {
    /// The text behind a kind of deadline; none behind what only a later release knows.
    pub fn legal_basis(&self, kind: DeadlineKind) -> &str {
        match kind {
            DeadlineKind::EarlyWarning => self.early_warning.legal_basis.as_str(),
            DeadlineKind::Notification => self.notification.legal_basis.as_str(),
            DeadlineKind::FinalReport => self.final_report.legal_basis.as_str(),
            DeadlineKind::ProgressReport => self.progress_report.as_str(),
            DeadlineKind::Later(_) => "",
        }
    }

    /// The deadlines of an incident as they stand at a moment, in the order of their stages.
    ///
    /// The final report on what was handled in time is due so long after the notification. Of
    /// what is not handled by then a progress report is due in its place, and the final report
    /// so long after the end of the handling (art. 23(4)(d) and (e)).
    pub fn deadlines(&self, moments: &ReportMoments, now: OffsetDateTime) -> Vec<Deadline> {
        let months = self.final_report.length;
        let hours = |term: &DeadlineTerm| Term::of_hours(moments.aware_at, term.length);
        let deadline = |kind, term, satisfied_at| Deadline {
            kind,
            term,
            satisfied_at,
        };
        let mut deadlines = vec![
            deadline(
                DeadlineKind::EarlyWarning,
                hours(&self.early_warning),
                Some(moments.declared_at),
            ),
            deadline(
                DeadlineKind::Notification,
                hours(&self.notification),
                moments.notified_at,
            ),
        ];
        let ordinary = self.ordinary_final_term(moments);
        let unhandled_in_time = ordinary.is_some_and(|ordinary| match moments.handled_at {
            Some(handled_at) => ordinary.due_at < handled_at,
            None => moments.final_at.is_none() && ordinary.due_at <= now,
        });
        // Once it is handled, the final report is owed and a progress report no more.
        let owes_progress = unhandled_in_time && moments.handled_at.is_none();
        if owes_progress || moments.progress_at.is_some() {
            let kind = DeadlineKind::ProgressReport;
            deadlines.push(deadline(kind, ordinary, moments.progress_at));
        }
        let term = match moments.handled_at {
            Some(handled_at) if unhandled_in_time => Term::of_months(handled_at, months),
            None if unhandled_in_time => None,
            _ => ordinary,
        };
        deadlines.push(deadline(DeadlineKind::FinalReport, term, moments.final_at));
        deadlines
    }

    /// The deadline that lapses next if nothing more is sent, or lapsed already.
    pub fn next(&self, moments: &ReportMoments) -> Option<Term> {
        // What is not handled when the final report falls due owes a progress report then.
        let ordinary = self.ordinary_final_term(moments);
        let at = ordinary.map_or(moments.aware_at, |term| term.due_at);
        let deadlines = self.deadlines(moments, at);
        let pending = deadlines.iter().filter_map(Deadline::pending);
        pending.min_by_key(|term| term.due_at)
    }

    /// What an amendment that brings the declaration to a stage satisfies of an incident. A
    /// later stage says more than the one before, and satisfies it too.
    pub fn amended(
        &self,
        moments: &ReportMoments,
        stage: ReportStage,
        at: OffsetDateTime,
    ) -> ReportMoments {
        let mut amended = *moments;
        match stage {
            ReportStage::Complement => {
                let again = moments.notified_at.is_some() && moments.final_at.is_none();
                let soon = self.ordinary_final_term(moments).map(Term::reminder_at);
                if again && moments.handled_at.is_none() && soon.is_some_and(|soon| soon <= at) {
                    amended.progress_at.get_or_insert(at);
                }
                amended.notified_at.get_or_insert(at);
            }
            ReportStage::Final => {
                amended.notified_at.get_or_insert(at);
                amended.final_at.get_or_insert(at);
            }
            ReportStage::FirstDeclaration | ReportStage::Later(_) => {}
        }
        amended
    }

    /// The term of the final report that counts from the notification.
    fn ordinary_final_term(&self, moments: &ReportMoments) -> Option<Term> {
        let notified_at = moments.notified_at?;
        Term::of_months(notified_at, self.final_report.length)
    }
}

#[cfg(test)]
mod tests;
