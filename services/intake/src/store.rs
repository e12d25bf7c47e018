//! What intake keeps, in PostgreSQL. Functions borrow a connection: the use
//! case owns the transaction.

mod contacts;
mod read;
mod reference;
mod report;
mod report_row;
mod structure;

pub(crate) use contacts::{erase_contacts, id_of, lock_with_contacts, record_ends, with_contacts};
pub(crate) use reference::ReferenceNumbers;
pub(crate) use report::{
    NewReport, Position, Receipt, find, insert, list, lock, lock_cases, page, receipts,
    record_cases, withdraw,
};
pub(crate) use structure::{
    NamePosition, record, search, sites, sites_of_entity, sites_of_siret, structure,
    structures_after,
};
