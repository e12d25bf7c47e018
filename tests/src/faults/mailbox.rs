//! A mail server that counts how often each message arrived.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use testkit::{Mail, SmtpOptions, SmtpSink};
use uuid::Uuid;

/// A mail server that counts how often each message arrived, however many there
/// are.
pub(super) struct Mailbox {
    sink: SmtpSink,
    copies: Arc<Mutex<HashMap<Uuid, i32>>>,
}

impl Mailbox {
    /// Starts it on a free port.
    pub(super) async fn start() -> Self {
        let copies: Arc<Mutex<HashMap<Uuid, i32>>> = Arc::default();
        let counted = Arc::clone(&copies);
        let options = SmtpOptions {
            port: None,
            on_mail: Some(Arc::new(move |mail| {
                let mut copies = counted.lock().expect("no holder of this lock panics");
                *copies.entry(delivery_of(mail)).or_default() += 1;
            })),
        };
        let sink = SmtpSink::start_with(options).await;
        Self {
            sink: sink.expect("the mail server starts"),
            copies,
        }
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.sink.address().port()
    }

    /// How often the message of each delivery arrived.
    pub(super) fn copies(&self) -> HashMap<Uuid, i32> {
        self.copies
            .lock()
            .expect("no holder of this lock panics")
            .clone()
    }
}

/// The delivery of a mail, by which a receiver can tell a duplicate.
fn delivery_of(mail: &Mail) -> Uuid {
    let id = mail.message_id().expect("every mail has a Message-ID");
    let local = id.trim_start_matches('<').split('@').next();
    let delivery = local.and_then(|local| local.parse().ok());
    delivery.unwrap_or_else(|| panic!("the Message-ID {id} names no delivery"))
}
