//! What a report is and what it sets off: no input or output, no clock.

mod access;
mod channel;
mod consequences;
mod decision;
mod draft;
mod import;
mod next_steps;
mod query;
mod refusal;
mod report;
mod routing;
mod structure;
mod warnings;

pub use access::{may_withdraw, sees_contacts, sees_operator_status};
pub use channel::channel_of;
pub use consequences::{Addressee, AgencyTold, Consequences, Duty, Settings};
pub use decision::{Context, Decision, decide};
pub use draft::{Capacity, Contact, Contacts, Draft, Facts, LongText, StructureIdentifier};
pub use import::{Changes, Encoding, Imported, RejectedLine, Rejection};
pub use query::{CaseChange, Filter, Wanted};
pub use refusal::Refusal;
pub use report::{CaseProgress, Report, ReportState, ReportedStructure, SealedContacts, Withdrawal};
pub use routing::Routing;
pub use structure::{Recorded, Structure};
pub use warnings::{Warning, warnings};
