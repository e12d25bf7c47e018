//! The way to the SMTP relay: one connection per worker, kept while it works.
//!
//! The stages of a conversation are told apart, because they mean different things:
//! what is refused at RCPT or DATA concerns this message, anything before
//! concerns the relay.

use std::{fmt, time::Duration};

use lettre::transport::smtp::{
    Error as SmtpError,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, TlsParameters},
    commands::{Data, Mail, Rcpt},
    extension::ClientId,
};
use platform::Watched;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::envelope::Packed;
use crate::domain::retry::Outcome;

/// How many steps long connecting may take: the way, the upgrade, the login.
const CONNECT_STEPS: u32 = 3;
/// How many steps long the answer to a whole message is waited for. Servers take
/// their time to look into it, and a sender who does not wait sends it twice
/// (RFC 5321, 4.5.3.2.6).
const ANSWER_STEPS: u32 = 10;

/// The relay and how it is reached.
#[derive(Clone)]
pub(crate) struct Relay {
    /// Its name, which its certificate must carry.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the way is protected.
    pub(crate) encryption: Encryption,
    /// Who we are to it, where it asks.
    pub(crate) login: Option<(String, SecretString)>,
    /// The name we say in EHLO.
    pub(crate) hello: ClientId,
    /// How long each step may take.
    pub(crate) step_timeout: Duration,
}

/// How the way to the relay is protected.
#[derive(Clone)]
pub(crate) enum Encryption {
    /// Not at all: for a relay on the same machine.
    None,
    /// By an upgrade that is required (STARTTLS).
    Starttls(TlsParameters),
    /// From the first byte.
    Tls(TlsParameters),
}

/// What came of sending a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What it means for the delivery.
    pub(crate) outcome: Outcome,
    /// The class of the error: never its text, which may quote an address.
    pub(crate) error_class: Option<String>,
}

/// A message on the wire (RFC 5321, 4.5.2).
///
/// The library would write its end apart, and on Linux that waits 40 ms for the
/// acknowledgement that the relay's system delays (RFC 1122, 4.2.3.2 and 4.2.3.4).
struct Content<'a>(&'a str);

/// A connection to the relay, made when it is needed.
pub(crate) struct Courier {
    relay: Watched<Relay>,
    connection: Option<AsyncSmtpConnection>,
}

impl Courier {
    /// A courier who has not set out yet.
    pub(crate) fn new(relay: Watched<Relay>) -> Self {
        Self {
            relay,
            connection: None,
        }
    }

    /// Sends a message, over the open connection where it still lives.
    pub(crate) async fn send(&mut self, packed: &Packed) -> Sent {
        let mut connection = match self.ready().await {
            Ok(connection) => connection,
            Err(failure) => return failure,
        };
        let sent = self.hand_over(&mut connection, packed).await;
        // After a refusal the state of the conversation is not worth keeping.
        if sent.outcome == Outcome::Accepted {
            self.connection = Some(connection);
        }
        sent
    }

    /// Gives the connection up; the relay need not hold it.
    pub(crate) async fn rest(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Whether the relay says goodbye does not matter.
            timeout(self.relay.current().step_timeout, connection.abort())
                .await
                .unwrap_or_default();
        }
    }

    async fn ready(&mut self) -> Result<AsyncSmtpConnection, Sent> {
        let relay = self.relay.current();
        if let Some(mut connection) = self.connection.take()
            && timeout(relay.step_timeout, connection.test_connected()).await == Ok(true)
        {
            return Ok(connection);
        }
        match timeout(relay.step_timeout * CONNECT_STEPS, relay.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(Sent::relay_down(&error)),
            Err(_) => Err(Sent::timed_out()),
        }
    }

    async fn hand_over(&self, connection: &mut AsyncSmtpConnection, packed: &Packed) -> Sent {
        let step = self.relay.current().step_timeout;
        let from = Mail::new(packed.envelope.from().cloned(), Vec::new());
        match timeout(step, connection.command(from)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Sent::relay_down(&error),
            Err(_) => return Sent::timed_out(),
        }
        for to in packed.envelope.to() {
            match timeout(step, connection.command(Rcpt::new(to.clone(), Vec::new()))).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Sent::refused(&error),
                Err(_) => return Sent::timed_out(),
            }
        }
        match timeout(step, connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Sent::refused(&error),
            Err(_) => return Sent::timed_out(),
        }
        let content = Content(&packed.message);
        match timeout(step * ANSWER_STEPS, connection.command(content)).await {
            Ok(Ok(_)) => Sent {
                outcome: Outcome::Accepted,
                error_class: None,
            },
            Ok(Err(error)) => Sent::unanswered_unless_refused(&error),
            Err(_) => Sent::unanswered("timeout".to_owned()),
        }
    }
}

impl Relay {
    /// How long an attempt may take at most.
    pub(crate) fn longest_attempt(&self) -> Duration {
        // Trying the open connection, MAIL, RCPT and DATA are a step each.
        self.step_timeout * (4 + CONNECT_STEPS + ANSWER_STEPS)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let tls = match &self.encryption {
            Encryption::Tls(parameters) => Some(parameters.clone()),
            Encryption::None | Encryption::Starttls(_) => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            server,
            Some(self.step_timeout),
            &self.hello,
            tls,
            None,
        )
        .await?;
        if let Encryption::Starttls(parameters) = &self.encryption {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some((name, password)) = &self.login {
            let credentials = Credentials::new(name.clone(), password.expose_secret().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }
}

impl Sent {
    /// The relay itself failed, before it was told of the recipient.
    fn relay_down(error: &SmtpError) -> Self {
        Self {
            outcome: Outcome::RelayDown,
            error_class: Some(class(error, "relay")),
        }
    }

    /// The recipient or the message was refused, or the connection broke then.
    fn refused(error: &SmtpError) -> Self {
        let outcome = if error.is_permanent() {
            Outcome::RefusedForGood
        } else if error.is_transient() {
            Outcome::RefusedForNow
        } else {
            Outcome::RelayDown
        };
        Self {
            outcome,
            error_class: Some(class(error, "refused")),
        }
    }

    /// The message was refused, or the connection broke before the answer.
    fn unanswered_unless_refused(error: &SmtpError) -> Self {
        if error.status().is_some() {
            return Self::refused(error);
        }
        Self::unanswered(class(error, "refused"))
    }

    fn unanswered(error_class: String) -> Self {
        Self {
            outcome: Outcome::Unanswered,
            error_class: Some(error_class),
        }
    }

    fn timed_out() -> Self {
        Self {
            outcome: Outcome::RelayDown,
            error_class: Some("timeout".to_owned()),
        }
    }
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.lines() {
            let protection = if line.starts_with('.') { "." } else { "" };
            write!(f, "{protection}{line}\r\n")?;
        }
        f.write_str(".\r\n")
    }
}

/// The class of an error: "connect", "tls", "timeout", "relay_535", "refused_450".
fn class(error: &SmtpError, stage: &str) -> String {
    match error.status() {
        Some(code) => format!("{stage}_{code}"),
        None if error.is_tls() => "tls".to_owned(),
        None if error.is_timeout() => "timeout".to_owned(),
        None => "connect".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Content;

    #[test]
    fn a_line_with_a_dot_does_not_end_the_message() {
        for (message, written) in [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\n.\nMAIL FROM:<b>", "a\r\n..\r\nMAIL FROM:<b>\r\n.\r\n"),
        ] {
            assert_eq!(Content(message).to_string(), written);
        }
    }
}
