//! Between the wire and the domain: what comes in is parsed here, once.

mod directory;
mod draft;
mod draft_out;
mod encoding;
mod event;
mod filter;
mod identifier;
mod layout;
mod personal;
#[cfg(test)]
mod properties;
mod report;
mod request;
mod structure;

pub(crate) use directory::{LineParser, is_empty_record};
pub(crate) use encoding::{LineEncodings, Opening};
pub(crate) use event::{case_change, contacts_erased, recorded, submitted, withdrawn};
pub(crate) use filter::{page_size, report_filter, wanted_report};
pub(crate) use layout::{FileLayout, is_extraction};
pub(crate) use personal::{open_contacts, seal_contacts};
pub(crate) use report::{consequences, receipt, report};
pub(crate) use request::{
    Submission, Withdrawing, check, submission, violation, warning, withdrawing,
};
pub(crate) use structure::{import_answer, structure, wanted_structure};
