//! The words of the field as types that cannot be wrong.
//!
//! Every service of the suite parses what comes in into these types, once, at
//! its edge, and decides with them. Nothing here does any input or output or
//! reads a clock: time is an argument.
//!
//! - Words with a fixed list of members ([`Origin`], [`CaseState`], …) share one
//!   form: a slug for storage, a number for the wire, a French and an English label
//!   for people. They are open ([`Word`]): a release keeps what a later one says.
//! - Identifiers ([`Finess`], [`Siret`], [`Rpps`], [`Reference`]) know their own
//!   keys; territories ([`Department`], [`Region`], [`Agency`]) their bounds.
//! - What people write is normalised here and nowhere else: texts ([`Text`], [`Line`])
//!   when they are parsed, identifiers by their parsers, and whatever is shown among
//!   words of our own by [`display_line`] and [`display_text`].
//! - Rules of law ([`propose_severity`], [`has_health_impact`],
//!   [`parallel_duties`]) cite their article; deadlines that are not law yet come as a
//!   versioned pack ([`DeadlinePack`]).

mod accompaniment;
mod agency;
mod as_text;
mod care;
mod case;
mod character;
mod contact;
mod deadline;
mod department;
mod derived;
mod display;
mod enumeration;
mod error;
mod finess;
mod fold;
mod holidays;
mod impact;
mod luhn;
mod origin;
mod parallel_duty;
mod party;
mod pasted;
mod reference;
mod region;
mod report;
mod role;
mod routing_region;
mod rpps;
mod search_words;
mod severity;
mod siret;
mod structure;
mod structure_key;
mod text;
mod word;
mod working_hours;

pub use accompaniment::{AccompanimentGiver, AccompanimentState};
pub use agency::Agency;
pub use care::CareConsequenceKind;
pub use case::{CaseActivity, CaseState, MeasureKind, WaitingFor};
pub use contact::{EmailAddress, PhoneNumber};
pub use deadline::{Deadline, DeadlineKind, DeadlinePack, DeadlineTerm, ReportMoments, Term};
pub use department::Department;
pub use derived::{derived_after, derived_at, derived_id, shard_of};
pub use display::{display_line, display_text};
pub use error::ParseError;
pub use finess::Finess;
pub use fold::fold;
pub use holidays::french_public_holidays;
pub use impact::{CareImpact, DataImpact, DataNature, Impacts, PatientEndangerment, Reach};
pub use origin::{Origin, OriginType};
pub use parallel_duty::{ParallelDuty, parallel_duties};
pub use party::Party;
pub use pasted::parse_uuid;
pub use reference::{Reference, ReferenceCipher};
pub use region::Region;
pub use report::{Capacity, Channel, DeclarantLink, Medium, ReportKind, ReportStage, Tlp};
pub use role::Role;
pub use routing_region::RoutingRegion;
pub use rpps::Rpps;
pub use search_words::SearchWords;
pub use severity::{
    Severity, SeverityLevel, SeverityReason, has_health_impact, propose_severity, severity_reasons,
};
pub use siret::{Siret, is_siren};
pub use structure::{OperatorStatus, StructureContactRole, StructureKind};
pub use structure_key::{StructureKey, StructureName};
pub use text::{Line, Text, is_empty_text};
pub use word::{LaterWord, Word};
pub use working_hours::{is_working_time, next_working_time, paris_date, paris_time};
