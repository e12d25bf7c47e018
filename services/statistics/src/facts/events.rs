//! What the events of intake and qualification tell of a report, and its effect.
//!
//! Tests (probes) tell nothing, nor does what stays in the armed forces' own
//! chain: a figure must not show what its reader may not see. Words of a later
//! release are counted as they came, never dropped: a report with one said
//! something. Only what leaves nothing to count is refused.

use std::collections::BTreeSet;

use eventlog::{ApplyError, Event};
use proto::{Payload, events::v1 as events, types::v1 as types};
use service::wire::moment;
use sqlx::PgConnection;
use uuid::Uuid;
use vocabulary::{
    CaseState, Impacts, Origin, OriginType, Party, ReportKind, RoutingRegion, Severity,
    StructureKey, StructureKind, Word as _, derived_id, propose_severity,
};

use super::{Assessment, CaseStatus, FactUpdate, Submission, day_in_paris, store};

/// What an event tells, and of which report.
type ReportUpdate = (Uuid, FactUpdate);

/// Why an event tells nothing that can be counted: an error class, for the
/// operator who looks at parked events.
type Unreadable = &'static str;

/// Applies events to the facts of their reports. The same events again change nothing, so
/// that a replay or a snapshot leaves no trace.
pub(crate) async fn apply(conn: &mut PgConnection, events: &[Event]) -> Result<(), ApplyError> {
    let mut updates = Vec::with_capacity(events.len());
    for event in events {
        let update = event.span().in_scope(|| parse(event))?;
        day_in_paris(event.time).ok_or(ApplyError::Poison("bad_time"))?;
        // PostgreSQL keeps no more of a moment.
        let at = event.time.truncate_to_microsecond();
        updates.extend(update.map(|(report_id, update)| (report_id, at, update)));
    }
    let reports: BTreeSet<Uuid> = updates.iter().map(|(report_id, ..)| *report_id).collect();
    if reports.is_empty() {
        return Ok(());
    }
    let before = store::lock(conn, &reports).await?;
    let mut after = before.clone();
    for (report_id, at, update) in updates {
        after.entry(report_id).or_default().apply(at, &update);
    }
    store::save(conn, &before, &after).await?;
    Ok(())
}

/// What an event tells; nothing when it is a test.
fn parse(event: &Event) -> Result<Option<ReportUpdate>, ApplyError> {
    let update = match event.event_type.as_str() {
        events::ReportSubmitted::TYPE => report_submitted(&event.decode()?),
        events::ReportAmended::TYPE => report_amended(&event.decode()?),
        events::ReportAttached::TYPE => report_attached(&event.decode()?),
        events::ReportWithdrawn::TYPE => report_withdrawn(&event.decode()?),
        events::CaseChanged::TYPE => case_changed(&event.decode()?),
        _ => Err("unexpected_type"),
    };
    update.map_err(ApplyError::Poison)
}

/// A new report; nothing for a test, and nothing for what neither the cell nor an agency is told
/// of: what goes down the armed forces' own chain since a later revision is counted no more.
fn report_submitted(event: &events::ReportSubmitted) -> Result<Option<ReportUpdate>, Unreadable> {
    let structure = event.structure.as_ref().ok_or("no_structure")?;
    let region: RoutingRegion = structure
        .routing_region
        .parse()
        .map_err(|_| "bad_routing_region")?;
    if event.test || region == RoutingRegion::Synthetic {
        return Ok(None);
    }
    let report_id = report_id(&event.report_id)?;
    let revision = revision(event.revision)?;
    if is_own_chain(&event.visible_to) {
        let left = revision.map(FactUpdate::LeftToItsChain);
        return Ok(left.map(|left| (report_id, left)));
    }
    let declared_on = event.declared_at.as_ref().and_then(moment);
    let declared_on = declared_on.and_then(day_in_paris);
    // A site counts as one structure by whichever number it was declared.
    let key = match structure.structure_key.as_str() {
        "" => {
            let declared = structure.identifier.as_ref().ok_or("no_structure")?;
            StructureKey::try_from(declared).map_err(|_| "bad_structure")?
        }
        key => key.parse().map_err(|_| "bad_structure")?,
    };
    let report_kind = ReportKind::heard(event.kind);
    let impacts = impacts(event.impacts.as_ref());
    let severity = report_kind
        .map(|kind| propose_severity(kind, &impacts))
        .unwrap_or_default();
    let submission = Submission {
        declared_on: declared_on.ok_or("bad_declared_at")?,
        region,
        structure_kind: StructureKind::heard(structure.kind),
        structure_id: derived_id("counted_structure", &[key.to_string().as_bytes()]),
        report_kind,
        assistance_requested: event.assistance_requested,
        cross_border: event.cross_border,
    };
    let declared = assessment(event.origin, &event.origin_types, impacts, severity);
    Ok(Some((
        report_id,
        FactUpdate::Declared(revision, submission, declared),
    )))
}

/// A report that was amended; nothing where its submission would tell nothing.
fn report_amended(event: &events::ReportAmended) -> Result<Option<ReportUpdate>, Unreadable> {
    let report = event.report.as_ref().ok_or("no_report")?;
    report_revised(event.revision, report)
}

/// A report that was attached to its structure.
fn report_attached(event: &events::ReportAttached) -> Result<Option<ReportUpdate>, Unreadable> {
    let report = event.report.as_ref().ok_or("no_report")?;
    report_revised(event.revision, report)
}

/// A report as it stands since a revision.
fn report_revised(
    told: u64,
    report: &events::ReportSubmitted,
) -> Result<Option<ReportUpdate>, Unreadable> {
    let revision = revision(told)?.ok_or("bad_revision")?;
    report_submitted(&events::ReportSubmitted {
        revision,
        ..report.clone()
    })
}

/// Which revision of a declaration is told; none for the first one.
fn revision(told: u64) -> Result<Option<u64>, Unreadable> {
    i64::try_from(told).map_err(|_| "bad_revision")?;
    Ok(Some(told).filter(|told| *told > 1))
}

/// Whether a report goes down the armed forces' own chain and to nobody else.
fn is_own_chain(visible_to: &[String]) -> bool {
    let has = |party: Party| visible_to.contains(&party.to_string());
    has(Party::ArmedForces) && !has(Party::Cell)
}

/// A withdrawal; nothing for a test.
fn report_withdrawn(event: &events::ReportWithdrawn) -> Result<Option<ReportUpdate>, Unreadable> {
    if event.test {
        return Ok(None);
    }
    Ok(Some((report_id(&event.report_id)?, FactUpdate::Withdrawn)))
}

/// What a case says now; nothing for a test.
fn case_changed(event: &events::CaseChanged) -> Result<Option<ReportUpdate>, Unreadable> {
    if event.test {
        return Ok(None);
    }
    // Revision 0 and numbers that PostgreSQL cannot hold are never written.
    if event.revision == 0 || i64::try_from(event.revision).is_err() {
        return Err("bad_revision");
    }
    let severity = event.severity.unwrap_or_default();
    let severity = Severity {
        serious: severity.serious,
        significant: severity.significant,
        major: severity.major,
    };
    let case = CaseStatus {
        revision: event.revision,
        state: CaseState::heard(event.state),
        // What an agency recorded of care raises what the case merely proposes.
        qualified: event.qualified || event.care_recorded,
        resolved_at: event.resolved_at.as_ref().and_then(moment),
    };
    let impacts = impacts(event.impacts.as_ref());
    let assessment = assessment(event.origin, &event.origin_types, impacts, severity);
    let report_id = report_id(&event.report_id)?;
    Ok(Some((report_id, FactUpdate::Case(case, assessment))))
}

fn assessment(
    origin: i32,
    origin_types: &[i32],
    impacts: Impacts,
    severity: Severity,
) -> Assessment {
    Assessment {
        origin: Origin::heard(origin),
        origin_types: OriginType::all_heard(origin_types).collect(),
        data_impacts: impacts.data,
        care: impacts.care,
        endangerment: impacts.patient_endangerment,
        severity,
    }
}

fn impacts(impacts: Option<&types::Impacts>) -> Impacts {
    impacts.map(Impacts::from).unwrap_or_default()
}

fn report_id(text: &str) -> Result<Uuid, Unreadable> {
    Uuid::try_parse(text).map_err(|_| "bad_report_id")
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};
    use vocabulary::CareImpact;

    use super::*;
    use crate::facts::FactHistory;

    fn submitted() -> events::ReportSubmitted {
        events::ReportSubmitted {
            report_id: Uuid::from_u128(9).to_string(),
            kind: types::ReportKind::Incident.into(),
            // 2026-11-30 23:30 in Paris is still November in UTC too; an hour
            // later it is December in Paris only.
            declared_at: Some(prost_types::Timestamp {
                seconds: 1_796_079_600,
                nanos: 0,
            }),
            structure: Some(events::ReportedStructure {
                identifier: Some(types::StructureIdentifier {
                    identifier: Some(types::structure_identifier::Identifier::Finess(
                        "010000024".to_owned(),
                    )),
                }),
                routing_region: "84".to_owned(),
                ..events::ReportedStructure::default()
            }),
            origin: types::Origin::Malicious.into(),
            ..events::ReportSubmitted::default()
        }
    }

    fn submission(event: &events::ReportSubmitted) -> (Submission, Assessment) {
        match report_submitted(event).unwrap().unwrap().1 {
            FactUpdate::Declared(_, submission, assessment) => (submission, assessment),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_counts_on_the_day_of_its_declaration_in_paris() {
        let mut event = submitted();
        assert_eq!(submission(&event).0.declared_on, date!(2026 - 12 - 01));
        event.declared_at = Some(prost_types::Timestamp {
            seconds: 1_796_079_599,
            nanos: 0,
        });
        assert_eq!(submission(&event).0.declared_on, date!(2026 - 11 - 30));
    }

    #[test]
    fn a_test_tells_nothing() {
        let marked = events::ReportSubmitted {
            test: true,
            ..submitted()
        };
        assert!(report_submitted(&marked).unwrap().is_none());
        let mut routed = submitted();
        routed.structure.as_mut().unwrap().routing_region = "synthetic".to_owned();
        assert!(report_submitted(&routed).unwrap().is_none());
        let withdrawn = events::ReportWithdrawn {
            test: true,
            ..Default::default()
        };
        assert!(report_withdrawn(&withdrawn).unwrap().is_none());
        let case = events::CaseChanged {
            test: true,
            ..Default::default()
        };
        assert!(case_changed(&case).unwrap().is_none());
    }

    #[test]
    fn what_the_armed_forces_keep_to_themselves_is_not_counted() {
        let seen_by = |parties: &[&str]| {
            let event = events::ReportSubmitted {
                visible_to: parties.iter().map(|&party| party.to_owned()).collect(),
                ..submitted()
            };
            report_submitted(&event).unwrap().is_some()
        };
        assert!(!seen_by(&["army", "subject:medecin-chef"]));
        assert!(seen_by(&["army", "ars:93", "cell", "fssi"]));
        assert!(seen_by(&["ars:93", "cell", "fssi"]));
    }

    #[test]
    fn a_site_counts_once_by_whichever_number_it_was_declared() {
        use types::structure_identifier::Identifier;

        let structure_id = |identifier, key: &str| {
            let mut event = submitted();
            let structure = event.structure.as_mut().unwrap();
            structure.identifier = Some(types::StructureIdentifier {
                identifier: Some(identifier),
            });
            structure.structure_key = key.to_owned();
            submission(&event).0.structure_id
        };
        let finess = || Identifier::Finess("010000024".into());
        let siret = || Identifier::Siret("26010004500012".into());
        let key = "finess:010000024";
        assert_eq!(structure_id(siret(), key), structure_id(finess(), key));
        assert_eq!(structure_id(siret(), key), structure_id(finess(), ""));
        assert_ne!(structure_id(siret(), key), structure_id(siret(), ""));
    }

    #[test]
    fn the_number_of_a_structure_is_not_kept() {
        let (submission, _) = submission(&submitted());
        assert_ne!(submission.structure_id, Uuid::nil());
        assert!(!format!("{submission:?}").contains("010000024"));
    }

    #[test]
    fn a_declaration_is_judged_by_the_rules_until_its_case_is_known() {
        let mut event = submitted();
        assert!(!submission(&event).1.severity.serious);
        event.impacts = Some(types::Impacts {
            care: types::CareImpact::Interruption.into(),
            ..types::Impacts::default()
        });
        assert!(submission(&event).1.severity.serious);
    }

    #[test]
    fn words_of_a_newer_release_are_kept_by_their_number() {
        let event = events::ReportSubmitted {
            origin: 77,
            origin_types: vec![2, 88],
            ..submitted()
        };
        let (_, assessment) = submission(&event);
        assert_eq!(assessment.origin, Some(Origin::heard(77).unwrap()));
        let types: Vec<_> = assessment
            .origin_types
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(types, ["ransomware", "number_88"]);
    }

    #[test]
    fn what_an_agency_recorded_of_care_counts_before_the_cell_has_qualified() {
        let counted = |care_recorded| {
            let event = events::CaseChanged {
                report_id: Uuid::from_u128(9).to_string(),
                revision: 2,
                care_recorded,
                impacts: Some(types::Impacts {
                    care: types::CareImpact::Interruption.into(),
                    ..types::Impacts::default()
                }),
                ..events::CaseChanged::default()
            };
            let mut history = FactHistory::default();
            for told in [report_submitted(&submitted()), case_changed(&event)] {
                history.apply(datetime!(2026-11-30 23:00 UTC), &told.unwrap().unwrap().1);
            }
            let known = history.0.into_values().next_back();
            known.unwrap().assessment.care
        };
        assert_eq!(counted(true), Some(CareImpact::Interruption));
        assert_eq!(counted(false), None);
    }

    #[test]
    fn what_is_attached_to_the_armed_forces_is_counted_no_more_until_it_leaves_them() {
        let attached = |revision, parties: &[&str]| {
            let mut report = submitted();
            report.visible_to = parties.iter().map(|&it| it.to_owned()).collect();
            let attached = events::ReportAttached {
                report: Some(report),
                revision,
                ..events::ReportAttached::default()
            };
            report_attached(&attached)
        };
        let mut history = FactHistory::default();
        let mut at = datetime!(2026-11-30 23:00 UTC);
        let mut counted = Vec::new();
        for told in [
            report_submitted(&submitted()),
            attached(2, &["army", "subject:d1"]),
            attached(3, &["army", "cell"]),
        ] {
            at += time::Duration::minutes(1);
            history.apply(at, &told.unwrap().unwrap().1);
            let known = history.0.values().next_back().unwrap();
            counted.push((known.standing().is_some(), known.report_revision));
        }
        assert_eq!(counted, [(true, None), (false, Some(2)), (true, Some(3))]);
        assert_eq!(attached(1, &["cell"]).err(), Some("bad_revision"));
        // A restore lost the attachment that took it out of their chain.
        let restored = events::ReportSubmitted {
            revision: 9,
            visible_to: vec!["army".to_owned()],
            ..submitted()
        };
        let told = report_submitted(&restored).unwrap().unwrap().1;
        history.apply(at + time::Duration::minutes(1), &told);
        let known = history.0.values().next_back().unwrap();
        assert_eq!(
            (known.standing().is_some(), known.report_revision),
            (false, Some(9))
        );
        // What was never counted leaves nothing behind.
        let mut never = FactHistory::default();
        never.apply(at, &told);
        assert!(never.0.is_empty());
    }

    #[test]
    fn silence_stays_silence() {
        let (_, assessment) = submission(&events::ReportSubmitted {
            origin: 0,
            ..submitted()
        });
        assert_eq!(assessment, Assessment::default());
        let (_, said) = submission(&submitted());
        assert_eq!(said.origin, Some(Origin::Malicious));
    }

    #[test]
    fn what_leaves_nothing_to_count_is_refused_with_its_class() {
        let broken = |change: fn(&mut events::ReportSubmitted)| {
            let mut event = submitted();
            change(&mut event);
            report_submitted(&event).err()
        };
        assert_eq!(
            broken(|e| e.report_id = "7".to_owned()),
            Some("bad_report_id")
        );
        assert_eq!(broken(|e| e.structure = None), Some("no_structure"));
        assert_eq!(broken(|e| e.declared_at = None), Some("bad_declared_at"));
        assert_eq!(
            broken(|e| e.declared_at = Some(prost_types::Timestamp {
                seconds: i64::MAX,
                nanos: 0
            })),
            Some("bad_declared_at")
        );
        let case = events::CaseChanged {
            report_id: Uuid::nil().to_string(),
            ..Default::default()
        };
        assert_eq!(case_changed(&case).err(), Some("bad_revision"));
    }
}
