//! A suite at work, and the command run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dev::{Layout, Suite};
use platform::Tasks;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const MONTPELLIER: &str = "340782085";

/// A suite at work, and a home for the command.
pub(crate) struct TestEnv {
    pub(crate) suite: Suite,
    shutdown: CancellationToken,
    _services: Tasks,
    pub(crate) home: TempDir,
}

impl TestEnv {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts everything with further variables for the services.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        let variables = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let layout = Layout {
            variables: variables.collect(),
            ..Layout::throw_away()
        };
        let suite = Suite::prepare(layout).await.unwrap();
        let shutdown = CancellationToken::new();
        let services = suite.start(&shutdown).await.unwrap();
        Self {
            suite,
            shutdown,
            _services: services,
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs a command.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_in("C.UTF-8", arguments).await
    }

    pub(crate) async fn run_in(&self, locale: &str, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command.args(arguments).env_clear();
        self.spawn(command, locale).await
    }

    /// Runs a line of a shell that finds the command.
    pub(crate) async fn shell(&self, line: &str) -> Outcome {
        self.shell_in("C.UTF-8", line).await
    }

    pub(crate) async fn shell_in(&self, locale: &str, line: &str) -> Outcome {
        let binary = Path::new(env!("CARGO_BIN_EXE_vigie"));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).env_clear();
        let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
        command.env("PATH", path).current_dir(self.home.path());
        self.spawn(command, locale).await
    }

    async fn spawn(&self, mut command: Command, locale: &str) -> Outcome {
        command
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("LANG", locale);
        for service in dev::SERVICES {
            let url = format!("http://{}", self.suite.addresses(service).public);
            command.env(format!("VIGIE_{}_URL", service.to_uppercase()), url);
        }
        command.env("VIGIE_ISSUER_URL", self.suite.issuer.url());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        Outcome(output)
    }

    /// Submits a report as a director; gives its reference.
    pub(crate) async fn submit(&self) -> String {
        let submitted = self
            .run(
                &[
                    &["--as", "director", "--json", "report", "submit"],
                    &DRAFT[..],
                ]
                .concat(),
            )
            .await;
        submitted.json()["receipt"]["reference"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Loads the directory of the examples and submits their declarations.
    pub(crate) async fn send_examples(&self) {
        self.import_directory().await;
        for file in fs::read_dir(examples().join("declarations")).unwrap() {
            self.import(&["report", "submit", "--file"], &file.unwrap().path())
                .await;
        }
    }

    /// Loads the directory of the examples.
    pub(crate) async fn import_directory(&self) {
        let directory = examples().join("structures.csv");
        self.import(&["structure", "import"], &directory).await;
    }

    async fn import(&self, words: &[&str], file: &Path) {
        let words = [&["--as", "importer"], words, &[file.to_str().unwrap()]].concat();
        let sent = self.run(&words).await;
        assert_eq!(sent.code(), 0, "{words:?}: {}", sent.stderr());
    }

    /// Waits until the case of a report is open.
    pub(crate) async fn case_opened(&self, reference: &str) {
        testkit::eventually(async || {
            self.run(&["--as", "analyst", "case", "show", reference])
                .await
                .code()
                == 0
        })
        .await;
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) const DRAFT: [&str; 10] = [
    "--finess",
    MONTPELLIER,
    "--family-name",
    "Martin",
    "--email",
    "direction@example.org",
    "--description",
    "Postes chiffrés",
    "--origin",
    "malicious",
];

/// What came of a command.
pub(crate) struct Outcome(Output);

impl Outcome {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code(), 0, "{}", self.stderr());
        serde_json::from_str(&self.stdout()).unwrap()
    }
}
