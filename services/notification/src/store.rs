//! What this service remembers, in PostgreSQL; knows no wire.
//!
//! Functions borrow a connection: the use case owns the transaction.

pub(crate) mod delivery_list;
pub(crate) mod delivery_queue;
pub(crate) mod digest;
pub(crate) mod notification;
pub(crate) mod report_projection;
