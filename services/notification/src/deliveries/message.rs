//! A message in the form of the Internet (RFC 5322).

use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::notices::Mail;

/// Who sends.
#[derive(Clone, Debug)]
pub(crate) struct Sender(Mailbox);

/// A message as the mail server takes it.
#[derive(Debug)]
pub(crate) struct OutgoingMail {
    /// From whom and to whom.
    pub(crate) envelope: Envelope,
    /// The message.
    pub(crate) message: Vec<u8>,
}

/// The message cannot be put into the form of the Internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be written")]
pub(crate) struct MessageError;

impl Sender {
    /// Takes the address that messages come from, `Name <name@domain>` or bare.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The domain that messages come from.
    pub(crate) fn domain(&self) -> &str {
        self.0.email.domain()
    }

    /// Writes a message. Its Message-ID is that of the delivery: the same at
    /// every attempt, so that a receiver can tell a duplicate.
    pub(crate) fn message(
        &self,
        delivery_id: Uuid,
        to: &str,
        mail: Mail,
        created_at: OffsetDateTime,
        traceparent: Option<&str>,
    ) -> Result<OutgoingMail, MessageError> {
        let to: Address = to.parse().map_err(|_| MessageError)?;
        let message_id = format!("<{delivery_id}@{}>", self.domain());
        let mut message = Message::builder()
            .from(self.0.clone())
            .to(Mailbox::new(None, to))
            .message_id(Some(message_id))
            .date(created_at.into())
            .subject(mail.subject)
            // RFC 3834: no automatic answer to an automatic message.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .header(ContentType::TEXT_PLAIN);
        if let Some(traceparent) = traceparent {
            message = message.raw_header(header("Traceparent", traceparent));
        }
        let message = message.body(mail.body).map_err(|_| MessageError)?;
        Ok(OutgoingMail {
            envelope: message.envelope().clone(),
            message: message.formatted(),
        })
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::{Mail, Sender};

    #[test]
    fn no_subject_adds_a_header() {
        let sender = Sender::parse("vigie@example.org").unwrap();
        let mail = Mail {
            subject: "Hôpital\r\nBcc: everybody@example.org\n\nbody".to_owned(),
            body: String::new(),
        };
        let created_at = datetime!(2026-11-23 08:00 UTC);
        let mail = sender
            .message(Uuid::nil(), "to@example.org", mail, created_at, None)
            .unwrap();
        let text = String::from_utf8(mail.message).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        assert_eq!(mail.envelope.to().len(), 1);
    }

    #[test]
    fn a_message_is_the_same_at_every_attempt() {
        let sender = Sender::parse("Vigie <vigie@example.org>").unwrap();
        let write = || {
            let mail = Mail {
                subject: "Accusé".to_owned(),
                body: "Bonjour,\n".to_owned(),
            };
            let created_at = datetime!(2026-11-23 08:00 UTC);
            sender.message(
                Uuid::from_u128(7),
                "to@example.org",
                mail,
                created_at,
                Some("00-1-2-01"),
            )
        };
        let message = write().unwrap().message;
        assert_eq!(message, write().unwrap().message);
        let text = String::from_utf8(message).unwrap();
        assert!(text.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.org>"));
        assert!(text.contains("Auto-Submitted: auto-generated"));
        assert!(text.contains("Traceparent: 00-1-2-01"));
    }
}
