//! The post: takes deliveries that are due, sends them and records what came
//! of it.

mod envelope;
mod relay;
mod worker;

pub(crate) use envelope::Sender;
pub(crate) use relay::{Encryption, Relay};
pub(crate) use worker::{Post, PostSettings, TURN};
