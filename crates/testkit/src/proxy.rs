//! A network that misbehaves, between a client and a server on loopback.

use std::{
    io,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use crate::background::Background;

/// What is carried at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// How a network misbehaves: each mishap befalls a connection after a random number
/// of bytes, so also in the middle of a message.
#[derive(Debug, Clone)]
pub struct Weather {
    /// What the dice start from.
    pub seed: u64,
    /// How many bytes a connection carries from one mishap to the next.
    pub between: Range<usize>,
    /// For how long a delay holds up what one side says, in milliseconds.
    pub delay: Range<u64>,
    /// For how long a half-open connection carries nothing one way, in
    /// milliseconds, before it is cut.
    pub half_open: Range<u64>,
}

/// How often a network did what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mishaps {
    /// Connections cut at once.
    pub cut: u64,
    /// Delays.
    pub delayed: u64,
    /// Connections that carried nothing one way for a while, and were then cut.
    pub half_open: u64,
}

/// A proxy in front of a server.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: Background,
}

#[derive(Debug)]
struct Shared {
    upstream: watch::Sender<SocketAddr>,
    dice: Mutex<StdRng>,
    /// Clear weather when absent.
    weather: Option<Weather>,
    cut: AtomicU64,
    delayed: AtomicU64,
    half_open: AtomicU64,
}

/// What befalls a connection.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    Cut,
    Delay(Duration),
    HalfOpen(Duration),
}

impl Proxy {
    /// Starts a proxy on a free port in front of a server.
    pub async fn start(upstream: SocketAddr, weather: Option<Weather>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seed = weather.as_ref().map_or(0, |weather| weather.seed);
        let shared = Arc::new(Shared {
            upstream: watch::Sender::new(upstream),
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
            weather,
            cut: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            half_open: AtomicU64::new(0),
        });
        let server = Background::run(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            _server: server,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads to another server from now on, as an address does that follows a
    /// failover: connections to the former server are cut.
    pub fn lead_to(&self, upstream: SocketAddr) {
        self.shared.upstream.send_replace(upstream);
    }

    /// How often it did what.
    pub fn mishaps(&self) -> Mishaps {
        Mishaps {
            cut: self.shared.cut.load(Ordering::Relaxed),
            delayed: self.shared.delayed.load(Ordering::Relaxed),
            half_open: self.shared.half_open.load(Ordering::Relaxed),
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the proxy.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // However it ends, both sides see their connection close.
                    let _ = connect(client, &shared).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut upstream = shared.upstream.subscribe();
    let current = *upstream.borrow_and_update();
    tokio::select! {
        // Nothing more passes once this has changed.
        biased;
        _ = upstream.changed() => Err(io::ErrorKind::ConnectionAborted.into()),
        ended = connect_to(current, client, shared) => ended,
    }
}

async fn connect_to(upstream: SocketAddr, client: TcpStream, shared: &Shared) -> io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let road = Road {
        shared,
        left: Mutex::new(Some(shared.until_next())),
    };
    tokio::select! {
        ended = carry(from_client, to_server, &road) => ended,
        ended = carry(from_server, to_client, &road) => ended,
    }
}

/// What both directions of a connection share.
struct Road<'a> {
    shared: &'a Shared,
    /// Bytes until the next mishap; none comes once the connection is doomed.
    left: Mutex<Option<usize>>,
}

impl Road<'_> {
    /// How much of so many bytes passes, and what happens then.
    fn take(&self, wanted: usize) -> (usize, Option<Mishap>) {
        let mut left = self.left.lock().expect("no holder of this lock panics");
        match *left {
            None => (wanted, None),
            Some(remaining) if remaining > wanted => {
                *left = Some(remaining - wanted);
                (wanted, None)
            }
            Some(passes) => {
                let mishap = self.shared.mishap();
                let goes_on = matches!(mishap, Some(Mishap::Delay(_)) | None);
                *left = goes_on.then(|| self.shared.until_next());
                (passes, mishap)
            }
        }
    }
}

/// Carries what one side says to the other, until it ends or is cut.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, road: &Road<'_>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let heard = from.read(&mut buffer).await?;
        if heard == 0 {
            return to.shutdown().await;
        }
        let mut rest = &buffer[..heard];
        while !rest.is_empty() {
            let (passes, mishap) = road.take(rest.len());
            to.write_all(&rest[..passes]).await?;
            rest = &rest[passes..];
            let shared = road.shared;
            match mishap {
                None => {}
                Some(Mishap::Cut) => {
                    shared.cut.fetch_add(1, Ordering::Relaxed);
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                Some(Mishap::Delay(time)) => {
                    shared.delayed.fetch_add(1, Ordering::Relaxed);
                    sleep(time).await;
                }
                Some(Mishap::HalfOpen(time)) => {
                    shared.half_open.fetch_add(1, Ordering::Relaxed);
                    sleep(time).await;
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
        }
    }
}

impl Shared {
    fn dice(&self) -> MutexGuard<'_, StdRng> {
        self.dice.lock().expect("no holder of this lock panics")
    }

    /// How many bytes pass until the next mishap.
    fn until_next(&self) -> usize {
        self.weather.as_ref().map_or(usize::MAX, |weather| {
            self.dice().random_range(weather.between.clone())
        })
    }

    fn mishap(&self) -> Option<Mishap> {
        let weather = self.weather.as_ref()?;
        let mut dice = self.dice();
        let mut throw =
            |range: &Range<u64>| Duration::from_millis(dice.random_range(range.clone()));
        Some(match throw(&(0..3)).as_millis() {
            0 => Mishap::Cut,
            1 => Mishap::Delay(throw(&weather.delay)),
            _ => Mishap::HalfOpen(throw(&weather.half_open)),
        })
    }
}
