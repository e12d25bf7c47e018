//! How an event changes what is known of a report, in whatever order events come.

use time::OffsetDateTime;
use vocabulary::CaseState;

use super::{Assessment, Fact, FactHistory, FactUpdate, Standing, Submission};

impl FactHistory {
    /// Takes in what an event of this time tells; the same again changes nothing.
    pub(super) fn apply(&mut self, at: OffsetDateTime, update: &FactUpdate) {
        let valid = self.0.range(..=at).next_back();
        let valid = valid.map(|(_, fact)| fact.clone()).unwrap_or_default();
        self.0.entry(at).or_insert(valid);
        for fact in self.0.range_mut(at..).map(|(_, fact)| fact) {
            fact.apply(update.clone());
        }
        // Only a change begins a period.
        let mut previous = Fact::default();
        self.0.retain(|_, fact| {
            fact.hold_what_was_confirmed(&previous);
            let changed = *fact != previous;
            previous.clone_from(fact);
            changed
        });
    }
}

impl Fact {
    /// Takes in what an event tells; the same again changes nothing.
    fn apply(&mut self, update: FactUpdate) {
        match update {
            FactUpdate::Declared(revision, submission, declared) => {
                if self.report_revision <= revision {
                    self.report_revision = revision;
                    self.declare(submission, declared);
                }
            }
            FactUpdate::LeftToItsChain(revision) => {
                // What was never counted leaves nothing behind.
                let counted = self.submission.is_some();
                if counted && self.report_revision.is_none_or(|known| known <= revision) {
                    self.report_revision = Some(revision);
                    self.submission = None;
                }
            }
            FactUpdate::Withdrawn => self.withdrawn = true,
            FactUpdate::Case(case, assessment) => {
                let known = self.case.as_ref().map_or(0, |case| case.revision);
                // The same revision is the same state, perhaps with a field that facts lack.
                if known <= case.revision {
                    // What a case merely proposes comes from the declaration, whose
                    // own words may be those of a later release than the case knew. What was
                    // confirmed in a history that a restore lost goes with it.
                    if case.qualified || self.is_qualified() || self.submission.is_none() {
                        self.assessment = assessment;
                    }
                    self.case = Some(case);
                }
            }
        }
    }

    /// Holds what was confirmed in the period before: no case takes it back, but a release
    /// before this one leaves out that an agency recorded it.
    fn hold_what_was_confirmed(&mut self, before: &Self) {
        if !before.is_qualified() || self.is_qualified() {
            return;
        }
        if let Some(case) = &mut self.case {
            case.qualified = true;
            self.assessment.clone_from(&before.assessment);
        }
    }

    fn is_qualified(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.qualified)
    }

    /// Takes in what is declared; of what is judged, what the cell confirmed stays.
    fn declare(&mut self, submission: Submission, declared: Assessment) {
        self.submission = Some(submission);
        if !self.is_qualified() {
            self.assessment = declared;
        }
    }

    /// How the report is counted; `None` while only its case is known.
    ///
    /// A duplicate is a report like any other: two structures hit by one event
    /// are two reports (signalements). A report that is withdrawn after the cell
    /// has ended its case stays what the cell said it is.
    pub(super) fn standing(&self) -> Option<Standing> {
        self.submission.as_ref()?;
        let state = self.case.as_ref().and_then(|case| case.state);
        Some(match state {
            Some(CaseState::OutOfScope) => Standing::OutOfScope,
            Some(CaseState::Closed | CaseState::Duplicate) => Standing::InScope,
            Some(CaseState::Withdrawn) => Standing::Withdrawn,
            _ if self.withdrawn => Standing::Withdrawn,
            _ => Standing::InScope,
        })
    }
}
