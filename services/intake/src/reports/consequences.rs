//! What a report sets off: who is told and why, and what the declarant owes.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use vocabulary::{
    Channel, Deadline, DeadlinePack, OperatorStatus, ParallelDuty, Party, Region, ReportMoments,
    Severity, has_health_impact, parallel_duties, paris_date,
};

use super::{Facts, ReportedStructure, Settings, next_steps, routing::Routing};

/// What a report sets off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consequences {
    /// The competent ARS.
    pub(super) agency: Option<AgencyTold>,
    /// The ARS of the other regions that the report names.
    pub(super) other_agencies: Vec<AgencyTold>,
    /// Everyone who is told at once.
    pub(super) addressees: Vec<Addressee>,
    /// Obligations that stand beside the declaration.
    pub(super) duties: Vec<Duty>,
    /// What is owed of the incident until when, where a rule pack says so.
    pub(crate) owed: Option<Owed>,
    /// What the declarant does next, in French, most urgent first.
    pub(super) next_steps: Vec<String>,
    /// The severity that the rules propose.
    pub(super) severity: Severity,
}

/// The agence régionale de santé that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AgencyTold {
    /// The region it is told for.
    pub(super) region: Region,
    /// Its name on that day.
    pub(super) name: &'static str,
    /// Its mailbox for these matters.
    pub(super) mailbox: String,
}

/// Somebody who is told, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addressee {
    /// Who.
    pub(super) party: Party,
    /// For people, in French.
    pub(super) name: String,
    /// The text behind it.
    pub(super) legal_basis: &'static str,
}

/// An obligation that the same event sets off elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Duty {
    /// The obligation.
    pub(super) kind: ParallelDuty,
    /// What to do, in French.
    pub(super) text: String,
    /// Its deadline; absent where the text says « sans délai » and once it is past.
    pub(super) due_at: Option<OffsetDateTime>,
}

/// What is owed of an incident (échéances).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owed {
    /// The rule pack that says so.
    pub(super) pack: DeadlinePack,
    /// Each with its date, in the order of their stages.
    pub(super) deadlines: Vec<Deadline>,
    /// As they stand at this moment.
    pub(super) at: OffsetDateTime,
}

const EVERY_REPORT: &str = "art. L.1111-8-2 et D.1111-16-3 du code de la santé publique";
const EVERY_REPORT_AT_ONCE: &str =
    "art. L.1111-8-2 du code de la santé publique ; instruction SHFDS/FSSI/2023/78 du 23 mai 2023";
const HEALTH_IMPACT: &str =
    "art. D.1111-16-3 du code de la santé publique (impact sanitaire direct ou indirect)";

pub(super) fn of(
    facts: &Facts,
    channel: Channel,
    routing: &Routing,
    severity: Severity,
    declared_at: OffsetDateTime,
    now: OffsetDateTime,
    settings: &Settings,
) -> Consequences {
    if channel == Channel::Probe {
        return Consequences {
            agency: None,
            other_agencies: Vec::new(),
            addressees: Vec::new(),
            duties: Vec::new(),
            owed: None,
            next_steps: vec![next_steps::TEST.to_owned()],
            severity,
        };
    }
    let told = |region: Region| {
        let agency = region.agency_on(paris_date(declared_at));
        AgencyTold {
            region,
            name: agency.name,
            mailbox: agency.mailbox(&settings.agency_mail_domain),
        }
    };
    let agency = routing.territory.map(told);
    let others: Vec<_> = routing.other_regions.iter().copied().map(told).collect();
    let agencies: Vec<_> = agency.iter().chain(&others).collect();
    let duties = duties(facts, routing, now);
    let shown = !routing.has_own_chain();
    Consequences {
        addressees: addressees(facts, routing, &agencies),
        next_steps: next_steps::of(facts, routing, &agencies, &duties, settings),
        agency: agency.filter(|_| shown),
        other_agencies: others.into_iter().filter(|_| shown).collect(),
        duties,
        owed: owed(facts, declared_at, now, settings),
        severity,
    }
}

/// What is owed of an incident that was just declared, where a rule pack says so and if it is
/// important in the sense of art. 23(3) of directive (EU) 2022/2555, as the structure judges.
fn owed(
    facts: &Facts,
    declared_at: OffsetDateTime,
    at: OffsetDateTime,
    settings: &Settings,
) -> Option<Owed> {
    let pack = settings.deadlines.current();
    let pack = Option::clone(&pack)?;
    let moments = ReportMoments::declared(facts.kind, facts.found_at, declared_at)?;
    Some(Owed {
        deadlines: pack.deadlines(&moments, at),
        pack,
        at,
    })
}

fn addressees(facts: &Facts, routing: &Routing, agencies: &[&AgencyTold]) -> Vec<Addressee> {
    let health_impact = has_health_impact(&facts.impacts);
    let mut told = Vec::new();
    let mut tell = |party: Party, name: String, legal_basis| {
        if routing.visible_to.contains(&party) {
            told.push(Addressee {
                party,
                name,
                legal_basis,
            });
        }
    };
    let others = if routing.has_own_chain() {
        HEALTH_IMPACT
    } else {
        EVERY_REPORT_AT_ONCE
    };
    let cell = if routing.has_own_chain() {
        HEALTH_IMPACT
    } else {
        EVERY_REPORT
    };
    tell(Party::Cell, "CERT Santé".to_owned(), cell);
    for agency in agencies {
        let basis = if health_impact { HEALTH_IMPACT } else { others };
        tell(Party::Region(agency.region), agency.name.to_owned(), basis);
    }
    tell(
        Party::SecurityOfficer,
        "FSSI du ministère chargé de la santé (SHFDS)".to_owned(),
        others,
    );
    tell(
        Party::HealthAuthority,
        "Direction générale de la santé (CORRUSS)".to_owned(),
        HEALTH_IMPACT,
    );
    told
}

/// The obligations that a report sets off, whether or not they are done. The directory's
/// critical-operator status is told only to those whose link to the structure is verified:
/// others would learn it by declaring.
pub(crate) fn set_off(facts: &Facts, structure: &ReportedStructure) -> BTreeSet<ParallelDuty> {
    let status: Option<OperatorStatus> = if structure.link.is_verified() {
        structure.operator_status
    } else {
        facts.operator_status
    };
    parallel_duties(
        Some(facts.kind),
        &facts.impacts,
        status,
        facts.origin,
        facts.origin_types.iter().copied(),
    )
}

/// Whether a declaration says that an obligation is done.
pub(crate) fn is_done(duty: ParallelDuty, facts: &Facts) -> bool {
    match duty {
        ParallelDuty::Cnil => facts.cnil_notified == Some(true),
        ParallelDuty::Complaint => facts.complaint_filed == Some(true),
        ParallelDuty::AnssiEssentialServices | ParallelDuty::AnssiVital | ParallelDuty::Ansm => {
            false
        }
    }
}

fn duties(facts: &Facts, routing: &Routing, now: OffsetDateTime) -> Vec<Duty> {
    let undone = set_off(facts, &routing.structure)
        .into_iter()
        .filter(|duty| !is_done(*duty, facts));
    let mut duties: Vec<Duty> = undone
        .map(|kind| Duty {
            kind,
            text: kind.french_at(facts.found_at, now),
            due_at: kind
                .deadline(facts.found_at)
                .filter(|_| !kind.is_overdue(facts.found_at, now)),
        })
        .collect();
    // What has no term, or missed it, is due « sans délai », so it comes first.
    duties.sort_by_key(|duty| (duty.kind == ParallelDuty::Complaint, duty.due_at, duty.kind));
    duties
}

#[cfg(test)]
mod tests {
    use vocabulary::{DataImpact, DataNature, Impacts, Origin, OriginType, ReportKind, Role};

    use super::{
        super::{
            Author,
            samples::{author, decided, degraded, entry, facts},
        },
        *,
    };

    fn set_off(facts: &Facts, author: &Author) -> Consequences {
        decided(facts, Some(&entry()), author).unwrap().consequences
    }

    fn ransomware() -> Facts {
        let impacts = Impacts {
            data: [DataImpact::Unavailability].into(),
            data_natures: [DataNature::Health].into(),
            ..degraded().impacts
        };
        let origin = Some(Origin::Malicious);
        Facts {
            impacts,
            origin,
            origin_types: [OriginType::Ransomware].into(),
            ..facts()
        }
    }

    #[test]
    fn duties_come_in_the_order_of_their_urgency() {
        let duties = set_off(&ransomware(), &author(Role::Declarant)).duties;
        let found = duties
            .iter()
            .map(|duty| (duty.kind, duty.due_at))
            .collect::<Vec<_>>();
        let within_72_hours = facts().found_at + time::Duration::hours(72);
        assert_eq!(
            found,
            [
                (ParallelDuty::AnssiVital, None),
                (ParallelDuty::Cnil, Some(within_72_hours)),
                (ParallelDuty::Complaint, None),
            ],
        );
    }

    #[test]
    fn a_term_that_is_past_is_a_duty_without_delay_and_its_date_is_not_told() {
        let found_at = time::macros::datetime!(2017-08-03 10:00 UTC);
        let past = Facts {
            found_at,
            ..ransomware()
        };
        let set_off = set_off(&past, &author(Role::Declarant));
        let cnil = set_off
            .duties
            .iter()
            .find(|it| it.kind == ParallelDuty::Cnil);
        let cnil = cnil.unwrap();
        assert_eq!(cnil.due_at, None);
        assert!(
            cnil.text
                .ends_with("(délai dépassé : notifier sans attendre, en motivant le retard)"),
            "{}",
            cnil.text
        );
        assert!(set_off.next_steps.contains(&cnil.text));
        assert!(!set_off.next_steps.iter().any(|step| step.contains("2017")));
    }

    #[test]
    fn what_is_done_is_no_duty_any_more() {
        let done = Facts {
            complaint_filed: Some(true),
            cnil_notified: Some(true),
            ..ransomware()
        };
        let duties = set_off(&done, &author(Role::Declarant)).duties;
        let left: Vec<_> = duties.into_iter().map(|duty| duty.kind).collect();
        assert_eq!(left, [ParallelDuty::AnssiVital]);
    }

    #[test]
    fn a_stranger_does_not_learn_who_is_a_vital_operator() {
        let stranger = Author {
            structures: [].into(),
            ..author(Role::Declarant)
        };
        assert!(set_off(&facts(), &stranger).duties.is_empty());
        let said = Facts {
            operator_status: Some(OperatorStatus::Vital),
            ..facts()
        };
        assert_eq!(set_off(&said, &stranger).duties.len(), 1);
    }

    #[test]
    fn the_call_to_the_cell_comes_first_when_care_is_touched() {
        let steps = set_off(&ransomware(), &author(Role::Declarant)).next_steps;
        assert!(steps[0].contains("09 72 43 91 25"), "{steps:?}");
        assert!(steps[1].contains("ARS Auvergne-Rhône-Alpes"), "{steps:?}");
        let calm = set_off(&facts(), &author(Role::Declarant)).next_steps;
        assert!(!calm.iter().any(|step| step.contains("09 72")), "{calm:?}");
    }

    #[test]
    fn a_near_miss_or_a_threat_is_told_to_those_to_whom_an_incident_is() {
        let told = |facts: &Facts| set_off(facts, &author(Role::Declarant)).addressees;
        for kind in [ReportKind::NearMiss, ReportKind::Threat] {
            for incident in [facts(), degraded()] {
                let other = Facts {
                    kind,
                    ..incident.clone()
                };
                assert_eq!(told(&other), told(&incident), "{kind}");
            }
        }
    }

    #[test]
    fn what_was_averted_or_is_feared_is_no_duty_of_operators_and_is_declared_if_it_happens() {
        for kind in [ReportKind::NearMiss, ReportKind::Threat] {
            let averted = set_off(&Facts { kind, ..facts() }, &author(Role::Declarant));
            assert_eq!(averted.severity, Severity::default());
            assert!(averted.duties.is_empty(), "{kind}");
            let last = averted.next_steps.last().unwrap();
            assert!(last.contains("sans délai"), "{kind}: {last}");
            let happened = Facts { kind, ..degraded() };
            let happened = set_off(&happened, &author(Role::Declarant));
            assert!(happened.severity.serious && !happened.severity.significant);
            assert_eq!(happened.duties[0].kind, ParallelDuty::AnssiVital);
            assert!(happened.next_steps[0].contains("09 72 43 91 25"));
        }
    }

    #[test]
    fn everyone_who_is_told_sees_the_report_and_has_a_text_behind_it() {
        for facts in [facts(), degraded(), ransomware()] {
            let decision = decided(&facts, Some(&entry()), &author(Role::Declarant)).unwrap();
            assert!(!decision.consequences.addressees.is_empty());
            for told in &decision.consequences.addressees {
                assert!(decision.routing.visible_to.contains(&told.party));
                assert!(told.legal_basis.contains("art."), "{told:?}");
            }
        }
    }
}
