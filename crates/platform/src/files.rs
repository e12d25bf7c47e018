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
use secrecy::SecretString;
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

/// Where a secret of the configuration is, with the variable that says so.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// It is the value of the variable.
    Told(&'static str, SecretString),
    /// It is the content of the file that the variable names, but for white space around it.
    File(&'static str, PathBuf),
}

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

impl SecretSource {
    /// The source that one of two variables names: the secret itself, or its file; `None`
    /// when neither is set.
    pub fn of(
        [variable, file_variable]: [&'static str; 2],
        told: Option<&SecretString>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, StartError> {
        match (told, file) {
            (Some(_), Some(_)) => {
                let why = format!("{variable} is set too");
                Err(StartError::unusable(file_variable, why))
            }
            (Some(told), None) => Ok(Some(Self::Told(variable, told.clone()))),
            (None, Some(file)) => Ok(Some(Self::File(file_variable, file.to_owned()))),
            (None, None) => Ok(None),
        }
    }

    /// The variable that is set.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::Told(variable, _) | Self::File(variable, _) => variable,
        }
    }

    /// The file, where there is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Told(..) => None,
            Self::File(_, file) => Some(file),
        }
    }

    /// The secret as it is now; an empty file holds none.
    pub fn read(&self) -> Result<SecretString, StartError> {
        match self {
            Self::Told(_, secret) => Ok(secret.clone()),
            Self::File(variable, file) => {
                let unusable = |cause: &dyn fmt::Display| {
                    StartError::unusable(*variable, format!("{}: {cause}", file.display()))
                };
                let text = fs::read_to_string(file).map_err(|cause| unusable(&cause))?;
                match text.trim() {
                    "" => Err(unusable(&"the file is empty")),
                    secret => Ok(SecretString::from(secret)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    struct Sample(tempfile::TempDir);

    impl Sample {
        fn of(text: &str) -> Self {
            let sample = Self(tempfile::tempdir().unwrap());
            sample.write(text);
            sample
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("number")
        }

        fn write(&self, text: &str) {
            fs::write(self.path(), text).unwrap();
        }

        fn kept(&self, files: &Files) -> Reloaded<u32> {
            let path = self.path();
            let named = [("SAMPLE_FILE", Some(self.path()))];
            let named = named.iter().map(|(name, path)| (*name, path.as_deref()));
            let kept = files.keep(named, move || {
                let text = fs::read_to_string(&path)
                    .map_err(|cause| StartError::unusable("SAMPLE_FILE", cause))?;
                text.parse()
                    .map_err(|_| StartError::unusable("SAMPLE_FILE", "not a number"))
            });
            kept.unwrap()
        }
    }

    fn told(metrics: &Metrics, name: &str) -> i64 {
        let told = metrics.encode();
        let line = format!("{name}{{variable=\"SAMPLE_FILE\"}} ");
        let value = told.split_once(&line).unwrap().1.lines().next().unwrap();
        value.parse().unwrap()
    }

    #[tokio::test]
    async fn a_changed_file_is_used_and_a_broken_one_leaves_the_last() {
        let metrics = Metrics::new();
        let files = Files::new(&metrics);
        let unusable = || told(&metrics, "vigie_file_unusable");
        let sample = Sample::of("1");
        let kept = sample.kept(&files);
        assert_eq!(*kept.current(), 1);

        sample.write("2");
        files.look().await;
        assert_eq!((*kept.current(), unusable()), (2, 0));

        sample.write("two");
        files.look().await;
        assert_eq!((*kept.current(), unusable()), (2, 1));

        fs::remove_file(sample.path()).unwrap();
        files.look().await;
        assert_eq!((*kept.current(), unusable()), (2, 1));

        sample.write("3");
        files.look().await;
        assert_eq!((*kept.current(), unusable()), (3, 0));
    }

    #[tokio::test]
    async fn a_file_that_is_written_again_as_it_was_is_not_read_again() {
        let metrics = Metrics::new();
        let files = Files::new(&metrics);
        let sample = Sample::of("1");
        let kept = sample.kept(&files);
        let first = kept.current();
        let read_at = VariableLabel {
            variable: "SAMPLE_FILE",
        };
        files.metrics.read_at.get_or_create_owned(&read_at).set(7);

        sample.write("1");
        files.look().await;
        assert!(Arc::ptr_eq(&first, &kept.current()));
        assert_eq!(told(&metrics, "vigie_file_read_timestamp_seconds"), 7);

        sample.write("2");
        files.look().await;
        assert!(told(&metrics, "vigie_file_read_timestamp_seconds") > 7);
    }

    #[tokio::test]
    async fn a_variable_is_well_when_all_that_was_made_of_it_is() {
        let metrics = Metrics::new();
        let files = Files::new(&metrics);
        let sample = Sample::of("1");
        let path = sample.path();
        let found = Found::of([("SAMPLE_FILE", Some(sample.path().as_path()))]);
        files.follow(found.unwrap(), move || {
            let text = fs::read_to_string(&path).unwrap();
            let refused = || StartError::unusable("SAMPLE_FILE", "not two");
            async move { if text == "2" { Err(refused()) } else { Ok(()) } }.boxed()
        });
        let kept = sample.kept(&files);
        sample.write("2");
        files.look().await;
        assert_eq!(*kept.current(), 2);
        assert_eq!(told(&metrics, "vigie_file_unusable"), 1);
    }

    #[tokio::test]
    async fn a_panic_on_what_a_file_holds_leaves_the_last() {
        let metrics = Metrics::new();
        let files = Files::new(&metrics);
        let sample = Sample::of("1");
        let path = sample.path();
        let named = [("SAMPLE_FILE", Some(path.as_path()))];
        let path = path.clone();
        let kept = files.keep(named, move || {
            let text = fs::read_to_string(&path).unwrap();
            Ok(text.parse::<u32>().unwrap())
        });
        let kept = kept.unwrap();
        sample.write("one");
        files.look().await;
        assert_eq!(*kept.current(), 1);
        assert_eq!(told(&metrics, "vigie_file_unusable"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn files_are_looked_at_until_the_shutdown() {
        let files = Files::default();
        let sample = Sample::of("1");
        let kept = sample.kept(&files);
        let shutdown = CancellationToken::new();
        let change = async {
            sample.write("2");
            while *kept.current() != 2 {
                tokio::time::sleep(LOOK).await;
            }
            shutdown.cancel();
        };
        tokio::join!(files.clone().watch(shutdown.clone()), change);
    }

    #[test]
    fn a_secret_is_told_once_and_never_shown() {
        let secret = SecretString::from("hunter2");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        fs::write(&file, "hunter3\n").unwrap();
        let of = |told, file| SecretSource::of(["SAMPLE", "SAMPLE_FILE"], told, file);

        assert!(of(None, None).unwrap().is_none());
        let told = of(Some(&secret), None).unwrap().unwrap();
        assert_eq!(told.variable(), "SAMPLE");
        assert_eq!(told.read().unwrap().expose_secret(), "hunter2");
        let kept = of(None, Some(&file)).unwrap().unwrap();
        assert_eq!(kept.variable(), "SAMPLE_FILE");
        assert_eq!(kept.read().unwrap().expose_secret(), "hunter3");

        fs::write(&file, "\n").unwrap();
        let empty = kept.read().unwrap_err().to_string();
        assert!(empty.ends_with("the file is empty"), "{empty}");

        let both = of(Some(&secret), Some(&file)).unwrap_err().to_string();
        assert_eq!(both, "SAMPLE_FILE: SAMPLE is set too");
        assert!(!format!("{told:?}").contains("hunter2"));
    }
}
