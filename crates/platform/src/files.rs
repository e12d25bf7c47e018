//! Files that may change while a service runs: keys, certificates, passwords.

use std::{
    collections::BTreeMap,
    fmt, fs, mem,
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

/// How often files are looked at for a change.
const LOOK: Duration = Duration::from_secs(10);

/// The files of a service that are read again when they change.
///
/// What cannot be used leaves what was read before, and is told by a line of the log and
/// by `vigie_file_unusable`.
#[derive(Clone, Default)]
pub struct Files {
    watched: Arc<Mutex<Vec<Watched>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
    metrics: FileMetrics,
}

/// What is made of files, as they were when they could last be used.
pub struct Reloaded<T>(Arc<RwLock<Arc<T>>>);

/// Reads the files, and puts what they hold into use.
type Read = Box<dyn Fn() -> BoxFuture<'static, Result<(), StartError>> + Send + Sync>;

struct Watched {
    variable: &'static str,
    paths: Vec<PathBuf>,
    read: Read,
    seen: Vec<Seen>,
    is_usable: bool,
}

/// A file as it was seen: the digest of its content, or that it cannot be read.
type Seen = Option<Vec<u8>>;

/// What came of looking at a file.
enum Look {
    Same,
    Used,
    Refused(StartError),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
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
        let label = VariableLabel { variable };
        let read_at = self.read_at.get_or_create_owned(&label);
        read_at.set(now().unix_timestamp());
    }

    fn usable(&self, variable: &'static str, is_usable: bool) {
        let label = VariableLabel { variable };
        let unusable = self.unusable.get_or_create_owned(&label);
        unusable.set((!is_usable).into());
    }
}

impl Files {
    /// No files yet; the metrics will tell of them. Those of `default` are told of nowhere:
    /// it is for commands, which end before anything changes.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            watched: Arc::default(),
            turn: Arc::default(),
            metrics: FileMetrics::new(metrics),
        }
    }

    /// Makes something of the files that variables name, and again when one changes. They
    /// are told of under the first; without any, what was made never changes.
    pub fn keep<'a, T: Send + Sync + 'static>(
        &self,
        named: impl IntoIterator<Item = (&'static str, Option<&'a Path>)>,
        make: impl Fn() -> Result<T, StartError> + Send + Sync + 'static,
    ) -> Result<Reloaded<T>, StartError> {
        // Looked at before they are read: a change between the two is seen later.
        let found = Found::of(named);
        let kept = Reloaded::from(make()?);
        if let Some(found) = found {
            let variable = found.variable;
            let (place, make) = (kept.clone(), Arc::new(make));
            self.follow(found, move || {
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
        Ok(kept)
    }

    /// Tells how many keys the file of a variable holds.
    pub(crate) fn count_keys(&self, variable: &'static str) -> impl Fn(usize) + use<> {
        let label = VariableLabel { variable };
        let keys = self.metrics.keys.get_or_create_owned(&label);
        move |count| {
            keys.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Does something when the content of files changes after they were found.
    pub(crate) fn follow(
        &self,
        found: Found,
        read: impl Fn() -> BoxFuture<'static, Result<(), StartError>> + Send + Sync + 'static,
    ) {
        self.metrics.read(found.variable);
        self.metrics.usable(found.variable, true);
        self.lock().push(Watched {
            variable: found.variable,
            paths: found.paths,
            read: Box::new(read),
            seen: found.seen,
            is_usable: true,
        });
    }

    /// Looks at the files until the shutdown.
    pub(crate) async fn watch(self, shutdown: CancellationToken) {
        let work = async {
            let mut ticks = interval(LOOK);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.look().await;
            }
        };
        shutdown.run_until_cancelled(work).await;
    }

    /// Looks at all files once, and reads those that changed. One look at a time.
    pub async fn look(&self) {
        let _turn = self.turn.lock().await;
        let mut taken = Taken::from(self);
        let mut told = BTreeMap::new();
        for watched in &mut taken.watched {
            let look = watched.look().await;
            let (is_usable, told) = told.entry(watched.variable).or_insert((true, Look::Same));
            *is_usable &= watched.is_usable;
            // What several things are made of is told once.
            match (&told, look) {
                (_, Look::Same) | (Look::Refused(_), _) => {}
                (_, look) => *told = look,
            }
        }
        drop(taken);
        for (variable, (is_usable, look)) in told {
            self.metrics.usable(variable, is_usable);
            match look {
                Look::Same => {}
                Look::Used => {
                    self.metrics.read(variable);
                    tracing::info!(config.variable = variable, "a changed file is in use");
                }
                Look::Refused(error) => tracing::error!(
                    config.variable = variable,
                    error.message = %error,
                    "a changed file cannot be used; what was read before still serves"
                ),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is looked at, which goes back to its place however the look ends.
struct Taken<'a> {
    files: &'a Files,
    watched: Vec<Watched>,
}

impl<'a> From<&'a Files> for Taken<'a> {
    fn from(files: &'a Files) -> Self {
        let watched = mem::take(&mut *files.lock());
        Self { files, watched }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.files.lock().append(&mut self.watched);
    }
}

impl Watched {
    async fn look(&mut self) -> Look {
        let paths = self.paths.clone();
        let Ok(seen) = spawn_blocking(move || see(&paths)).await else {
            return Look::Same;
        };
        let is_new = seen != self.seen;
        // What cannot be used is tried again: the file may not be what was wrong.
        if !is_new && self.is_usable {
            return Look::Same;
        }
        self.seen = seen;
        let was_usable = self.is_usable;
        match (self.read)().await {
            Ok(()) => {
                self.is_usable = true;
                Look::Used
            }
            Err(error) => {
                self.is_usable = false;
                if is_new || was_usable {
                    Look::Refused(error)
                } else {
                    Look::Same
                }
            }
        }
    }
}

/// The files that are set, as they are now.
pub(crate) struct Found {
    variable: &'static str,
    paths: Vec<PathBuf>,
    seen: Vec<Seen>,
}

impl Found {
    pub(crate) fn of<'a>(
        named: impl IntoIterator<Item = (&'static str, Option<&'a Path>)>,
    ) -> Option<Self> {
        let named = named.into_iter();
        let (variables, paths): (Vec<_>, Vec<_>) = named
            .filter_map(|(variable, path)| Some((variable, path?.to_owned())))
            .unzip();
        Some(Self {
            variable: *variables.first()?,
            seen: see(&paths),
            paths,
        })
    }
}

fn see(paths: &[PathBuf]) -> Vec<Seen> {
    let digest = |content: Vec<u8>| digest::digest(&digest::SHA256, &content).as_ref().to_vec();
    let seen = paths.iter().map(|path| fs::read(path).ok().map(digest));
    seen.collect()
}

impl<T> Reloaded<T> {
    /// The present form.
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
impl<T> fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloaded").finish_non_exhaustive()
    }
}

/// What never changes.
impl<T> From<T> for Reloaded<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }
}

impl<T> Clone for Reloaded<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests;
