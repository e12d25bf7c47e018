//! Files that are read again when they change: keys, certificates, passwords.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use aws_lc_rs::digest;
use futures::{FutureExt as _, future::BoxFuture};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
};
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{Metrics, StartError, now};

/// How often files are checked for a change.
const POLL_EVERY: Duration = Duration::from_secs(10);

/// Polls the files of a service and reads those that changed.
///
/// A changed file that cannot be used leaves the value read before in use, an error line and
/// `vigie_file_unusable`.
#[derive(Clone, Default)]
pub struct Files {
    sets: Arc<Mutex<Vec<Arc<FileSet>>>>,
    metrics: FileMetrics,
}

/// A value made of files, replaced when one of them changes and can be used.
pub struct Watched<T>(Arc<RwLock<Arc<T>>>);

/// Reads the files, and puts what they hold into use.
type Read = Box<dyn Fn() -> BoxFuture<'static, Result<(), StartError>> + Send + Sync>;

struct FileSet {
    variable: &'static str,
    paths: Vec<PathBuf>,
    read: Read,
    /// Locked while the set is polled, so that its files are read once at a time.
    state: tokio::sync::Mutex<SetState>,
}

struct SetState {
    seen: Vec<Digest>,
    is_usable: bool,
}

/// The digest of the content of a file; `None` when it cannot be read.
type Digest = Option<Vec<u8>>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VariableLabel {
    variable: &'static str,
}

#[derive(Clone, Default)]
struct FileMetrics {
    read_at: Family<VariableLabel, Gauge>,
    unusable: Family<VariableLabel, Gauge>,
    keys: Family<VariableLabel, Gauge>,
}

impl FileMetrics {
    fn new(metrics: &Metrics) -> Self {
        Self {
            read_at: metrics.register(
                "vigie_file_read_timestamp_seconds",
                "When the content in use was first read, by the variable that names the file",
                Family::default(),
            ),
            unusable: metrics.register(
                "vigie_file_unusable",
                "Whether a file has changed into what cannot be used, by its variable",
                Family::default(),
            ),
            keys: metrics.register(
                "vigie_sealing_keys",
                "How many keys a key file in use holds, by its variable",
                Family::default(),
            ),
        }
    }

    fn read(&self, variable: &'static str) {
        let read_at = self
            .read_at
            .get_or_create_owned(&VariableLabel { variable });
        read_at.set(now().unix_timestamp());
    }

    fn usable(&self, variable: &'static str, is_usable: bool) {
        let unusable = self
            .unusable
            .get_or_create_owned(&VariableLabel { variable });
        unusable.set((!is_usable).into());
    }
}

impl Files {
    /// Starts without files, and registers their metrics. `default` registers none: it is for
    /// commands, which end before anything changes.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            sets: Arc::default(),
            metrics: FileMetrics::new(metrics),
        }
    }

    /// Makes a value of the files that variables name, and again when one changes. Metrics
    /// and log lines name the first variable; without files the value never changes.
    pub fn watch<'a, T: Send + Sync + 'static>(
        &self,
        named: impl IntoIterator<Item = (&'static str, Option<&'a Path>)>,
        make: impl Fn() -> Result<T, StartError> + Send + Sync + 'static,
    ) -> Result<Watched<T>, StartError> {
        // Digested before they are read: a change between the two is seen later.
        let found = FileState::of(named);
        let watched = Watched::from(make()?);
        if let Some(found) = found {
            let variable = found.variable;
            let (place, make) = (watched.clone(), Arc::new(make));
            self.on_change(found, move || {
                let (place, make) = (place.clone(), Arc::clone(&make));
                let reading = spawn_blocking(move || make().map(|new| place.put(new)));
                async move {
                    // What a panic says may quote the file.
                    let panicked = |_| Err(StartError::unusable(variable, "reading it panics"));
                    reading.await.unwrap_or_else(panicked)
                }
                .boxed()
            });
        }
        Ok(watched)
    }

    /// Counts the keys in the file of a variable, for the metric.
    pub(crate) fn count_keys(&self, variable: &'static str) -> impl Fn(usize) + use<> {
        let keys = self
            .metrics
            .keys
            .get_or_create_owned(&VariableLabel { variable });
        move |count| {
            keys.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Calls `read` when the content of the files is no longer that of `found`.
    pub(crate) fn on_change(
        &self,
        found: FileState,
        read: impl Fn() -> BoxFuture<'static, Result<(), StartError>> + Send + Sync + 'static,
    ) {
        self.metrics.read(found.variable);
        self.metrics.usable(found.variable, true);
        let set = FileSet {
            variable: found.variable,
            paths: found.paths,
            read: Box::new(read),
            state: tokio::sync::Mutex::new(SetState {
                seen: found.seen,
                is_usable: true,
            }),
        };
        self.lock().push(Arc::new(set));
    }

    /// Polls the files until the shutdown.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let work = async {
            let mut ticks = interval(POLL_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.poll().await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Polls all files once, and reads those that changed.
    pub async fn poll(&self) {
        let sets = self.lock().clone();
        let mut polled = BTreeMap::new();
        for set in sets {
            let (is_usable, outcome) = set.poll().await;
            let (all_usable, told) = polled.entry(set.variable).or_insert((true, None));
            *all_usable &= is_usable;
            // What several things are made of is told once.
            if outcome.is_some() && !matches!(told, Some(Err(_))) {
                *told = outcome;
            }
        }
        for (variable, (is_usable, told)) in polled {
            self.metrics.usable(variable, is_usable);
            match told {
                None => {}
                Some(Ok(())) => {
                    self.metrics.read(variable);
                    tracing::info!(config.variable = variable, "a changed file is in use");
                }
                Some(Err(error)) => tracing::error!(
                    config.variable = variable,
                    error.message = %error,
                    "a changed file cannot be used; what was read before still serves"
                ),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<FileSet>>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileSet {
    /// Returns whether the files can be used, and the result of reading them when it is
    /// new.
    async fn poll(&self) -> (bool, Option<Result<(), StartError>>) {
        let mut state = self.state.lock().await;
        let paths = self.paths.clone();
        let Ok(seen) = spawn_blocking(move || digests(&paths)).await else {
            return (state.is_usable, None);
        };
        let is_new = seen != state.seen;
        // What cannot be used is tried again: the file may not be what was wrong.
        if !is_new && state.is_usable {
            return (true, None);
        }
        let read = (self.read)().await;
        // Noted after the read: a poll that is dropped meanwhile loses no change.
        let is_told = read.is_ok() || is_new || state.is_usable;
        state.seen = seen;
        state.is_usable = read.is_ok();
        (state.is_usable, is_told.then_some(read))
    }
}

/// The files that are set, and their digests now.
pub(crate) struct FileState {
    variable: &'static str,
    paths: Vec<PathBuf>,
    seen: Vec<Digest>,
}

impl FileState {
    pub(crate) fn of<'a>(
        named: impl IntoIterator<Item = (&'static str, Option<&'a Path>)>,
    ) -> Option<Self> {
        let named = named.into_iter();
        let (variables, paths): (Vec<_>, Vec<_>) = named
            .filter_map(|(variable, path)| Some((variable, path?.to_owned())))
            .unzip();
        Some(Self {
            variable: *variables.first()?,
            seen: digests(&paths),
            paths,
        })
    }
}

fn digests(paths: &[PathBuf]) -> Vec<Digest> {
    let digest = |content: Vec<u8>| digest::digest(&digest::SHA256, &content).as_ref().to_vec();
    let seen = paths.iter().map(|path| fs::read(path).ok().map(digest));
    seen.collect()
}

impl<T> Watched<T> {
    /// Returns the present value.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, new: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

/// Does not show the content: it may be secret.
impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

/// A value that never changes.
impl<T> From<T> for Watched<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests;
