//! Background tasks, each with an owner who notices its end.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument as _;

use crate::{Error, Result, StartError};

/// The background tasks of one service.
///
/// A task that panics, or that ends before the shutdown, stops the service: half a
/// service that says it is well would be worse than none.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
    failure: Arc<Mutex<Option<String>>>,
}

impl Tasks {
    /// Tasks that are asked to end by `shutdown`, which they trigger when one of them fails.
    pub fn new(shutdown: CancellationToken) -> Self {
        Self {
            tracker: TaskTracker::new(),
            shutdown,
            failure: Arc::default(),
        }
    }

    /// Starts a task that runs until the shutdown.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.clone();
        self.tracker.spawn(async move {
            match AssertUnwindSafe(task).catch_unwind().await {
                Ok(()) if tasks.shutdown.is_cancelled() => {}
                Ok(()) => tasks.fail(format!("the task {name} ended before the shutdown")),
                Err(_) => tasks.fail(format!("the task {name} panicked")),
            }
        });
    }

    /// Runs work to its end even when the caller goes away, and gives its result to a
    /// caller that stayed.
    ///
    /// A handler's future is dropped when its client gives up: a write must not live there.
    pub async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.tracker
            .spawn(work.in_current_span())
            .await
            // What a panic says may quote anything: it goes nowhere.
            .unwrap_or_else(|_| Err(Error::internal("a write panicked")))
    }

    /// Waits until all tasks have ended, at most for `deadline`.
    pub async fn join(&self, deadline: Duration) -> Result<(), StartError> {
        self.tracker.close();
        let ended = timeout(deadline, self.tracker.wait()).await;
        if let Some(failure) = self
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            return Err(StartError::Stopped(failure));
        }
        ended.map_err(|_| {
            let left = self.tracker.len();
            StartError::Stopped(format!("{left} tasks did not end within the drain"))
        })
    }

    fn fail(&self, failure: String) {
        tracing::error!(
            error.message = failure,
            "a background task failed; the service stops"
        );
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(failure);
        self.shutdown.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use tokio::sync::oneshot;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_panic_stops_the_service_and_is_told() {
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        tasks.spawn("relay", async { panic!("boom") });
        shutdown.cancelled().await;
        let error = tasks.join(DEADLINE).await.unwrap_err();
        assert_eq!(error.to_string(), "the task relay panicked");
    }

    #[tokio::test]
    async fn an_early_end_stops_the_service() {
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        tasks.spawn("relay", async {});
        shutdown.cancelled().await;
        assert!(tasks.join(DEADLINE).await.is_err());
    }

    #[tokio::test]
    async fn an_end_after_the_shutdown_is_what_was_asked() {
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        tasks.spawn("relay", shutdown.clone().cancelled_owned());
        shutdown.cancel();
        assert!(tasks.join(DEADLINE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_listen_is_not_waited_for_for_ever() {
        let tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("deaf", future::pending());
        let error = tasks.join(DEADLINE).await.unwrap_err();
        assert_eq!(error.to_string(), "1 tasks did not end within the drain");
    }

    #[tokio::test]
    async fn what_a_panic_says_goes_nowhere() {
        let tasks = Tasks::new(CancellationToken::new());
        let lost: Result<()> = tasks.finish(async { panic!("the name of a person") }).await;
        let Err(Error::Internal(cause)) = lost else {
            panic!("a panic is our fault");
        };
        assert_eq!(cause.to_string(), "a write panicked");
    }

    #[tokio::test]
    async fn work_is_finished_though_the_caller_went_away() {
        let tasks = Tasks::new(CancellationToken::new());
        let (go, wait) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel();
        let mut caller = Box::pin(tasks.finish(async move {
            wait.await.map_err(Error::internal)?;
            done.send(()).map_err(|()| Error::internal("nobody waits"))
        }));
        assert!(futures::poll!(&mut caller).is_pending());
        drop(caller);
        go.send(()).unwrap();
        finished.await.unwrap();
    }
}
