//! Wire to domain and back.

mod event;
mod request;
mod response;

pub(crate) use event::{Learnt, Unreadable, case_changed, report_submitted, report_withdrawn};
pub(crate) use request::{BreakdownQuery, Query};
pub(crate) use response::row_response;
