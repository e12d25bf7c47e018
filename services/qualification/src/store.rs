//! Cases at rest: every statement of the service, and none of its decisions.
//!
//! Functions borrow a connection, so that a use case puts all of its parts in
//! one transaction.

mod case;
mod entry;
mod find;
mod withdrawal;

pub(crate) use case::{erase_contacts, insert_cases, read_cases, update_case};
pub(crate) use entry::{Entry, applied_events, history, insert_entries, latest_entries};
pub(crate) use find::{case_ids_after, find_case, list_cases, lock_case, lock_cases_of};
pub(crate) use withdrawal::{EarlyWithdrawal, keep_early_withdrawal, take_early_withdrawals};
