//! What consequences for care say of a case.

use service::Parties;
use vocabulary::{CareImpact, Party, has_health_impact, propose_severity};

use super::Case;

/// Whether a case says already what consequences for care of this impact say.
pub(super) fn knows_of_care(case: &Case, impact: CareImpact) -> bool {
    let said = [case.care_recorded, case.triage().impacts.care];
    said.into_iter().all(|said| !impact.is_graver_than(said))
}

/// Shows a case with a health impact to the DGS, but of a test and of what the armed
/// forces' own chain tells it (art. D.1111-16-3 CSP).
pub(super) fn show_to_health_authority(case: &mut Case) {
    if !case.report.test && !case.visible_to.contains(&Party::ArmedForces) {
        case.visible_to.add(&Party::HealthAuthority);
    }
}

/// Who sees a case whose report these see: they, and the DGS where what was recorded or judged
/// here shows it the case. It does not lose sight by a milder judgement.
pub(super) fn seen_by(case: &Case, announced: Parties) -> Parties {
    let judged = case.confirmed.as_ref();
    let shown = case.care_recorded.is_some()
        || judged.is_some_and(|judged| has_health_impact(&judged.impacts))
        || judged.is_some() && case.visible_to.contains(&Party::HealthAuthority);
    let mut seen = Case {
        visible_to: announced,
        ..case.clone()
    };
    if shown {
        show_to_health_authority(&mut seen);
    }
    seen.visible_to
}

/// Records consequences for care of this impact.
pub(super) fn record(case: &mut Case, impact: CareImpact) {
    if impact.is_graver_than(case.care_recorded) {
        case.care_recorded = Some(impact);
    }
    show_to_health_authority(case);
    raise(case, impact);
}

/// Has what the rules propose anew say no less of care than an agency recorded.
pub(super) fn keep_what_was_recorded(case: &mut Case) {
    if let Some(recorded) = case.care_recorded.filter(|_| case.confirmed.is_none()) {
        raise(case, recorded);
    }
}

/// Raises the impact on care of the judgement that holds, and never lowers it. The rules
/// propose the severity anew from it; what the cell confirmed of that holds.
fn raise(case: &mut Case, impact: CareImpact) {
    let kind = case.report.kind;
    let (triage, is_proposed) = match &mut case.confirmed {
        Some(confirmed) => (confirmed, false),
        None => (&mut case.proposed, true),
    };
    if impact.is_graver_than(triage.impacts.care) {
        triage.impacts.care = Some(impact);
    }
    if is_proposed {
        let severity = kind.map(|kind| propose_severity(kind, &triage.impacts));
        triage.severity.serious |= severity.is_some_and(|severity| severity.serious);
    }
}
