//! What the producers announce, in few words.

use eventlog::NewEvent;
use prost_types::Timestamp;
use proto::{
    Payload,
    events::v1::{CaseChanged, ReportAmended, ReportSubmitted, ReportWithdrawn, ReportedStructure},
    types::v1::{
        CareImpact, CaseState, DescribedStructure, Impacts, Origin, OriginType,
        PatientEndangerment, ReportKind, StructureIdentifier, StructureKind,
        structure_identifier::Identifier,
    },
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// A plain incident of November 2026, the `n`-th, each of a structure of its own.
pub(crate) fn report(n: u32) -> ReportSubmitted {
    ReportSubmitted {
        report_id: id(n),
        kind: ReportKind::Incident.into(),
        structure: Some(structure(n)),
        ..ReportSubmitted::default()
    }
    .declared("2026-11-10T08:00:00Z")
}

/// A report as it was amended.
pub(crate) fn amended(report: ReportSubmitted, revision: u64) -> ReportAmended {
    ReportAmended {
        report: Some(report),
        revision,
        ..ReportAmended::default()
    }
}

/// The case of a report, as opened.
pub(crate) fn case(n: u32) -> CaseChanged {
    CaseChanged {
        case_id: Uuid::from_u128(1_000_000 + u128::from(n)).to_string(),
        report_id: id(n),
        revision: 1,
        state: CaseState::Submitted.into(),
        ..CaseChanged::default()
    }
}

/// The withdrawal of a report.
pub(crate) fn withdrawal(n: u32) -> ReportWithdrawn {
    ReportWithdrawn {
        report_id: id(n),
        ..ReportWithdrawn::default()
    }
}

pub(crate) fn moment(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

pub(crate) fn timestamp(text: &str) -> Timestamp {
    Timestamp {
        seconds: moment(text).unix_timestamp(),
        nanos: 0,
    }
}

fn id(n: u32) -> String {
    Uuid::from_u128(u128::from(n)).to_string()
}

fn structure(n: u32) -> ReportedStructure {
    ReportedStructure {
        identifier: Some(StructureIdentifier {
            identifier: Some(Identifier::Described(DescribedStructure {
                name: format!("Structure numéro {n}"),
                department: "31".to_owned(),
            })),
        }),
        kind: StructureKind::HealthFacility.into(),
        routing_region: "76".to_owned(),
        ..ReportedStructure::default()
    }
}

/// Words that turn a plain report into the one of a story.
pub(crate) trait Words: Sized {
    fn declared(self, at: &str) -> Self;
    fn routed_to(self, region: &str) -> Self;
    fn of_structure(self, n: u32) -> Self;
    fn of_kind(self, kind: StructureKind) -> Self;
}

impl Words for ReportSubmitted {
    fn declared(mut self, at: &str) -> Self {
        self.declared_at = Some(timestamp(at));
        self
    }

    fn routed_to(mut self, region: &str) -> Self {
        region.clone_into(&mut self.structure.as_mut().unwrap().routing_region);
        self
    }

    fn of_structure(mut self, n: u32) -> Self {
        self.structure.as_mut().unwrap().identifier = structure(n).identifier;
        self
    }

    fn of_kind(mut self, kind: StructureKind) -> Self {
        self.structure.as_mut().unwrap().kind = kind.into();
        self
    }
}

/// What reports and cases judge alike.
pub(crate) trait Judged: Sized {
    fn parts(&mut self) -> (&mut i32, &mut Vec<i32>, &mut Impacts);

    fn origin(mut self, origin: Origin, types: &[OriginType]) -> Self {
        *self.parts().0 = origin.into();
        *self.parts().1 = types.iter().map(|of| (*of).into()).collect();
        self
    }

    fn care(mut self, care: CareImpact) -> Self {
        self.parts().2.care = care.into();
        self
    }

    fn danger(mut self, danger: PatientEndangerment) -> Self {
        self.parts().2.patient_endangerment = danger.into();
        self
    }
}

impl Judged for ReportSubmitted {
    fn parts(&mut self) -> (&mut i32, &mut Vec<i32>, &mut Impacts) {
        (
            &mut self.origin,
            &mut self.origin_types,
            self.impacts.get_or_insert_default(),
        )
    }
}

impl Judged for CaseChanged {
    fn parts(&mut self) -> (&mut i32, &mut Vec<i32>, &mut Impacts) {
        (
            &mut self.origin,
            &mut self.origin_types,
            self.impacts.get_or_insert_default(),
        )
    }
}

/// A change of a case.
pub(crate) fn changed(case: CaseChanged, revision: u64, state: CaseState) -> CaseChanged {
    CaseChanged {
        revision,
        state: state.into(),
        qualified: matches!(state, CaseState::Qualified | CaseState::Closed),
        ..case
    }
}

/// An event as its producer announces it.
pub(crate) trait Announced: Payload + Sized {
    fn subject(&self) -> String;

    /// The event of now.
    fn event(&self) -> NewEvent {
        NewEvent::new(Uuid::now_v7(), self.subject(), platform::now(), self)
    }

    /// The event of a past moment.
    fn event_of(&self, at: &str) -> NewEvent {
        NewEvent::new(Uuid::now_v7(), self.subject(), moment(at), self)
    }
}

impl Announced for ReportSubmitted {
    fn subject(&self) -> String {
        format!("report/{}", self.report_id)
    }
}

impl Announced for ReportAmended {
    fn subject(&self) -> String {
        self.report.as_ref().unwrap().subject()
    }
}

impl Announced for ReportWithdrawn {
    fn subject(&self) -> String {
        format!("report/{}", self.report_id)
    }
}

impl Announced for CaseChanged {
    fn subject(&self) -> String {
        format!("case/{}", self.case_id)
    }
}

/// The events of many announcements.
pub(crate) fn events<A: Announced>(announced: impl IntoIterator<Item = A>) -> Vec<NewEvent> {
    announced.into_iter().map(|one| one.event()).collect()
}
