//! Between the wire and the domain: what comes in is parsed here, once.

mod event;
mod request;
mod response;
mod time;
mod triage;

pub(crate) use event::{Submitted, case_changed, contacts_erased, submitted, withdrawn};
pub(crate) use request::{Asked, Page, claim, close, get, list, qualify};
pub(crate) use response::{case, contact, entry, etag, listed};
