//! The network between a client and a server, fair and foul.

use std::{net::SocketAddr, time::Duration};

use testkit::{Mishaps, Proxy, Weather};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A server that sends back whatever it is told.
async fn echo(tasks: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (mut from, mut to) = stream.into_split();
            // A connection that is cut ends in an error here.
            let _ = tokio::io::copy(&mut from, &mut to).await;
        }
    });
    address
}

/// A server that the test itself answers for.
async fn server() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Waits until the other side is gone, and returns how much it said before.
async fn end(stream: &mut TcpStream) -> usize {
    let mut heard = Vec::new();
    // An abrupt end is one too.
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut heard));
    let _ = read.await.unwrap();
    heard.len()
}

/// Sends so many bytes, and returns how many came back, in order.
async fn said_back(stream: &mut TcpStream, bytes: usize) -> usize {
    let said: Vec<u8> = (0..=250).cycle().take(bytes).collect();
    let (mut from, mut to) = stream.split();
    let mut heard = Vec::new();
    let send = async {
        // What is cut cannot be sent.
        let _ = to.write_all(&said).await;
    };
    let receive = async {
        let mut chunk = vec![0; 4096];
        while heard.len() < bytes {
            match from.read(&mut chunk).await {
                Ok(0) | Err(_) => break,
                Ok(read) => heard.extend_from_slice(&chunk[..read]),
            }
        }
    };
    tokio::join!(send, receive);
    assert_eq!(heard, said[..heard.len()]);
    heard.len()
}

fn foul(seed: u64) -> Weather {
    Weather {
        seed,
        between: 1_000..20_000,
        delay: 1..5,
        half_open: 1..5,
    }
}

#[tokio::test]
async fn in_fair_weather_everything_passes_unchanged() {
    let mut tasks = JoinSet::new();
    let server = echo(&mut tasks).await;
    let proxy = Proxy::start(server, None).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said_back(&mut stream, 1_000_000).await, 1_000_000);
    assert_eq!(proxy.mishaps(), Mishaps::default());
}

#[tokio::test]
async fn in_foul_weather_connections_break_at_any_byte_and_are_counted() {
    let mut tasks = JoinSet::new();
    let server = echo(&mut tasks).await;
    let proxy = Proxy::start(server, Some(foul(7))).await.unwrap();
    let mut odd = 0;
    for _ in 0..60 {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let heard = said_back(&mut stream, 100_000).await;
        odd += usize::from(heard % 4096 != 0);
        assert!(heard < 100_000, "a connection survived five mishaps");
    }
    let told = proxy.mishaps();
    assert_eq!(told.cut + told.half_open, 60);
    assert!(
        told.cut > 10 && told.half_open > 10 && told.delayed > 10,
        "{told:?}"
    );
    assert!(odd > 30, "{odd}");
}

#[tokio::test]
async fn connections_end_with_the_proxy() {
    let mut tasks = JoinSet::new();
    let server = echo(&mut tasks).await;
    let proxy = Proxy::start(server, None).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(said_back(&mut stream, 10).await, 10);
    drop(proxy);
    let ended = tokio::time::timeout(Duration::from_secs(10), said_back(&mut stream, 10));
    assert_eq!(ended.await.unwrap(), 0);
}

#[tokio::test]
async fn a_proxy_led_elsewhere_cuts_what_is_open_and_leads_there() {
    let (first, second) = (server().await, server().await);
    let proxy = Proxy::start(first.local_addr().unwrap(), None)
        .await
        .unwrap();
    let mut before = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut there, _) = first.accept().await.unwrap();
    there.write_all(b"1").await.unwrap();
    assert_eq!(before.read_u8().await.unwrap(), b'1');

    proxy.lead_to(second.local_addr().unwrap());

    assert_eq!(end(&mut before).await, 0, "the client sees the end");
    assert_eq!(end(&mut there).await, 0, "so does the former server");
    let mut after = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut there, _) = second.accept().await.unwrap();
    after.write_all(b"2").await.unwrap();
    assert_eq!(there.read_u8().await.unwrap(), b'2');
    there.write_all(b"3").await.unwrap();
    assert_eq!(after.read_u8().await.unwrap(), b'3');
    assert_eq!(proxy.mishaps(), Mishaps::default());
}

#[tokio::test]
async fn a_proxy_leads_away_from_a_server_that_is_gone() {
    let (gone, next) = (server().await, server().await);
    let proxy = Proxy::start(gone.local_addr().unwrap(), None)
        .await
        .unwrap();
    drop(gone);
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(end(&mut refused).await, 0);

    proxy.lead_to(next.local_addr().unwrap());

    let mut led = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut there, _) = next.accept().await.unwrap();
    there.write_all(b"4").await.unwrap();
    assert_eq!(led.read_u8().await.unwrap(), b'4');
}
