//! The suite under faults: processes and servers are killed, frozen, emptied and cut
//! off while people declare; in the end what was acknowledged must be there once.

#![expect(clippy::unwrap_used, reason = "a run that cannot go on ends")]

mod chaos;
mod checks;
mod client;
mod conversation;
mod drill;
mod holder;
mod invariants;
mod ledger;
mod load;
mod mailbox;
mod mutants;
mod network;
mod officer;
mod plan;
mod processes;
mod reader;
mod run;
mod servers;

pub use chaos::Tally;
pub use checks::{Broken, Post};
pub use client::Counts;
pub use drill::{Drill, Drilled, drill};
pub use mutants::{Hunt, MUTANTS, Mutant, NO_MUTANTS, hunt};
pub use network::Weathered;
pub use plan::{Ground, Plan};
pub use run::{Outcome, run};
pub use servers::Step;
