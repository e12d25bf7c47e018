//! Starts that a service must refuse, in one line that names what to mend.

use std::process::Output;

use dev::{Layout, SERVICES, Suite};
use testkit::eventually;
use tests::{Process, run_briefly, service};

/// What every service must be told.
const REQUIRED: [&str; 11] = [
    "DATABASE_URL",
    "DATABASE_SCHEMA",
    "SERVER_LISTEN",
    "SERVER_INTERNAL_LISTEN",
    "SERVER_METRICS_LISTEN",
    "INTERNAL_TLS_CERT_FILE",
    "INTERNAL_TLS_KEY_FILE",
    "INTERNAL_TLS_CA_FILE",
    "AUTH_ISSUER",
    "AUTH_AUDIENCE",
    "SEALING_LOG_KEY_FILE",
];

/// What each of them must be told beyond that.
const OWN: [(&str, &[&str]); 4] = [
    (
        "intake",
        &[
            "SEALING_MASTER_KEY_FILE",
            "PRODUCER_QUALIFICATION_URL",
            "INTAKE_REFERENCE_KEY_FILE",
        ],
    ),
    (
        "qualification",
        &["SEALING_MASTER_KEY_FILE", "PRODUCER_INTAKE_URL"],
    ),
    (
        "notification",
        &[
            "SEALING_MASTER_KEY_FILE",
            "PRODUCER_INTAKE_URL",
            "PRODUCER_QUALIFICATION_URL",
            "SMTP_HOST",
            "SMTP_PORT",
            "NOTIFICATION_FROM",
            "NOTIFICATION_FSSI_MAILBOXES",
            "NOTIFICATION_CELL_MAILBOXES",
        ],
    ),
    (
        "statistics",
        &["PRODUCER_INTAKE_URL", "PRODUCER_QUALIFICATION_URL"],
    ),
];

/// Checks that the start failed and that the one line for people names this variable.
fn assert_refused(name: &str, variable: &str, ended: &Output) {
    let written = String::from_utf8_lossy(&ended.stderr);
    let for_people: Vec<&str> = written.lines().filter(|it| !it.starts_with('{')).collect();
    let [line] = for_people[..] else {
        panic!("{name} without {variable} writes {for_people:?}");
    };
    let expected = format!("vigie-{name}: {variable}");
    assert!(line.starts_with(&expected), "{line}");
    assert_eq!(ended.status.code(), Some(1), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_lacks_a_variable_names_it_and_does_not_start() {
    let suite = Suite::prepare(Layout::throw_away()).await.unwrap();
    assert_eq!(OWN.map(|(name, _)| name), SERVICES);
    for (name, own) in OWN {
        for variable in REQUIRED.iter().chain(own) {
            let mut command = service(&suite, name);
            let ended = run_briefly(command.env_remove(variable));
            assert_refused(name, variable, &ended);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_in_plain_text_is_for_one_machine_alone() {
    let suite = Suite::prepare(Layout::throw_away()).await.unwrap();
    for name in SERVICES {
        for listener in [
            "SERVER_LISTEN",
            "SERVER_INTERNAL_LISTEN",
            "SERVER_METRICS_LISTEN",
        ] {
            let mut command = service(&suite, name);
            command.env(listener, "0.0.0.0:0");
            assert_refused(name, "AUTH_ISSUER", &run_briefly(&command));
        }
        // What is refused is the plain text, not the listener.
        let mut command = service(&suite, name);
        command.env("SERVER_LISTEN", "0.0.0.0:0");
        command.env("AUTH_ISSUER", "https://127.0.0.1:1");
        let log = suite.folder().join(format!("{name}.log"));
        let running = Process::start(command, log);
        eventually(async || running.log().contains("\"message\":\"serving\"")).await;
    }
}
