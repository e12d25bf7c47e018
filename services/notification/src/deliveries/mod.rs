//! Deliveries: work that is due is claimed, sent and recorded.

mod message;
mod retry;
mod smtp;
mod worker;

pub(crate) use message::Sender;
pub(crate) use retry::{Next, RetryPolicy};
pub(crate) use smtp::{Encryption, SmtpServer};
pub(crate) use worker::{DeliverySettings, DeliveryWorker, TURN};
