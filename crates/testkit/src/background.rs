//! A task that ends when its owner is dropped.

use tokio::task::JoinHandle;

/// The only place of this crate that starts a task.
#[derive(Debug)]
pub(crate) struct Background(JoinHandle<()>);

impl Background {
    #[expect(
        clippy::disallowed_methods,
        reason = "the task is owned here and aborted on drop"
    )]
    pub(crate) fn run(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
