//! Facts and counters in PostgreSQL.

mod facts;
mod recount;
mod rollups;

pub(crate) use facts::{lock, save};
pub use recount::{Difference, recount};
pub(crate) use rollups::{add, breakdown, in_scope, tally};
