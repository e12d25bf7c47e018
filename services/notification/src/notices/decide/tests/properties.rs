//! What holds of every sequence of events.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn no_institution_is_told_that_may_not_see_it(
        seen_by in proptest::sample::subsequence(everybody(), 0..=4),
        army in any::<bool>(),
        care in any::<bool>(),
        weekend in any::<bool>(),
    ) {
        let mut report = submission(&seen_by);
        report.received_at = if weekend { WEEKEND } else { WORKING };
        if army {
            report.summary.structure_kind = Some(StructureKind::ArmedForcesHospital);
        }
        if care {
            report.summary.impacts = care_interrupted();
        }
        let mut major = update(Change::Qualified, 1);
        major.severity.major = true;
        major.audience = audience(&seen_by);
        let first = decide(SUBMITTED, &Trigger::Submitted(report), &ReportProjection::default());
        let second = decide(CHANGED, &Trigger::CaseChanged(major), &first.known);
        for notice in first.notices.iter().chain(&second.notices) {
            let Channel::Mail(recipient, _) = notice.channel else { continue };
            let allowed = match recipient {
                Recipient::Declarant => true,
                Recipient::Agency(region) => seen_by.contains(&Party::Region(region)),
                Recipient::SecurityOfficer => seen_by.contains(&Party::SecurityOfficer),
                Recipient::Cell => seen_by.contains(&Party::Cell),
                Recipient::HealthAuthority => seen_by.contains(&Party::HealthAuthority),
                Recipient::Later(_) => false,
                // Those on call stand in for the institutions that see it.
                Recipient::OnCall => {
                    seen_by.contains(&Party::Cell) || seen_by.contains(&Party::SecurityOfficer)
                }
            };
            prop_assert!(allowed, "{} to {}", notice.rule.name(), recipient);
        }
    }

    #[test]
    fn deciding_again_changes_nothing_that_is_known(
        closed_first in any::<bool>(),
        weekend in any::<bool>(),
        major in any::<bool>(),
        revision in 1_u64..5,
    ) {
        let mut report = submission(&everybody());
        report.received_at = if weekend { WEEKEND } else { WORKING };
        let mut change = update(Change::Closed, revision);
        change.severity.major = major;
        let mut triggers =
            vec![(SUBMITTED, Trigger::Submitted(report)), (CHANGED, Trigger::CaseChanged(change))];
        if closed_first {
            triggers.reverse();
        }
        let mut known = ReportProjection::default();
        for (id, trigger) in &triggers {
            known = decide(*id, trigger, &known).known;
            let again = decide(*id, trigger, &known).known;
            prop_assert_eq!(&again.notified, &known.notified);
            prop_assert_eq!(again.case_revision, known.case_revision);
            prop_assert_eq!(again.major, known.major);
        }
    }
}
