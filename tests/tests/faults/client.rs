//! Somebody who asks until he is answered, as every client of the suite must.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::processes::{Fleet, Member};

/// How long one try may take.
const TRY: Duration = Duration::from_secs(3);
/// How long somebody tries: far longer than any fault lasts.
const PATIENCE: Duration = Duration::from_mins(2);
/// One request in so many is sent twice at once.
const TWINS: u32 = 20;

/// The replicas of one service, as somebody reaches them.
#[derive(Clone)]
pub(crate) struct Client {
    replicas: Arc<[Channel]>,
    bearer: MetadataValue<Ascii>,
    counts: Arc<Mutex<Counts>>,
}

/// What clients counted together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Requests that were answered.
    pub(crate) answered: usize,
    /// Of these, requests that were sent twice at once.
    pub(crate) twins: usize,
    /// Tries that failed and had to be made again.
    pub(crate) retries: usize,
    /// Tries that a service called its own fault.
    pub(crate) internal: usize,
}

impl Client {
    /// Reaches all replicas of a service with this token.
    pub(crate) fn of(
        fleet: &Fleet,
        service: &str,
        token: &str,
        counts: &Arc<Mutex<Counts>>,
    ) -> Self {
        let replicas = fleet.replicas(service).map(channel).collect();
        let bearer = format!("Bearer {token}").parse();
        Self {
            replicas,
            bearer: bearer.expect("a token is ASCII"),
            counts: Arc::clone(counts),
        }
    }

    /// Asks until answered; one request in twenty is sent twice at once, through
    /// two replicas, and both must be answered alike.
    pub(crate) async fn ask<Q, A, F>(
        &self,
        request: &Q,
        send: impl Fn(Channel, Request<Q>) -> F,
    ) -> A
    where
        Q: Clone,
        A: PartialEq + Debug,
        F: Future<Output = Result<A, Status>>,
    {
        let first = rand::random_range(0..self.replicas.len());
        let answer = if rand::random_ratio(1, TWINS) {
            let (one, other) = tokio::join!(
                self.insist(first, request, &send),
                self.insist(first + 1, request, &send),
            );
            assert_eq!(one, other, "the same request has the same answer");
            self.counts().twins += 1;
            one
        } else {
            self.insist(first, request, &send).await
        };
        self.counts().answered += 1;
        answer
    }

    /// Asks one replica after the other, from `first` on, until answered.
    pub(crate) async fn insist<Q: Clone, A, F: Future<Output = Result<A, Status>>>(
        &self,
        first: usize,
        request: &Q,
        send: &impl Fn(Channel, Request<Q>) -> F,
    ) -> A {
        let started = Instant::now();
        for replica in first.. {
            let channel = self.replicas[replica % self.replicas.len()].clone();
            let mut asked = Request::new(request.clone());
            let bearer = self.bearer.clone();
            asked.metadata_mut().insert("authorization", bearer);
            let status = match send(channel, asked).await {
                Ok(answer) => return answer,
                Err(status) => status,
            };
            match status.code() {
                Code::Unavailable
                | Code::ResourceExhausted
                | Code::DeadlineExceeded
                | Code::Aborted
                // How the client's side names a connection that was cut.
                | Code::Cancelled
                | Code::Unknown => {}
                Code::Internal => {
                    self.counts().internal += 1;
                }
                _ => panic!("refused: {status:?}"),
            }
            assert!(started.elapsed() < PATIENCE, "not answered: {status:?}");
            self.counts().retries += 1;
            // Clients spread their tries, or a service that comes back is overrun.
            let pause = Duration::from_millis(rand::random_range(50..300));
            tokio::time::sleep(pause).await;
        }
        unreachable!("replicas never end")
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("no holder of this lock panics")
    }
}

fn channel(member: &Member) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", member.public));
    let endpoint = endpoint.expect("an address");
    endpoint.connect_timeout(TRY).timeout(TRY).connect_lazy()
}
