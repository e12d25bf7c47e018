//! The process of a service as its supervisor sees it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
};

/// The example service, which every run of the tests builds beside them.
fn example() -> Command {
    let tests = std::env::current_exe().unwrap();
    let folder: PathBuf = tests.ancestors().nth(2).unwrap().join("examples");
    let mut command = Command::new(folder.join("service"));
    command
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Running {
    fn start(mode: &str) -> Self {
        Self::start_with(example().env("EXAMPLE_MODE", mode))
    }

    fn start_with(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads the log up to the line that says this.
    fn until(&mut self, text: &str) -> String {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(
                self.log.read_line(&mut line).unwrap() > 0,
                "the log ended before {text:?}"
            );
        }
        line
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    fn end(mut self) -> (ExitStatus, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap(), rest)
    }
}

#[test]
fn a_signal_drains_and_the_process_ends_well() {
    for signal in ["-TERM", "-INT"] {
        let mut service = Running::start("polite");
        service.until("serving");
        service.signal(signal);
        let (status, log) = service.end();
        assert!(status.success(), "{log}");
        assert!(log.contains("draining"), "{log}");
    }
}

#[test]
fn a_second_signal_ends_a_drain_that_hangs() {
    let mut service = Running::start("deaf");
    service.until("serving");
    service.signal("-TERM");
    service.until("draining");
    service.signal("-TERM");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(130), "{log}");
}

#[test]
fn log_lines_are_json_with_dotted_fields() {
    let mut service = Running::start("polite");
    let line = service.until("serving");
    service.signal("-TERM");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["message"], "serving");
    assert_eq!(line["example.answer"], 42);
    assert_eq!(line["level"], "INFO");
    service.end();
}

#[test]
fn a_wrong_variable_ends_the_start_with_one_line_that_names_it() {
    let ended = example().env("EXAMPLE_MODE", "s3cret").output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let log = String::from_utf8(ended.stderr).unwrap();
    let last = log.lines().last().unwrap();
    assert!(
        last.starts_with("vigie-example: EXAMPLE_MODE has a value"),
        "{log}"
    );
    assert!(!log.contains("s3cret"), "{log}");

    let ended = example()
        .env("EXAMPLE_MODE", "polite")
        .env("TELEMETRY_OTLP_ENDPOINT", "https://127.0.0.1:1")
        .env("TELEMETRY_OTLP_CA_FILE", "/nonexistent/ca.pem")
        .output()
        .unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    let expected = "vigie-example: TELEMETRY_OTLP_CA_FILE: /nonexistent/ca.pem: ";
    assert!(log.starts_with(expected), "{log}");

    let ended = example().arg("migrate").output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(log, "vigie-example: DATABASE_URL: is not set\n");
}

#[test]
fn a_configuration_is_checked_without_a_start() {
    let check = |changes: &[(&'static str, &'static str)]| {
        let mut example = example();
        example.arg("check-config").envs([
            // Nobody is there, and nobody is asked.
            ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing"),
            ("DATABASE_SCHEMA", "example"),
            ("SERVER_LISTEN", "127.0.0.1:1"),
            ("SERVER_INTERNAL_LISTEN", "127.0.0.1:1"),
            ("SERVER_METRICS_LISTEN", "127.0.0.1:1"),
        ]);
        let ended = example.envs(changes.iter().copied()).output().unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stderr).unwrap()
    };
    assert_eq!(
        check(&[]),
        "vigie-example: INTERNAL_TLS_CERT_FILE is not set\n"
    );
    assert_eq!(
        check(&[("SERVER_ALLOWED_ORIGINS", "*")]),
        "vigie-example: SERVER_ALLOWED_ORIGINS: name each origin\n"
    );
    let refused = check(&[("DATABASE_URL", "s3cret")]);
    assert!(
        refused.starts_with("vigie-example: DATABASE_URL"),
        "{refused}"
    );
    assert!(!refused.contains("s3cret"), "{refused}");
}

#[test]
fn a_task_that_panics_ends_the_process_and_does_not_say_what_it_said() {
    let ended = example().env("EXAMPLE_MODE", "panicking").output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{log}");
    assert!(
        log.contains("vigie-example: the task example panicked"),
        "{log}"
    );
    assert!(
        log.contains("examples/service.rs"),
        "the place is told: {log}"
    );
    assert!(!log.contains("a secret"), "{log}");
}

#[test]
fn the_version_is_told_and_an_unknown_command_is_refused() {
    let told = example().arg("--version").output().unwrap();
    let version = String::from_utf8(told.stdout).unwrap();
    assert!(version.starts_with(concat!("vigie-example ", env!("CARGO_PKG_VERSION"))));

    let refused = example().arg("migrat").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn the_health_check_fails_when_nobody_answers() {
    let ended = example()
        .arg("healthcheck")
        .env("SERVER_METRICS_LISTEN", "127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(log, "vigie-example: the service is not ready\n");
}

#[tokio::test]
async fn the_health_check_follows_the_readiness() {
    let env = crate::env::TestEnv::start().await;
    let check = async || {
        let address = env.admin.to_string();
        tokio::task::spawn_blocking(move || {
            example()
                .arg("healthcheck")
                .env("SERVER_METRICS_LISTEN", address)
                .status()
                .unwrap()
                .success()
        })
        .await
        .unwrap()
    };
    assert!(check().await);
    env.readiness.set("consumer", Err("stopped".to_owned()));
    assert!(!check().await);
}

#[tokio::test]
async fn the_last_spans_are_sent_before_the_process_ends() {
    let receiver = testkit::OtlpReceiver::start().await;
    let endpoint = receiver.endpoint().to_owned();
    let ended = tokio::task::spawn_blocking(move || {
        let mut service = Running::start_with(
            example()
                .env("EXAMPLE_MODE", "polite")
                .env("TELEMETRY_OTLP_ENDPOINT", endpoint),
        );
        service.until("serving");
        service.signal("-TERM");
        service.end()
    });
    let (status, log) = ended.await.unwrap();
    assert!(status.success(), "{log}");
    let spans = receiver.spans();
    let span = spans.iter().find(|span| span.name == "example work");
    let span = span.unwrap_or_else(|| panic!("no span came: {log}"));
    assert_eq!(span.service, "vigie-example");
    assert_eq!(span.trace_id.len(), 32);
}
