//! The latest knowledge of one report, in whatever order it came.

use std::collections::BTreeSet;

use uuid::Uuid;
use vocabulary::{
    CareImpact, CaseState, DataImpact, Origin, OriginType, PatientEndangerment, ReportKind,
    RoutingRegion, Severity, StructureKind,
};

use super::Month;

/// What is known of one report; never a name, a number or a contact.
///
/// There is no order between the logs of intake and qualification: a case may
/// be known before its report, which then counts nothing until it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) report_id: Uuid,
    /// What the declaration fixed for good; absent until it comes.
    pub(crate) submission: Option<Submission>,
    /// What the case says; wins over what was declared.
    pub(crate) case: Option<CaseKnowledge>,
    /// As the case says, or as declared while no case is known.
    pub(crate) assessment: Assessment,
    /// The declarant withdrew the report.
    pub(crate) withdrawn: bool,
}

/// What a declaration fixes for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Submission {
    /// Month of the declaration.
    pub(crate) month: Month,
    pub(crate) region: RoutingRegion,
    pub(crate) structure_kind: Option<StructureKind>,
    /// Tells structures apart. The number or name behind it is not kept, as that
    /// of a self-employed professional is personal data; this is its pseudonym.
    pub(crate) structure_id: Uuid,
    pub(crate) report_kind: Option<ReportKind>,
    pub(crate) assistance_requested: bool,
}

/// What a case says beside its assessment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaseKnowledge {
    /// Counts the changes of the case, from 1; the greatest wins.
    pub(crate) revision: u64,
    pub(crate) state: Option<CaseState>,
    /// The cell confirmed the assessment.
    pub(crate) qualified: bool,
}

/// What is judged of an incident: first declared, then confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assessment {
    pub(crate) origin: Option<Origin>,
    pub(crate) origin_types: BTreeSet<OriginType>,
    pub(crate) data_impacts: BTreeSet<DataImpact>,
    pub(crate) care: Option<CareImpact>,
    pub(crate) endangerment: Option<PatientEndangerment>,
    pub(crate) severity: Severity,
}

/// What one event tells of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Knowledge {
    Submitted(Submission, Assessment),
    Withdrawn,
    Case(CaseKnowledge, Assessment),
}

/// How a known report is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// In every figure.
    InScope,
    /// Among the reports, but in no share.
    OutOfScope,
    /// Apart from all others.
    Withdrawn,
}

impl Fact {
    /// Takes in what an event tells; learning the same again changes nothing.
    pub(crate) fn learn(&mut self, knowledge: Knowledge) {
        match knowledge {
            Knowledge::Submitted(submission, declared) => {
                self.submission = Some(submission);
                if !self.case.as_ref().is_some_and(|case| case.qualified) {
                    self.assessment = declared;
                }
            }
            Knowledge::Withdrawn => self.withdrawn = true,
            Knowledge::Case(case, assessment) => {
                if self
                    .case
                    .as_ref()
                    .is_none_or(|known| known.revision < case.revision)
                {
                    // What a case merely proposes comes from the declaration, whose
                    // own words may be those of a later release than the case knew.
                    if case.qualified || self.submission.is_none() {
                        self.assessment = assessment;
                    }
                    self.case = Some(case);
                }
            }
        }
    }

    /// How the report is counted; `None` while only its case is known.
    ///
    /// A duplicate is a report like any other: two structures hit by one event
    /// are two reports (signalements). A report that is withdrawn after the cell
    /// has ended its case stays what the cell said it is.
    pub(crate) fn standing(&self) -> Option<Standing> {
        self.submission.as_ref()?;
        let state = self.case.as_ref().and_then(|case| case.state.as_ref());
        let in_state = |wanted| state.is_some_and(|state| *state == wanted);
        Some(if in_state(CaseState::OutOfScope) {
            Standing::OutOfScope
        } else if in_state(CaseState::Closed) || in_state(CaseState::Duplicate) {
            Standing::InScope
        } else if self.withdrawn || in_state(CaseState::Withdrawn) {
            Standing::Withdrawn
        } else {
            Standing::InScope
        })
    }
}

impl Standing {
    /// The slug, as stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::InScope => "in_scope",
            Self::OutOfScope => "out_of_scope",
            Self::Withdrawn => "withdrawn",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use vocabulary::Word as _;

    use super::*;

    /// A report of which nothing is known yet.
    pub(crate) fn unknown(report: u128) -> Fact {
        Fact {
            report_id: Uuid::from_u128(report),
            submission: None,
            case: None,
            assessment: Assessment::default(),
            withdrawn: false,
        }
    }

    pub(crate) fn submission() -> Submission {
        Submission {
            month: "2026-11".parse().unwrap(),
            region: RoutingRegion::National,
            structure_kind: Some(StructureKind::HealthFacility),
            structure_id: Uuid::from_u128(7),
            report_kind: Some(ReportKind::Incident),
            assistance_requested: false,
        }
    }

    pub(crate) fn of_origin(origin: Origin) -> Assessment {
        Assessment {
            origin: Some(origin),
            ..Assessment::default()
        }
    }

    pub(crate) fn case(revision: u64, state: CaseState) -> CaseKnowledge {
        CaseKnowledge {
            revision,
            state: Some(state),
            qualified: matches!(state, CaseState::Qualified | CaseState::Closed),
        }
    }

    fn fact(knowledge: &[Knowledge]) -> Fact {
        let mut fact = unknown(1);
        for knowledge in knowledge {
            fact.learn(knowledge.clone());
        }
        fact
    }

    fn declared() -> Knowledge {
        Knowledge::Submitted(submission(), of_origin(Origin::Unknown))
    }

    fn qualified() -> Knowledge {
        Knowledge::Case(case(2, CaseState::Qualified), of_origin(Origin::Malicious))
    }

    #[test]
    fn a_case_that_comes_before_its_report_keeps_what_it_knows() {
        assert_eq!(fact(&[qualified()]).standing(), None);
        assert_eq!(
            fact(&[qualified(), declared()]),
            fact(&[declared(), qualified()])
        );
    }

    #[test]
    fn the_greatest_revision_of_a_case_wins() {
        let opened = Knowledge::Case(case(1, CaseState::Submitted), of_origin(Origin::Unknown));
        assert_eq!(
            fact(&[declared(), qualified(), opened]),
            fact(&[declared(), qualified()])
        );
    }

    #[test]
    fn what_was_declared_stands_while_no_case_is_known() {
        assert_eq!(fact(&[declared()]).assessment, of_origin(Origin::Unknown));
    }

    #[test]
    fn what_a_case_only_proposes_leaves_what_was_declared() {
        let later = Assessment {
            origin: Some(Origin::heard(77).unwrap()),
            ..Assessment::default()
        };
        let declared = Knowledge::Submitted(submission(), later.clone());
        let opened = Knowledge::Case(case(1, CaseState::Submitted), Assessment::default());
        let first = fact(&[declared.clone(), opened.clone()]);
        assert_eq!(first.assessment, later);
        assert_eq!(fact(&[opened, declared]), first);
    }

    #[test]
    fn a_withdrawal_counts_unless_the_cell_has_ended_the_case() {
        let standing = |state| {
            let case = Knowledge::Case(case(3, state), Assessment::default());
            let first = fact(&[declared(), Knowledge::Withdrawn, case.clone()]);
            assert_eq!(fact(&[case, Knowledge::Withdrawn, declared()]), first);
            first.standing().unwrap()
        };
        assert_eq!(standing(CaseState::Submitted), Standing::Withdrawn);
        assert_eq!(standing(CaseState::Qualified), Standing::Withdrawn);
        assert_eq!(standing(CaseState::Withdrawn), Standing::Withdrawn);
        assert_eq!(standing(CaseState::OutOfScope), Standing::OutOfScope);
        assert_eq!(standing(CaseState::Closed), Standing::InScope);
        assert_eq!(standing(CaseState::Duplicate), Standing::InScope);
    }

    #[test]
    fn a_case_that_was_withdrawn_tells_of_the_withdrawal() {
        let withdrawn = Knowledge::Case(case(3, CaseState::Withdrawn), Assessment::default());
        assert_eq!(
            fact(&[declared(), withdrawn]).standing(),
            Some(Standing::Withdrawn)
        );
    }

    #[test]
    fn a_duplicate_is_counted_like_any_report() {
        let duplicate = Knowledge::Case(case(2, CaseState::Duplicate), Assessment::default());
        assert_eq!(
            fact(&[declared(), duplicate]).standing(),
            Some(Standing::InScope)
        );
    }
}
