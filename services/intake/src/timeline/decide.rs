//! When a timeline takes another entry, and who knows of it.

use vocabulary::Party;

use crate::reports::Report;

/// How many entries the timeline of a report holds.
const MOST: u32 = 500;

/// Why an entry is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller sees the report and is not among those who may speak for it.
    NotYours,
    /// The report was withdrawn as a false alarm.
    Withdrawn,
    /// There are as many entries as a timeline holds.
    Full,
    /// The key under which texts are sealed is erased.
    Erased,
}

/// Decides on an entry to the timeline of a report that has `added` of them; gives back the
/// number of the new one.
pub(super) fn add(report: &Report, added: u32) -> Result<u32, Refusal> {
    if report.withdrawal.is_some() {
        return Err(Refusal::Withdrawn);
    }
    if added >= MOST {
        return Err(Refusal::Full);
    }
    Ok(added + 1)
}

/// Which of the parties of a report follow its timeline: those who read what is said to the
/// structure on its case.
pub(super) fn followers(report: &Report) -> impl Iterator<Item = &Party> {
    report.visible_to.iter().filter(|party| match party {
        Party::Cell
        | Party::SecurityOfficer
        | Party::Region(_)
        | Party::Structure(_)
        | Party::Subject(_)
        | Party::Probe => true,
        Party::HealthAuthority | Party::ArmedForces | Party::Importer(_) | Party::Later(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::{
        Withdrawal,
        samples::{NOW, report},
    };

    #[test]
    fn a_timeline_holds_five_hundred_entries() {
        assert_eq!(add(&report(), 0), Ok(1));
        assert_eq!(add(&report(), 499), Ok(500));
        assert_eq!(add(&report(), 500), Err(Refusal::Full));
    }

    #[test]
    fn a_false_alarm_has_no_timeline_to_complete() {
        let withdrawn = Report {
            withdrawal: Some(Withdrawal {
                at: NOW,
                reason: "Exercice".to_owned(),
            }),
            ..report()
        };
        assert_eq!(add(&withdrawn, 0), Err(Refusal::Withdrawn));
    }

    #[test]
    fn those_follow_it_who_read_what_is_said_to_the_structure() {
        let mut report = report();
        let parties = [
            "army",
            "ars:84",
            "cell",
            "dgs",
            "fssi",
            "importer:imp",
            "regulator:eu",
            "structure:finess:010000024",
            "subject:alice",
        ];
        report.visible_to = parties.map(Party::stored).into();
        let mut slugs: Vec<_> = followers(&report).map(ToString::to_string).collect();
        slugs.sort();
        assert_eq!(
            slugs,
            [
                "ars:84",
                "cell",
                "fssi",
                "structure:finess:010000024",
                "subject:alice"
            ]
        );
    }
}
