//! Declarants, as many and as fast as asked for.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Error, Result, anyhow};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code,
    metadata::{Ascii, MetadataValue},
};

use crate::http2_client::{Declaration, Http2Client};

/// The size of a declaration on the wire, in bytes.
const DECLARATION: usize = 1024;

/// Over how many connections everything is sent.
const CONNECTIONS: usize = 4;

/// How often those who declare at a rate look at the clock.
const STEP: Duration = Duration::from_millis(1);

/// Sends declarations of one kilobyte with one token.
pub(crate) struct Generator {
    intakes: Vec<SocketAddr>,
    bearer: MetadataValue<Ascii>,
    declaration: Declaration,
}

/// A load that goes on until it is stopped.
pub(crate) struct Load {
    tally: Arc<Tally>,
    stop: CancellationToken,
    senders: JoinSet<()>,
    /// Ends the connections when it is dropped.
    _connections: JoinSet<()>,
}

/// What was answered while a load was observed.
#[derive(Debug)]
pub(crate) struct Observed {
    /// Reports that were acknowledged.
    pub(crate) acknowledged: u64,
    /// How long it was observed.
    pub(crate) lasted: Duration,
    /// How long each acknowledgement took, ascending.
    pub(crate) answers: Vec<Duration>,
    /// How long each refusal for overload took, ascending.
    pub(crate) refusals: Vec<Duration>,
}

/// Who sends, and what was answered so far.
struct Tally {
    clients: Vec<Http2Client>,
    declaration: Declaration,
    acknowledged: AtomicU64,
    observed: AtomicBool,
    answers: Mutex<Vec<Duration>>,
    refusals: Mutex<Vec<Duration>>,
    failure: Mutex<Option<Error>>,
}

impl Generator {
    /// Declares to intake at these addresses with this token.
    pub(crate) fn new(intakes: Vec<SocketAddr>, bearer: MetadataValue<Ascii>) -> Self {
        let draft = tests::ransomware(tests::MONTPELLIER);
        Self {
            intakes,
            bearer,
            declaration: Declaration::of(draft, DECLARATION),
        }
    }

    /// Keeps this many declarations in flight.
    pub(crate) async fn saturate(&self, in_flight: usize) -> Result<Load> {
        let mut load = self.connect().await?;
        for number in 0..in_flight {
            let (tally, stop) = (Arc::clone(&load.tally), load.stop.clone());
            load.senders.spawn(async move {
                while !stop.is_cancelled() {
                    tally.declare(number).await;
                }
            });
        }
        Ok(load)
    }

    /// Declares this often a second, whatever the answers: a slow one keeps no
    /// other from being sent and timed.
    pub(crate) async fn offer(&self, rate: f64) -> Result<Load> {
        let mut load = self.connect().await?;
        let (tally, stop) = (Arc::clone(&load.tally), load.stop.clone());
        load.senders.spawn(async move {
            let (mut sent, started) = (0_u32, Instant::now());
            let mut flying = JoinSet::new();
            let mut steps = interval(STEP);
            steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
            while stop.run_until_cancelled(steps.tick()).await.is_some() {
                let passed = started.elapsed().as_secs_f64();
                while f64::from(sent) < rate * passed {
                    let (tally, number) = (Arc::clone(&tally), sent as usize);
                    flying.spawn(async move { tally.declare(number).await });
                    sent += 1;
                }
                while flying.try_join_next().is_some() {}
            }
            while flying.join_next().await.is_some() {}
        });
        Ok(load)
    }

    /// Declares once, so that there is a report to look at.
    pub(crate) async fn declare_one(&self) -> Result<()> {
        let load = self.connect().await?;
        load.tally.declare(0).await;
        load.stop().await
    }

    async fn connect(&self) -> Result<Load> {
        let mut connections = JoinSet::new();
        let mut clients = Vec::new();
        for intake in self.intakes.iter().cycle().take(CONNECTIONS) {
            clients.push(Http2Client::open(*intake, &self.bearer, &mut connections).await?);
        }
        Ok(Load {
            tally: Arc::new(Tally {
                clients,
                declaration: self.declaration.clone(),
                acknowledged: AtomicU64::default(),
                observed: AtomicBool::default(),
                answers: Mutex::default(),
                refusals: Mutex::default(),
                failure: Mutex::default(),
            }),
            stop: CancellationToken::new(),
            senders: JoinSet::new(),
            _connections: connections,
        })
    }
}

impl Tally {
    async fn declare(&self, number: usize) {
        let client = &self.clients[number % self.clients.len()];
        let sent = Instant::now();
        let answer = client.declare(&self.declaration).await;
        let took = sent.elapsed();
        let times = match answer {
            Ok(Code::Ok) => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                &self.answers
            }
            Ok(Code::ResourceExhausted) => &self.refusals,
            Ok(code) => return self.fail(anyhow!("a declaration was answered by {code:?}")),
            Err(error) => return self.fail(error.context("a declaration was not answered")),
        };
        if self.observed.load(Ordering::Relaxed) {
            lock(times).push(took);
        }
    }

    fn fail(&self, error: Error) {
        lock(&self.failure).get_or_insert(error);
    }

    fn verdict(&self) -> Result<()> {
        lock(&self.failure).take().map_or(Ok(()), Err)
    }
}

impl Load {
    /// Reports acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.tally.acknowledged.load(Ordering::Relaxed)
    }

    /// Watches the load for so long.
    pub(crate) async fn observe(&self, lasts: Duration) -> Result<Observed> {
        let tally = &self.tally;
        let (before, started) = (self.acknowledged(), Instant::now());
        tally.observed.store(true, Ordering::Relaxed);
        tokio::time::sleep(lasts).await;
        tally.observed.store(false, Ordering::Relaxed);
        tally.verdict()?;
        let sorted = |times: &Mutex<Vec<Duration>>| {
            let mut times = std::mem::take(&mut *lock(times));
            times.sort_unstable();
            times
        };
        Ok(Observed {
            acknowledged: self.acknowledged() - before,
            lasted: started.elapsed(),
            answers: sorted(&tally.answers),
            refusals: sorted(&tally.refusals),
        })
    }

    /// Ends the load once all that was sent is answered.
    pub(crate) async fn stop(self) -> Result<()> {
        self.end().await.map(drop)
    }

    /// Ends the load once all that was sent is answered, and tells how many reports were
    /// acknowledged in all.
    pub(crate) async fn end(mut self) -> Result<u64> {
        self.stop.cancel();
        while let Some(ended) = self.senders.join_next().await {
            ended?;
        }
        self.tally.verdict()?;
        Ok(self.acknowledged())
    }
}

impl Observed {
    /// Acknowledgements a second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.acknowledged) / self.lasted.as_secs_f64()
    }
}

/// The time that this share of all, ascending, did not exceed, in milliseconds.
pub(crate) fn quantile(times: &[Duration], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index below a length"
    )]
    let index = (share * times.len() as f64) as usize;
    let time = times.get(index).or(times.last());
    time.map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

/// A count, to reckon with.
#[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
