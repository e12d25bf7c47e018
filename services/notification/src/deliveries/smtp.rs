//! The way to the mail server: one connection for each message.
//!
//! Connections are not pooled. An attempt must end in time, and a connection whose
//! conversation was cut off would go back to the pool: the answer to one message
//! would then be taken for that to another.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::timeout;

use super::{message::OutgoingMail, retry::Outcome};

/// How long the mail server has to show that it takes connections.
const PROBE: Duration = Duration::from_secs(10);

/// The mail server and how it is reached.
#[derive(Clone)]
pub(crate) struct SmtpServer {
    /// Its name, which its certificate must carry.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the connection is protected.
    pub(crate) encryption: Encryption,
    /// The name and the password, where it asks for them.
    pub(crate) login: Option<(String, SecretString)>,
    /// The name said in EHLO.
    pub(crate) hello: ClientId,
    /// How long an attempt may take, connecting included.
    pub(crate) timeout: Duration,
}

/// How the connection is protected.
#[derive(Clone)]
pub(crate) enum Encryption {
    /// Not at all: for a mail server on the same machine.
    None,
    /// By an upgrade that is required (STARTTLS).
    Starttls(TlsParameters),
    /// From the first byte.
    Tls(TlsParameters),
}

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempted {
    /// What it means for the delivery.
    pub(crate) outcome: Outcome,
    /// The class of the error, as in `refused_550`: never its text, which may quote an
    /// address.
    pub(crate) error_class: Option<String>,
}

impl SmtpServer {
    /// The longest time that [`Self::send`] takes.
    pub(crate) fn longest_attempt(&self) -> Duration {
        self.timeout + PROBE
    }

    /// Sends a message.
    pub(crate) async fn send(&self, mail: &OutgoingMail) -> Attempted {
        let transport = self.transport();
        let sending = transport.send_raw(&mail.envelope, &mail.message);
        let error = match timeout(self.timeout, sending).await {
            Ok(Ok(_)) => return Attempted::accepted(),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        // The same error means another thing where the server takes nobody's mail.
        let server_answers = !error.as_ref().is_some_and(refuses_us)
            && timeout(PROBE, transport.test_connection())
                .await
                .is_ok_and(|answer| answer.is_ok_and(|answers| answers));
        Attempted::failed(error.as_ref(), server_answers)
    }

    fn transport(&self) -> AsyncSmtpTransport<Tokio1Executor> {
        let tls = match &self.encryption {
            Encryption::None => Tls::None,
            Encryption::Starttls(parameters) => Tls::Required(parameters.clone()),
            Encryption::Tls(parameters) => Tls::Wrapper(parameters.clone()),
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(tls)
            .hello_name(self.hello.clone())
            .timeout(Some(self.timeout));
        match &self.login {
            Some((name, password)) => {
                let password = password.expose_secret().to_owned();
                builder.credentials(Credentials::new(name.clone(), password))
            }
            None => builder,
        }
        .build()
    }
}

impl Attempted {
    fn accepted() -> Self {
        Self {
            outcome: Outcome::Accepted,
            error_class: None,
        }
    }

    /// A failure; without an error it lasted too long. What a server that answers says
    /// concerns this message, also where it says nothing and breaks the connection off.
    fn failed(error: Option<&SmtpError>, server_answers: bool) -> Self {
        let outcome = match error {
            _ if !server_answers => Outcome::ServerDown,
            Some(error) if error.is_permanent() => Outcome::RefusedForGood,
            Some(error) if error.is_transient() => Outcome::RefusedForNow,
            _ => Outcome::Interrupted,
        };
        let stage = if server_answers { "refused" } else { "relay" };
        let error_class = match error.map(|error| (error, error.status())) {
            Some((_, Some(code))) => format!("{stage}_{code}"),
            Some((error, None)) if error.is_tls() => "tls".to_owned(),
            Some((error, None)) if !error.is_timeout() => "connect".to_owned(),
            _ => "timeout".to_owned(),
        };
        Self {
            outcome,
            error_class: Some(error_class),
        }
    }
}

/// Whether the server refuses the suite and not this message: the codes of a login
/// that is missing or wrong (RFC 4954, 6), which may come as late as at MAIL.
fn refuses_us(error: &SmtpError) -> bool {
    let code = error.status().map(u16::from);
    matches!(code, Some(530 | 534 | 535 | 538))
}
