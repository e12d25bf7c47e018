//! The payloads of the log, and what the contract says about each.

/// A message that is the payload of an event.
pub trait Payload: prost::Message + Default {
    /// The CloudEvents type under which it travels.
    const TYPE: &'static str;
    /// The services that must apply it.
    const CONSUMERS: &'static [&'static str];
}

/// The services that must apply events of a type, as this release's contract says;
/// `None` for a type that it does not know.
pub fn consumers_of(event_type: &str) -> Option<&'static [&'static str]> {
    let known = types().find(|(known, _)| *known == event_type);
    known.map(|(_, consumers)| consumers)
}

/// The types of the contract that a service must apply.
pub fn types_for(consumer: &str) -> impl Iterator<Item = &'static str> {
    types()
        .filter(move |(_, consumers)| consumers.contains(&consumer))
        .map(|(name, _)| name)
}

/// The types of the contract that a service need not apply.
pub fn types_not_for(consumer: &str) -> impl Iterator<Item = &'static str> {
    types()
        .filter(move |(_, consumers)| !consumers.contains(&consumer))
        .map(|(name, _)| name)
}

fn types() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    CONSUMERS.iter().copied()
}

// The payloads and `CONSUMERS`, a list of all types with their consumers: generated
// from the options of the messages in `proto/vigie/events`.
include!(concat!(env!("OUT_DIR"), "/payloads.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::v1::{ReportSubmitted, StructureRecorded};

    #[test]
    fn a_payload_has_the_type_and_the_consumers_of_its_contract() {
        assert_eq!(ReportSubmitted::TYPE, "vigie.report.submitted.v1");
        let consumers = ["qualification", "notification", "statistics"];
        assert_eq!(ReportSubmitted::CONSUMERS, consumers);
        assert_eq!(consumers_of(ReportSubmitted::TYPE), Some(&consumers[..]));
        assert_eq!(consumers_of(StructureRecorded::TYPE), Some(&[][..]));
        assert_eq!(consumers_of("vigie.report.foreseen.v1"), None);
    }

    #[test]
    fn every_type_is_for_a_service_or_not() {
        let own: Vec<&str> = types_for("intake").collect();
        assert_eq!(own, ["vigie.case.changed.v1"]);
        let others: Vec<&str> = types_not_for("intake").collect();
        assert!(others.contains(&ReportSubmitted::TYPE));
        assert_eq!(own.len() + others.len(), CONSUMERS.len());
    }
}
