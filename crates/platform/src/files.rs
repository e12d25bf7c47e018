//! Files that may change while a service runs: keys, certificates, passwords.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

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
    told: Told,
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

struct Watched {
    variable: &'static str,
    paths: Vec<PathBuf>,
    read: Box<dyn Fn() -> Result<(), StartError> + Send + Sync>,
    seen: Vec<Option<SystemTime>>,
    is_usable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VariableLabel {
    variable: &'static str,
}

#[derive(Clone, Default)]
struct Told {
    read_at: Family<VariableLabel, Gauge>,
    unusable: Family<VariableLabel, Gauge>,
}

impl Told {
    fn new(metrics: &Metrics) -> Self {
        Self {
            read_at: metrics.register(
                "vigie_file_read_timestamp_seconds",
                "When the content in use was read, by the variable that names the file",
                Family::default(),
            ),
            unusable: metrics.register(
                "vigie_file_unusable",
                "Whether a file has changed into what cannot be used, by its variable",
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
            told: Told::new(metrics),
        }
    }

    /// Makes something of the files that variables name, and again when one changes. They
    /// are told of under the first; without any, what was made never changes.
    pub fn keep<'a, T: Send + Sync + 'static>(
        &self,
        named: impl IntoIterator<Item = (&'static str, Option<&'a Path>)>,
        make: impl Fn() -> Result<T, StartError> + Send + Sync + 'static,
    ) -> Result<Reloaded<T>, StartError> {
        let named = named.into_iter();
        let (variables, paths): (Vec<_>, Vec<_>) = named
            .filter_map(|(variable, path)| Some((variable, path?.to_owned())))
            .unzip();
        let Some(&variable) = variables.first() else {
            return make().map(Reloaded::from);
        };
        // Looked at before they are read: a change between the two is seen later.
        let seen = changed(&paths);
        let kept = Reloaded::from(make()?);
        let place = kept.clone();
        let read = move || {
            place.put(make()?);
            Ok(())
        };
        self.told.read(variable);
        self.told.usable(variable, true);
        self.lock().push(Watched {
            variable,
            paths,
            read: Box::new(read),
            seen,
            is_usable: true,
        });
        Ok(kept)
    }

    /// Looks at the files until the shutdown.
    pub async fn watch(self, shutdown: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let files = self.clone();
            let looked = spawn_blocking(move || files.look()).await;
            looked.expect("looking at files does not panic");
        }
    }

    /// Looks at all files once, and reads those that changed.
    pub fn look(&self) {
        let mut usable = BTreeMap::new();
        for watched in self.lock().iter_mut() {
            watched.look(&self.told);
            *usable.entry(watched.variable).or_insert(true) &= watched.is_usable;
        }
        for (variable, is_usable) in usable {
            self.told.usable(variable, is_usable);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    fn look(&mut self, told: &Told) {
        let changed = changed(&self.paths);
        let is_new = changed != self.seen;
        // What cannot be used is tried again: rights, too, may have been what was wrong.
        if !is_new && self.is_usable {
            return;
        }
        self.seen = changed;
        match (self.read)() {
            Ok(()) => {
                self.is_usable = true;
                told.read(self.variable);
                tracing::info!(config.variable = self.variable, "a changed file is in use");
            }
            Err(error) => {
                self.is_usable = false;
                if is_new {
                    tracing::error!(
                        config.variable = self.variable,
                        error.message = %error,
                        "a changed file cannot be used; what was read before still serves"
                    );
                }
            }
        }
    }
}

fn changed(paths: &[PathBuf]) -> Vec<Option<SystemTime>> {
    paths
        .iter()
        .map(|path| fs::metadata(path).and_then(|data| data.modified()).ok())
        .collect()
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

    /// The secret as it is now.
    pub fn read(&self) -> Result<SecretString, StartError> {
        match self {
            Self::Told(_, secret) => Ok(secret.clone()),
            Self::File(variable, file) => fs::read_to_string(file)
                .map(|text| SecretString::from(text.trim()))
                .map_err(|cause| {
                    StartError::unusable(*variable, format!("{}: {cause}", file.display()))
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    /// A file whose every writing is a change, whatever the clock of the machine.
    struct Sample {
        folder: tempfile::TempDir,
        written: u64,
    }

    impl Sample {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self { folder, written: 0 }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("number")
        }

        fn write(&mut self, text: &str) {
            fs::write(self.path(), text).unwrap();
            self.written += 1;
            let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(self.written);
            let file = fs::File::options().append(true).open(self.path()).unwrap();
            file.set_modified(moment).unwrap();
        }

        fn kept(&self, files: &Files) -> Result<Reloaded<u32>, StartError> {
            let path = self.path();
            files.keep([("SAMPLE_FILE", Some(self.path().as_path()))], move || {
                let text = fs::read_to_string(&path)
                    .map_err(|cause| StartError::unusable("SAMPLE_FILE", cause))?;
                text.parse()
                    .map_err(|_| StartError::unusable("SAMPLE_FILE", "not a number"))
            })
        }
    }

    #[test]
    fn a_changed_file_is_used_and_a_broken_one_leaves_the_last() {
        let metrics = Metrics::new();
        let files = Files::new(&metrics);
        let unusable = || {
            let line = "vigie_file_unusable{variable=\"SAMPLE_FILE\"} ";
            let told = metrics.encode();
            told.split_once(line).unwrap().1.lines().next() == Some("1")
        };
        let mut sample = Sample::new();
        sample.write("1");
        let kept = sample.kept(&files).unwrap();
        assert_eq!(*kept.current(), 1);

        sample.write("2");
        files.look();
        assert_eq!(*kept.current(), 2);
        assert!(!unusable());

        sample.write("two");
        files.look();
        assert_eq!(*kept.current(), 2);
        assert!(unusable());

        fs::remove_file(sample.path()).unwrap();
        files.look();
        assert_eq!(*kept.current(), 2);
        assert!(unusable());

        sample.write("3");
        files.look();
        assert_eq!(*kept.current(), 3);
        assert!(!unusable());
    }

    #[test]
    fn a_variable_is_well_when_all_that_was_made_of_it_is() {
        let metrics = Metrics::new();
        let files = Files::new(&metrics);
        let mut sample = Sample::new();
        sample.write("1");
        let path = sample.path();
        files
            .keep(
                [("SAMPLE_FILE", Some(sample.path().as_path()))],
                move || match fs::read_to_string(&path).unwrap().as_str() {
                    "2" => Err(StartError::unusable("SAMPLE_FILE", "not two")),
                    _ => Ok(()),
                },
            )
            .unwrap();
        let kept = sample.kept(&files).unwrap();
        sample.write("2");
        files.look();
        assert_eq!(*kept.current(), 2);
        let told = metrics.encode();
        let line = "vigie_file_unusable{variable=\"SAMPLE_FILE\"} 1";
        assert!(told.contains(line), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn files_are_looked_at_until_the_shutdown() {
        let files = Files::default();
        let mut sample = Sample::new();
        sample.write("1");
        let kept = sample.kept(&files).unwrap();
        let shutdown = CancellationToken::new();
        let change = async {
            sample.write("2");
            while *kept.current() != 2 {
                tokio::time::advance(LOOK).await;
                tokio::task::yield_now().await;
            }
            shutdown.cancel();
        };
        tokio::join!(files.watch(shutdown.clone()), change);
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

        let both = of(Some(&secret), Some(&file)).unwrap_err().to_string();
        assert_eq!(both, "SAMPLE_FILE: SAMPLE is set too");
        assert!(!format!("{told:?}").contains("hunter2"));
    }
}
