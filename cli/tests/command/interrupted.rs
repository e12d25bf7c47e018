//! The command in front of a service that goes away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::env::{DRAFT, TestEnv};

/// The type of the HTTP/2 frame with which an answer begins, and of its trailers.
const HEADERS: u8 = 1;
/// The flag of the last frame of an answer.
const END_STREAM: u8 = 1;

/// At which point of its first connections a service dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    AtConnect,
    /// The call is done, and its answer does not arrive.
    BeforeAnswer,
    /// The same behind a proxy, which answers 503.
    BehindProxy,
    /// The same behind a proxy, which ends the answer where it broke off: before its trailers.
    BeforeTrailers,
}

/// A service that dies during its first connections, and then is there again.
struct MortalServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl MortalServer {
    #[expect(
        clippy::disallowed_methods,
        reason = "the task is owned here and aborted on drop"
    )]
    async fn start(service: SocketAddr, death: Death, deaths: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let dies = counter.fetch_add(1, Ordering::SeqCst) < deaths;
                if dies && death == Death::AtConnect {
                    continue;
                }
                let service = TcpStream::connect(service).await.unwrap();
                // However it ends, both sides see their connection close.
                let _ = carry(client, service, dies.then_some(death)).await;
            }
        });
        Self {
            address,
            connections,
            task,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for MortalServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries what both sides say; up to the point of an answer at which the service dies.
async fn carry(client: TcpStream, service: TcpStream, death: Option<Death>) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_service, mut to_service) = service.into_split();
    let answers = async {
        let mut header = [0; 9];
        loop {
            from_service.read_exact(&mut header).await?;
            let begins = header[4] & END_STREAM == 0;
            if header[3] == HEADERS
                && let Some(death) = death
                && !(begins && death == Death::BeforeTrailers)
            {
                return to_client.write_all(&last_words(death, header)).await;
            }
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            let mut payload = vec![0; length as usize];
            from_service.read_exact(&mut payload).await?;
            to_client.write_all(&header).await?;
            to_client.write_all(&payload).await?;
        }
    };
    tokio::select! {
        ended = answers => ended,
        ended = tokio::io::copy(&mut from_client, &mut to_service) => ended.map(drop),
    }
}

/// The frame that a proxy sends in place of one of the service (RFC 9113, 4.1).
fn last_words(death: Death, [.., a, b, c, d]: [u8; 9]) -> Vec<u8> {
    match death {
        Death::AtConnect | Death::BeforeAnswer => Vec::new(),
        // Headers that are all of the answer: `:status` and its value (RFC 7541, 6.2.2).
        Death::BehindProxy => [&[0, 0, 5, HEADERS, 5, a, b, c, d], &b"\x08\x03503"[..]].concat(),
        // Data that ends the answer, and none of it.
        Death::BeforeTrailers => vec![0, 0, 0, 0, END_STREAM, a, b, c, d],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_fails_on_a_service_that_dies_once() {
    let env = TestEnv::start().await;
    let mut failed = Vec::new();
    for death in [
        Death::AtConnect,
        Death::BeforeAnswer,
        Death::BehindProxy,
        Death::BeforeTrailers,
    ] {
        let reference = env.submit().await;
        env.case_opened(&reference).await;
        let submit = [&["report", "submit"], &DRAFT[..]].concat();
        let check = [&["report", "check"], &DRAFT[..]].concat();
        let commands: [(&str, &str, &[&str]); 8] = [
            ("director", "intake", &check),
            ("director", "intake", &submit),
            ("director", "intake", &["report", "list"]),
            (
                "director",
                "intake",
                &["structure", "search", "Montpellier"],
            ),
            ("analyst", "qualification", &["case", "claim", &reference]),
            ("analyst", "qualification", &["case", "list"]),
            ("operator", "notification", &["delivery", "list"]),
            ("fssi", "statistics", &["stats", "overview"]),
        ];
        for (identity, service, command) in commands {
            let address = env.suite.addresses(service).public;
            let server = MortalServer::start(address, death, 1).await;
            let (option, url) = (format!("--{service}-url"), server.url());
            let words = [&["--as", identity, &option, &url], command].concat();
            let outcome = env.run(&words).await;
            if outcome.code() != 0 {
                failed.push((death, command.concat(), outcome.stderr()));
            }
            assert!(server.connections() > 1, "{command:?} met no death");
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_receipt_was_lost_is_there_once_with_that_receipt() {
    let env = TestEnv::start().await;
    let intake = env.suite.addresses("intake").public;
    let server = MortalServer::start(intake, Death::BeforeAnswer, 1).await;
    let url = server.url();
    let submit = [
        &["--as", "director", "--json", "--intake-url", &url],
        &["report", "submit"][..],
        &DRAFT,
    ];
    let receipt = env.run(&submit.concat()).await.json();
    let list = ["--as", "director", "--json", "report", "list"];
    let listed = env.run(&list).await.json();
    let reports = listed["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["reference"], receipt["receipt"]["reference"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stays_away_is_called_twice_and_no_more() {
    let env = TestEnv::start().await;
    let intake = env.suite.addresses("intake").public;
    let server = MortalServer::start(intake, Death::BeforeAnswer, usize::MAX).await;
    let url = server.url();
    let words = ["--as", "director", "--intake-url", &url, "report", "list"];
    let outcome = env.run(&words).await;
    assert_eq!(outcome.code(), 7, "{}", outcome.stderr());
    assert_eq!(server.connections(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_is_given_up_in_time() {
    let env = TestEnv::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let words = ["--as", "director", "--timeout", "1", "--intake-url", &url];
    let outcome = env.run(&[&words[..], &["report", "list"]].concat()).await;
    assert_eq!(outcome.code(), 7, "{}", outcome.stderr());
    assert!(outcome.stderr().contains("deadline exceeded"));
}
