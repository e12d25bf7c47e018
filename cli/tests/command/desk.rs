//! A suite at work, and somebody who types.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cli::{Layout, Suite};
use platform::Tasks;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const MONTPELLIER: &str = "340782085";

/// A suite at work, and a home for the command.
pub(crate) struct Desk {
    pub(crate) suite: Suite,
    shutdown: CancellationToken,
    _services: Tasks,
    pub(crate) home: TempDir,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let suite = Suite::prepare(Layout::throw_away()).await.unwrap();
        let shutdown = CancellationToken::new();
        let services = suite.start(&shutdown).await.unwrap();
        Self {
            suite,
            shutdown,
            _services: services,
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// Types a command.
    pub(crate) async fn types(&self, arguments: &[&str]) -> Typed {
        self.types_in("C.UTF-8", arguments).await
    }

    pub(crate) async fn types_in(&self, locale: &str, arguments: &[&str]) -> Typed {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command.args(arguments).env_clear();
        command
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("LANG", locale);
        for service in cli::SERVICES {
            let url = format!("http://{}", self.suite.addresses(service).public);
            command.env(format!("VIGIE_{}_URL", service.to_uppercase()), url);
        }
        command.env("VIGIE_ISSUER_URL", self.suite.issuer.url());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        Typed(output)
    }

    /// Submits a report as a director; gives its reference.
    pub(crate) async fn submit(&self) -> String {
        let submitted = self
            .types(
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

    /// Waits until the case of a report is open.
    pub(crate) async fn case_opened(&self, reference: &str) {
        testkit::eventually(async || {
            self.types(&["--as", "analyst", "case", "show", reference])
                .await
                .code()
                == 0
        })
        .await;
    }
}

impl Drop for Desk {
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
pub(crate) struct Typed(Output);

impl Typed {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn complaint(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code(), 0, "{}", self.complaint());
        serde_json::from_str(&self.text()).unwrap()
    }
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}
