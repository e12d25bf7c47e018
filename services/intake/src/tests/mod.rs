//! The service as its callers and the other services see it: real gRPC, a real
//! log, a real PostgreSQL and Redis.

mod amending;
mod bad_drafts;
mod bad_requests;
mod bulk;
mod cases;
mod causes;
mod deadlines;
mod delegating;
mod directory;
mod dossiers;
mod drafting;
mod drafts;
pub(crate) mod env;
mod erasing;
mod files;
mod form;
mod kinds;
mod linking;
mod on_behalf;
mod pasted;
mod places;
mod reading;
mod resolving;
mod structure_contacts;
mod submitting;
mod timelines;
mod under_load;
mod withdrawing;
