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
mod tests;
