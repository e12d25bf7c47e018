//! What intake keeps, in PostgreSQL. Functions borrow a connection: the use
//! case owns the transaction.

mod read;
mod reference;
mod report;
mod report_row;
mod structure;

pub(crate) use reference::ReferenceNumbers;
pub(crate) use report::{
    NewReport, Position, Receipt, erase_contacts, find, id_of, insert, list, lock,
    lock_with_contacts, page, receipts, record_cases, with_contacts, withdraw,
};
pub(crate) use structure::{
    NamePosition, record, search, site_of_entity, site_of_siret, sites, structure, structures_after,
};
