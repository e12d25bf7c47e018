//! The way to the mail server: one connection for each message.
//!
//! Connections are not pooled. An attempt must end in time, and a connection whose
//! conversation was cut off would go back to the pool of the library: the answer to one
//! message would then be taken for that to another. What makes sending fast is another
//! thing, which that pool does not do: packets that wait for no other (`TCP_NODELAY`).
//! One worker sends 800 messages a second to a server on the same machine with it, and 22
//! without, pooled or not. TLS from the first byte is the library's own, without it.

use std::{io, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        commands::{Mail, Rset},
        extension::{ClientId, MailParameter},
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use service::jobs::Failure;
use tokio::{net::TcpStream, time::timeout};

use super::message::OutgoingMail;

/// How long the mail server has to show that it takes our mail, or to say goodbye.
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

impl SmtpServer {
    /// The longest time that [`Self::send`] takes.
    pub(crate) fn longest_attempt(&self) -> Duration {
        self.timeout + PROBE
    }

    /// Sends a message. What a server that takes our mail says concerns this message, also
    /// where it says nothing and breaks the connection off; what another says, all of them.
    pub(super) async fn send(&self, mail: &OutgoingMail) -> Result<(), Failure> {
        let sending = async {
            let mut connection = self.connect().await?;
            connection.send(&mail.envelope, &mail.message).await?;
            Ok(connection)
        };
        let error = match timeout(self.timeout, sending).await {
            Ok(Ok(mut connection)) => {
                // The message is taken, whatever becomes of the goodbye.
                timeout(PROBE, connection.abort()).await.unwrap_or_default();
                return Ok(());
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        // The same error means another thing where the server takes nobody's mail.
        let takes_our_mail = !error.as_ref().is_some_and(refuses_us)
            && timeout(PROBE, self.probe(mail.envelope.from()))
                .await
                .is_ok_and(|answer| answer.is_ok());
        Err(failure(error.as_ref(), takes_our_mail))
    }

    /// Asks whether the server takes mail from this sender.
    async fn probe(&self, sender: Option<&Address>) -> Result<(), SmtpError> {
        let unicode = sender.is_some_and(|sender| !AsRef::<str>::as_ref(sender).is_ascii());
        let parameters = unicode.then_some(MailParameter::SmtpUtfEight);
        let mail = Mail::new(sender.cloned(), parameters.into_iter().collect());
        let mut connection = self.connect().await?;
        connection.command(mail).await?;
        connection.command(Rset).await?;
        connection.abort().await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let address = (self.host.as_str(), self.port);
        let by_library = |tls| {
            let timeout = Some(self.timeout);
            AsyncSmtpConnection::connect_tokio1(address, timeout, &self.hello, tls, None)
        };
        let mut connection = if let Encryption::Tls(parameters) = &self.encryption {
            by_library(Some(parameters.clone())).await?
        } else if let Ok(stream) = without_delay(address).await {
            let stream = Box::new(stream);
            AsyncSmtpConnection::connect_with_transport(stream, &self.hello).await?
        } else {
            // Its error tells why.
            by_library(None).await?
        };
        if let Encryption::Starttls(parameters) = &self.encryption {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some((name, password)) = &self.login {
            let password = password.expose_secret().to_owned();
            let credentials = Credentials::new(name.clone(), password);
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }
}

/// Connects so that the end of a message is not held back until its beginning is
/// acknowledged, which takes 40 ms.
async fn without_delay(address: (&str, u16)) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a failure means; without an error the attempt lasted too long.
fn failure(error: Option<&SmtpError>, takes_our_mail: bool) -> Failure {
    let stage = if takes_our_mail { "refused" } else { "relay" };
    let class = match error.map(|error| (error, error.status())) {
        Some((_, Some(code))) => format!("{stage}_{code}"),
        Some((error, None)) if error.is_tls() => "tls".to_owned(),
        Some((error, None)) if !error.is_timeout() => "connect".to_owned(),
        _ => "timeout".to_owned(),
    };
    match error {
        _ if !takes_our_mail => Failure::Away(class),
        Some(error) if error.is_permanent() => Failure::Rejected(class),
        // Broken off, it may have been taken: trying for ever might send it for ever.
        _ => Failure::Refused(class),
    }
}

/// Whether the server refuses the suite and not this message: the codes of a login
/// that is missing or wrong (RFC 4954, 6), which may come as late as at MAIL.
fn refuses_us(error: &SmtpError) -> bool {
    let code = error.status().map(u16::from);
    matches!(code, Some(530 | 534 | 535 | 538))
}
