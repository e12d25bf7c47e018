//! What every feature of a service would otherwise write again.
//!
//! A feature is a folder of a service; its `rpc.rs` calls these functions and shows
//! everything that happens, top to bottom:
//!
//! - a change is [`Commands::run`]: request key, work, events last, audit, retry;
//! - a list is a [`Page`]; a read leaves its entry by [`audit_read`] or [`audit_list`];
//! - a request is read by [`Fields`], which collects every violation;
//! - who sees what is decided by [`Parties`] and [`View`];
//! - contacts and texts of a report rest [`Sealed`] under the key of that report;
//! - deadlines of reports are those of the chosen rule pack, if there is one ([`Deadlines`]);
//! - work that is due is a job, claimed and recorded by [`jobs::Jobs`];
//! - events of other services reach features by a [`Registry`].
//!
//! A service is a [`Runtime`] with its features: it owns the pools, the log, the
//! publisher, the consumers, the seals of the audit trail and the listeners.

mod audit;
mod command;
mod config;
mod deadlines;
mod fields;
pub mod jobs;
mod page;
mod personal;
mod registry;
mod revision;
mod runtime;
mod visibility;
pub mod wire;

pub use audit::{audit_list, audit_read};
pub use command::{Call, Commands, Done, request_hash};
pub use config::BaseConfig;
pub use deadlines::{Deadlines, deadline};
pub use fields::Fields;
pub use page::Page;
pub use personal::{Sealed, functional_mailbox_purpose, resolution_purpose};
pub use registry::{Feature, Registry};
pub use revision::revision_base;
pub use runtime::{Running, Runtime};
pub use visibility::{Parties, View};
