//! What a report is and what it sets off: no input or output, no clock.

mod access;
mod channel;
mod consequences;
mod decision;
mod draft;
mod found;
mod import;
mod next_steps;
mod query;
mod refusal;
mod report;
mod routing;
#[cfg(test)]
mod samples;
mod structure;
mod treatment;
mod warnings;

pub(crate) use access::{may_withdraw, sees_contacts, sees_operator_status};
pub(crate) use channel::channel_of;
pub(crate) use consequences::{AgencyTold, Consequences, Duty, Settings};
pub(crate) use decision::{Context, Decision, decide};
pub(crate) use draft::{Contact, Contacts, Draft, Facts, StructureIdentifier};
pub(crate) use found::{Doubt, Found, is_placeholder};
pub(crate) use import::{
    Changes, Column, Encoding, Imported, ReadStructure, RejectedLine, Rejection,
};
pub(crate) use query::{CaseChange, Filter, SearchWords, Wanted};
pub(crate) use refusal::Refusal;
pub(crate) use report::{
    CaseProgress, Report, ReportState, ReportedStructure, SealedContacts, Withdrawal,
};
pub(crate) use routing::Routing;
pub(crate) use structure::{Recorded, Structure};
pub(crate) use treatment::{CaseStanding, End, Treatment, follow};
pub(crate) use warnings::{Warning, warnings};
