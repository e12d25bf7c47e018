//! Somebody who asks until he is answered, as every client of the suite must.

use std::{
    error::Error as _,
    fmt::Debug,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde::Serialize;
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use super::processes::{Fleet, Member};

/// How long one try may take.
const TRY: Duration = Duration::from_secs(3);
/// One request in so many is sent twice at once.
const TWINS: u32 = 20;

/// The replicas of one service, as somebody reaches them.
#[derive(Clone)]
pub(super) struct Client {
    replicas: Arc<[Channel]>,
    bearer: MetadataValue<Ascii>,
    counts: Arc<Mutex<Counts>>,
    patience: Duration,
}

/// What clients counted together.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// Requests that were answered.
    pub answered: usize,
    /// Reports that were acknowledged.
    pub declared: usize,
    /// Requests that were sent twice at once.
    pub twins: usize,
    /// From the first answer to the last, of those whose two answers differed.
    #[serde(skip)]
    pub(super) differing: Vec<Range<Instant>>,
    /// Tries that failed and had to be made again.
    pub retries: usize,
    /// Requests that a second try did not settle either.
    pub insisted: usize,
    /// The longest time in which no declaration was acknowledged, in milliseconds.
    pub silent_ms: u128,
    /// Tries that a service called its own fault.
    pub internal: usize,
    /// What the first of these said.
    pub fault: Option<String>,
    /// Requests that had to be refused, and were.
    pub refused: usize,
    /// Requests that were refused and had not to be, or never answered.
    pub gave_up: usize,
    /// What the first of these was told.
    pub last_words: Option<String>,
    /// Calls that no replica knew.
    pub unknown: usize,
    /// When a declaration was acknowledged last.
    #[serde(skip)]
    acknowledged_at: Option<Instant>,
}

/// A request was refused, or not answered for too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct GaveUp;

/// A request was refused as it had to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

impl Client {
    /// Reaches all replicas of a service with this token.
    pub(super) fn of(
        fleet: &Fleet,
        service: &str,
        token: &str,
        counts: &Arc<Mutex<Counts>>,
        patience: Duration,
    ) -> Self {
        let replicas = fleet.replicas(service).map(channel).collect();
        let bearer = format!("Bearer {token}").parse();
        Self {
            replicas,
            bearer: bearer.expect("a token is ASCII"),
            counts: Arc::clone(counts),
            patience,
        }
    }

    /// Asks until answered, or gives up; one request in twenty is sent twice at
    /// once, through two replicas, and both must be answered alike. The last answer
    /// is the one that holds: a restore may come between, and undo what the first said.
    pub(super) async fn ask<Q, A, F>(
        &self,
        request: &Q,
        send: impl Fn(Channel, Request<Q>) -> F,
    ) -> Option<A>
    where
        Q: Clone,
        A: PartialEq + Debug,
        F: Future<Output = Result<A, Status>>,
    {
        let first = rand::random_range(0..self.replicas.len());
        let answer = if rand::random_ratio(1, TWINS) {
            self.ask_twice(first, request, &send).await?
        } else {
            self.insist(first, request, &send).await.ok()?
        };
        self.counts().answered += 1;
        Some(answer)
    }

    /// Asks two replicas at once; returns what was answered last.
    async fn ask_twice<Q, A, F>(
        &self,
        first: usize,
        request: &Q,
        send: &impl Fn(Channel, Request<Q>) -> F,
    ) -> Option<A>
    where
        Q: Clone,
        A: PartialEq,
        F: Future<Output = Result<A, Status>>,
    {
        let asked = async |replica| {
            let answer = self.insist(replica, request, send).await?;
            Ok::<_, GaveUp>((Instant::now(), answer))
        };
        let answers = tokio::try_join!(asked(first), asked(first + 1)).ok()?;
        let (earlier, later) = match answers {
            (one, other) if one.0 <= other.0 => (one, other),
            (one, other) => (other, one),
        };
        let mut counts = self.counts();
        counts.twins += 1;
        if earlier.1 != later.1 {
            counts.differing.push(earlier.0..later.0);
        }
        Some(later.1)
    }

    /// Asks for what is to be refused like this; gives back the answer if it was not, and
    /// nothing where it was refused otherwise, or not answered: what is not there is not
    /// refused either.
    pub(super) async fn provoke<Q, A, F>(
        &self,
        request: &Q,
        send: impl Fn(Channel, Request<Q>) -> F,
        refusal: Code,
    ) -> Option<Result<A, Refused>>
    where
        Q: Clone,
        F: Future<Output = Result<A, Status>>,
    {
        let first = rand::random_range(0..self.replicas.len());
        match self.settle(first, request, &send).await {
            Ok(answer) => Some(Ok(answer)),
            Err(status) if status.code() == refusal => {
                self.counts().refused += 1;
                Some(Err(Refused))
            }
            Err(status) => {
                self.gave_up(&status);
                None
            }
        }
    }

    /// Asks one replica after the other, from `first` on, until answered or out of
    /// patience.
    pub(super) async fn insist<Q: Clone, A, F: Future<Output = Result<A, Status>>>(
        &self,
        first: usize,
        request: &Q,
        send: &impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, GaveUp> {
        let settled = self.settle(first, request, send).await;
        settled.map_err(|status| self.gave_up(&status))
    }

    fn gave_up(&self, status: &Status) -> GaveUp {
        let mut counts = self.counts();
        if status.code() == Code::Unimplemented {
            counts.unknown += 1;
        } else {
            counts.gave_up += 1;
            counts.last_words.get_or_insert(format!("{status:?}"));
        }
        GaveUp
    }

    /// Asks one replica after the other, from `first` on, until answered, refused or out of
    /// patience; tells what was said last.
    async fn settle<Q: Clone, A, F: Future<Output = Result<A, Status>>>(
        &self,
        first: usize,
        request: &Q,
        send: &impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, Status> {
        let started = Instant::now();
        for replica in first.. {
            let channel = self.replicas[replica % self.replicas.len()].clone();
            let mut asked = Request::new(request.clone());
            let bearer = self.bearer.clone();
            asked.metadata_mut().insert("authorization", bearer);
            let status = match send(channel, asked).await {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            let hopeful = match status.code() {
                Code::Unavailable
                | Code::ResourceExhausted
                | Code::DeadlineExceeded
                | Code::Aborted
                // How the client's side names a connection that was cut.
                | Code::Cancelled
                | Code::Unknown => true,
                // Where there is a source, the client's side says so itself, as of a
                // connection that closes just now.
                Code::Internal if status.source().is_some() => true,
                // Another replica may be of a later release.
                Code::Unimplemented => replica + 1 < first + self.replicas.len(),
                Code::Internal => {
                    let mut counts = self.counts();
                    counts.internal += 1;
                    counts.fault.get_or_insert(format!("{status:?}"));
                    true
                }
                _ => false,
            };
            if !hopeful || started.elapsed() > self.patience {
                return Err(status);
            }
            {
                let mut counts = self.counts();
                counts.retries += 1;
                // Aborted: what is asked for has yet to happen.
                counts.insisted +=
                    usize::from(replica == first + 1 && status.code() != Code::Aborted);
            }
            // Clients spread their tries, or a service that comes back is overrun.
            let pause = Duration::from_millis(rand::random_range(50..300));
            tokio::time::sleep(pause).await;
        }
        unreachable!("replicas never end")
    }

    /// Counts a report that was acknowledged.
    pub(super) fn declared(&self) {
        let now = Instant::now();
        let mut counts = self.counts();
        counts.declared += 1;
        if let Some(last) = counts.acknowledged_at.replace(now) {
            counts.silent_ms = counts.silent_ms.max((now - last).as_millis());
        }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::sync::Notify;

    use super::*;
    use crate::faults::servers::Undone;

    /// Asks two replicas at once, of which the one asked first answers last; returns
    /// what was taken for the answer, and what was counted.
    async fn ask_twice(at_last: &str, at_first: &str) -> (String, Counts) {
        let replica = Endpoint::from_static("http://127.0.0.1").connect_lazy();
        let client = Client {
            replicas: [replica.clone(), replica].into(),
            bearer: "Bearer".parse().unwrap(),
            counts: Arc::default(),
            patience: Duration::ZERO,
        };
        let (was_asked, other_answered) = (&AtomicBool::new(false), &Notify::new());
        let send = |_: Channel, _: Request<()>| async move {
            if was_asked.swap(true, Ordering::SeqCst) {
                other_answered.notify_one();
                return Ok(at_first.to_owned());
            }
            other_answered.notified().await;
            Ok(at_last.to_owned())
        };
        let answer = client.ask_twice(0, &(), &send).await.unwrap();
        let counts = client.counts().clone();
        (answer, counts)
    }

    #[tokio::test]
    async fn what_is_answered_last_holds() {
        let (answer, _) = ask_twice("SIG-2", "SIG-1").await;
        assert_eq!(answer, "SIG-2");
    }

    #[tokio::test]
    async fn answers_that_differ_are_told_unless_a_restore_came_between() {
        let before = Instant::now();
        let (_, counts) = ask_twice("SIG-2", "SIG-1").await;
        assert_eq!((counts.twins, counts.differing.len()), (1, 1));
        let restored = |at| Undone {
            at: Some(at),
            ..Undone::default()
        };
        let answers = &counts.differing[0];
        assert!(restored(answers.start).came_between(answers));
        assert!(!restored(answers.end).came_between(answers));
        assert!(!restored(before).came_between(answers));
        assert!(!Undone::default().came_between(answers));
    }

    /// Provokes a refusal like this; returns whether it came, and what was counted.
    async fn provoke(answer: Result<(), Code>) -> (Option<bool>, Counts) {
        let client = Client {
            replicas: [Endpoint::from_static("http://127.0.0.1").connect_lazy()].into(),
            bearer: "Bearer".parse().unwrap(),
            counts: Arc::default(),
            patience: Duration::ZERO,
        };
        let send = |_: Channel, _: Request<()>| async move {
            answer.map_err(|code| Status::new(code, "no"))
        };
        let outcome = client.provoke(&(), send, Code::FailedPrecondition).await;
        let counts = client.counts().clone();
        (outcome.map(|outcome| outcome.is_err()), counts)
    }

    #[tokio::test]
    async fn only_what_is_refused_as_it_must_be_counts_as_refused() {
        let (came, counts) = provoke(Err(Code::FailedPrecondition)).await;
        assert_eq!((came, counts.refused, counts.gave_up), (Some(true), 1, 0));
        let (came, counts) = provoke(Ok(())).await;
        assert_eq!((came, counts.refused, counts.gave_up), (Some(false), 0, 0));
        for code in [Code::NotFound, Code::InvalidArgument, Code::Unavailable] {
            let (came, counts) = provoke(Err(code)).await;
            assert_eq!((came, counts.refused, counts.gave_up), (None, 0, 1));
        }
        let (came, counts) = provoke(Err(Code::Unimplemented)).await;
        assert_eq!((came, counts.gave_up, counts.unknown), (None, 0, 1));
    }

    #[tokio::test]
    async fn answers_alike_are_not_told() {
        let (_, counts) = ask_twice("SIG-1", "SIG-1").await;
        assert_eq!((counts.twins, counts.differing.len()), (1, 0));
    }
}
