//! A mail server that keeps what it gets, and can be a bad one.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use anyhow::Result;
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{background::Background, eventually_some, mail::Mail};

/// How many mails are kept; the oldest go first.
const KEPT: usize = 10_000;

/// The longest line or mail that is read, in bytes.
const LONGEST: u64 = 32 << 20;

/// A mail server on loopback that delivers nothing and keeps everything.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Background,
}

/// What is called with every mail that is kept.
pub type OnMail = Arc<dyn Fn(&Mail) + Send + Sync>;

/// What a sink may be told at its start.
#[derive(Clone, Default)]
pub struct SmtpOptions {
    /// The port; any free one by default.
    pub port: Option<u16>,
    /// Called with every mail that is kept.
    pub on_mail: Option<OnMail>,
}

/// What the server does with whoever connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmtpBehaviour {
    /// Takes every mail.
    #[default]
    Accept,
    /// Accepts the connection and never says a word.
    Hang,
    /// Closes every connection at once.
    Drop,
    /// Keeps the mail, then closes the connection before saying so: the sender
    /// cannot know, and sends it again.
    DropAfterMail,
}

#[derive(Default)]
struct Shared {
    mails: Mutex<VecDeque<Mail>>,
    behaviour: watch::Sender<SmtpBehaviour>,
    refusals: Mutex<Refusals>,
    on_mail: Option<OnMail>,
    connections: watch::Sender<Connections>,
}

/// How many connections there were, and are.
#[derive(Clone, Copy, Default)]
struct Connections {
    ever: usize,
    open: usize,
}

#[derive(Default)]
struct Refusals {
    next: VecDeque<u16>,
    recipients: HashMap<String, u16>,
    senders: Option<u16>,
    hang_ups: HashSet<String>,
}

impl SmtpSink {
    /// Starts a server on a free port.
    ///
    /// # Panics
    ///
    /// When it cannot listen.
    pub async fn start() -> Self {
        Self::start_with(SmtpOptions::default())
            .await
            .unwrap_or_else(|error| panic!("no mail server: {error:#}"))
    }

    /// Starts a server.
    pub async fn start_with(options: SmtpOptions) -> Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], options.port.unwrap_or(0)));
        let listener = TcpListener::bind(address).await?;
        let shared = Arc::new(Shared {
            on_mail: options.on_mail,
            ..Shared::default()
        });
        Ok(Self {
            address: listener.local_addr()?,
            shared: Arc::clone(&shared),
            _server: Background::run(accept(listener, shared)),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every mail kept so far, in the order of arrival.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails().iter().cloned().collect()
    }

    /// Forgets every mail kept so far.
    pub fn forget(&self) {
        self.shared.mails().clear();
    }

    /// Waits until there are this many mails, and returns all.
    ///
    /// # Panics
    ///
    /// When they do not come within twenty seconds.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = Vec<Mail>> {
        eventually_some(async move || Some(self.mails()).filter(|mails| mails.len() >= count))
    }

    /// Waits for a mail of this kind, and returns the first.
    ///
    /// # Panics
    ///
    /// When none comes within twenty seconds.
    #[track_caller]
    pub fn wait_for_mail(&self, wanted: impl Fn(&Mail) -> bool) -> impl Future<Output = Mail> {
        eventually_some(async move || self.mails().into_iter().find(&wanted))
    }

    /// Changes what happens to connections, the open ones included.
    pub fn behave(&self, behaviour: SmtpBehaviour) {
        self.shared.behaviour.send_replace(behaviour);
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.borrow().ever
    }

    /// Closes every open connection, and takes new ones.
    pub async fn hang_up(&self) {
        let before = self.shared.behaviour.send_replace(SmtpBehaviour::Drop);
        let mut connections = self.shared.connections.subscribe();
        // The sender lives in `shared`, so this cannot fail.
        let _ = connections.wait_for(|now| now.open == 0).await;
        self.behave(before);
    }

    /// Refuses the next recipients with this code: 4xx for now, 5xx for ever.
    pub fn refuse_next(&self, count: usize, code: u16) {
        let mut refusals = self.shared.refusals();
        refusals.next.extend(std::iter::repeat_n(code, count));
    }

    /// Refuses this recipient with this code from now on.
    pub fn refuse_recipient(&self, address: impl Into<String>, code: u16) {
        self.shared
            .refusals()
            .recipients
            .insert(address.into(), code);
    }

    /// Refuses every sender with this code from now on.
    pub fn refuse_senders(&self, code: u16) {
        self.shared.refusals().senders = Some(code);
    }

    /// Closes the connection at this recipient from now on, without a word.
    pub fn hang_up_at(&self, address: impl Into<String>) {
        self.shared.refusals().hang_ups.insert(address.into());
    }

    /// Takes every sender and recipient again.
    pub fn refuse_nobody(&self) {
        *self.shared.refusals() = Refusals::default();
    }
}

impl Shared {
    fn mails(&self) -> MutexGuard<'_, VecDeque<Mail>> {
        self.mails.lock().expect("no holder of this lock panics")
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().expect("no holder of this lock panics")
    }

    fn keep(&self, mail: Mail) {
        if let Some(on_mail) = &self.on_mail {
            on_mail(&mail);
        }
        let mut mails = self.mails();
        if mails.len() == KEPT {
            mails.pop_front();
        }
        mails.push_back(mail);
    }

    fn refusal_of(&self, recipient: &str) -> Option<u16> {
        let mut refusals = self.refusals();
        let always = refusals.recipients.get(recipient).copied();
        always.or_else(|| refusals.next.pop_front())
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut conversations = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let shared = Arc::clone(&shared);
                // A sender that goes away in the middle is no error of ours.
                conversations.spawn(async move {
                    shared.connections.send_modify(|now| {
                        now.ever += 1;
                        now.open += 1;
                    });
                    drop(receive(stream, &shared).await);
                    shared.connections.send_modify(|now| now.open -= 1);
                });
            }
            Some(_) = conversations.join_next() => {}
        }
    }
}

/// Follows the behaviour while it talks: a change reaches open connections.
async fn receive(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut behaviour = shared.behaviour.subscribe();
    let hung_up = async {
        // The sender of the behaviour lives in `shared`, so this cannot fail.
        let _ = behaviour.wait_for(|now| *now == SmtpBehaviour::Drop).await;
    };
    tokio::select! {
        () = hung_up => Ok(()),
        done = converse(stream, shared) => done,
    }
}

async fn converse(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader);
    let mut behaviour = shared.behaviour.subscribe();
    let mut envelope = (String::new(), Vec::new());
    let mut reply = "220 vigie.invalid ESMTP".to_owned();
    loop {
        // A server that hangs says nothing until it behaves otherwise.
        let _ = behaviour.wait_for(|now| *now != SmtpBehaviour::Hang).await;
        writer.write_all(format!("{reply}\r\n").as_bytes()).await?;
        if reply.starts_with("221") {
            return Ok(());
        }
        let Some(line) = read_line(&mut lines).await? else {
            return Ok(());
        };
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        reply = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => "250-vigie.invalid\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned(),
            "HELO" | "NOOP" => "250 as you wish".to_owned(),
            "MAIL" => {
                let refusal = shared.refusals().senders;
                if let Some(code) = refusal {
                    format!("{code} sender refused")
                } else {
                    envelope = (path_in(&line), Vec::new());
                    "250 sender noted".to_owned()
                }
            }
            "RCPT" => {
                let recipient = path_in(&line);
                if shared.refusals().hang_ups.contains(&recipient) {
                    return Ok(());
                }
                if let Some(code) = shared.refusal_of(&recipient) {
                    format!("{code} recipient refused")
                } else {
                    envelope.1.push(recipient);
                    "250 recipient noted".to_owned()
                }
            }
            "RSET" => {
                envelope = (String::new(), Vec::new());
                "250 forgotten".to_owned()
            }
            "DATA" if envelope.1.is_empty() => "503 no recipients".to_owned(),
            "DATA" => {
                writer.write_all(b"354 end with a dot\r\n").await?;
                let Some(source) = read_mail(&mut lines).await? else {
                    return Ok(());
                };
                let (from, to) = std::mem::take(&mut envelope);
                shared.keep(Mail { from, to, source });
                if *behaviour.borrow() == SmtpBehaviour::DropAfterMail {
                    return Ok(());
                }
                "250 kept".to_owned()
            }
            "QUIT" => "221 goodbye".to_owned(),
            _ => "502 not known here".to_owned(),
        };
    }
}

/// Reads a line without its end; nothing when the sender has gone.
async fn read_line(lines: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    lines.take(LONGEST).read_until(b'\n', &mut line).await?;
    let whole = line.strip_suffix(b"\n");
    Ok(whole
        .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()))
}

/// Reads to the lonely dot, and takes away the dots that protect other lines.
async fn read_mail(lines: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut source = String::new();
    while let Some(line) = read_line(lines).await? {
        if line == "." {
            return Ok(Some(source));
        }
        source.push_str(line.strip_prefix('.').unwrap_or(&line));
        source.push('\n');
        if source.len() as u64 > LONGEST {
            break;
        }
    }
    Ok(None)
}

/// The address between angle brackets.
fn path_in(line: &str) -> String {
    let inside = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or_else(String::new, |(path, _)| path.to_owned())
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mails", self.mails().len())
    }
}
