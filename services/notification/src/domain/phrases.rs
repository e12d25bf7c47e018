//! The French phrases that headlines and messages share.

use time::OffsetDateTime;
use vocabulary::{CareImpact, OriginType, PatientEndangerment, RoutingRegion};

use super::summary::ReportSummary;

/// What is said of a structure: its name, its kind and its region, as far as
/// they are known.
pub(crate) fn structure(summary: &ReportSummary) -> String {
    let name = summary
        .structure_name
        .as_deref()
        .filter(|name| !name.is_empty());
    let kind = summary.structure_kind.map(|kind| kind.french().to_owned());
    let region = summary.region.map(territory);
    let details: Vec<String> = kind.into_iter().chain(region).collect();
    match (name, details.is_empty()) {
        (Some(name), true) => name.to_owned(),
        (Some(name), false) => format!("{name} ({})", details.join(", ")),
        (None, true) => "structure non précisée".to_owned(),
        (None, false) => details.join(", "),
    }
}

/// Where a report is routed, in words.
pub(crate) fn territory(region: RoutingRegion) -> String {
    match region {
        RoutingRegion::Region(region) => region.name().to_owned(),
        RoutingRegion::National => "organisme national".to_owned(),
        RoutingRegion::Synthetic => "territoire de test".to_owned(),
    }
}

/// Where an incident comes from, with its types: "origine malveillante
/// (rançongiciel)"; nothing when nothing was said.
pub(crate) fn origin(summary: &ReportSummary) -> Option<String> {
    let types: Vec<String> = summary
        .origin_types
        .iter()
        .filter(|origin_type| **origin_type != OriginType::Unknown)
        .map(|origin_type| origin_type.french().to_lowercase())
        .collect();
    let origin = summary.origin.map(|origin| origin.french().to_lowercase());
    match (origin, types.is_empty()) {
        (Some(origin), true) => Some(format!("origine {origin}")),
        (Some(origin), false) => Some(format!("origine {origin} ({})", types.join(", "))),
        (None, false) => Some(types.join(", ")),
        (None, true) => None,
    }
}

/// What matters most for patients, the worst first.
pub(crate) fn danger(summary: &ReportSummary) -> Vec<&'static str> {
    let endangerment = match summary.impacts.patient_endangerment {
        Some(PatientEndangerment::Proven) => Some("mise en danger avérée de patients"),
        Some(PatientEndangerment::Potential) => Some("mise en danger potentielle de patients"),
        Some(
            PatientEndangerment::None
            | PatientEndangerment::Unknown
            | PatientEndangerment::Later(_),
        )
        | None => None,
    };
    let care = match summary.impacts.care {
        Some(CareImpact::Interruption) => Some("prise en charge interrompue"),
        Some(CareImpact::DegradedMode) => Some("fonctionnement en mode dégradé"),
        Some(CareImpact::None | CareImpact::Unknown | CareImpact::Later(_)) | None => None,
    };
    endangerment.into_iter().chain(care).collect()
}

/// The judgements of law that hold: "majeur, grave, significatif".
pub(crate) fn severity(summary: &ReportSummary) -> Option<String> {
    let judgements = [
        (summary.severity.major, "majeur"),
        (summary.severity.serious, "grave"),
        (summary.severity.significant, "significatif"),
    ];
    let held: Vec<&str> = judgements
        .iter()
        .filter(|(held, _)| *held)
        .map(|(_, word)| *word)
        .collect();
    (!held.is_empty()).then(|| held.join(", "))
}

/// A moment for people, in the time of Paris: "23/11/2026 à 11 h 05 (heure de
/// Paris)".
pub(crate) fn moment(at: OffsetDateTime) -> String {
    let paris = jiff::Timestamp::from_second(at.unix_timestamp())
        .and_then(|at| at.in_tz("Europe/Paris"))
        .expect("the calendar of time lies within that of jiff, which brings its time zones");
    paris
        .strftime("%d/%m/%Y à %H h %M (heure de Paris)")
        .to_string()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::moment;

    #[test]
    fn a_moment_is_told_in_the_time_of_paris_in_winter_and_in_summer() {
        assert_eq!(
            moment(datetime!(2026-11-23 10:05 UTC)),
            "23/11/2026 à 11 h 05 (heure de Paris)"
        );
        assert_eq!(
            moment(datetime!(2026-07-01 22:30 UTC)),
            "02/07/2026 à 00 h 30 (heure de Paris)"
        );
    }
}
