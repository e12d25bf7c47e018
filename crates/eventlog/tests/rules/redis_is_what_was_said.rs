//! A configuration that contradicts itself is refused at the start: Redis would only
//! be away, everything slow, and nobody would know why.

use eventlog::{EventLogConfig, Streams};
use platform::{Environment, Files, SealingKey};

const PASSWORD: &str = "s3cret";

/// What a service says that starts with these variables of `EVENTLOG_*`.
fn refusal(variables: &[(&str, &str)]) -> Option<String> {
    let named = |(name, value): &(&str, &str)| (format!("EVENTLOG_{name}"), (*value).to_owned());
    let environment: Environment = variables.iter().map(named).collect();
    let config: EventLogConfig = match environment.read("EVENTLOG_") {
        Ok(config) => config,
        Err(error) => return Some(error.to_string()),
    };
    let refused =
        Streams::open(&config, SealingKey::from_bytes([7; 32]), &Files::default()).err()?;
    Some(refused.to_string())
}

#[test]
fn a_wrong_variable_is_named_and_no_password_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("ca.pem");
    std::fs::write(&pem, "nothing").unwrap();
    let pem = pem.to_str().unwrap();
    let wrong = folder.path().join("url");
    std::fs::write(&wrong, "http://:s3cret@127.0.0.1").unwrap();
    let wrong = wrong.to_str().unwrap();
    let one = "redis://user:s3cret@127.0.0.1:6379";
    let two = "redis://user:s3cret@127.0.0.1:6379,127.0.0.1:6380";
    let by_tls = ("REDIS_URL", "rediss://user:s3cret@127.0.0.1:6379");
    let sentinel = ("REDIS_MODE", "sentinel");
    let cases: [(&str, &[(&str, &str)]); 17] = [
        ("REDIS_URL", &[("REDIS_URL", "s3cret")]),
        ("REDIS_URL", &[("REDIS_URL", "http://:s3cret@127.0.0.1")]),
        ("REDIS_URL", &[("REDIS_URL", "redis://:s3cret@a:1,,b:1")]),
        ("REDIS_URL", &[("REDIS_URL", two)]),
        ("REDIS_URL", &[("REDIS_MODE", "cluster")]),
        ("REDIS_URL_FILE", &[("REDIS_URL_FILE", "/nowhere")]),
        ("REDIS_URL_FILE", &[("REDIS_URL_FILE", wrong)]),
        (
            "REDIS_URL_FILE",
            &[("REDIS_URL_FILE", "/nowhere"), ("REDIS_URL", one)],
        ),
        (
            "REDIS_URL",
            &[("REDIS_MODE", "cluster"), ("REDIS_URL", "unix:///s3cret")],
        ),
        (
            "REDIS_MODE",
            &[("REDIS_MODE", PASSWORD), ("REDIS_URL", one)],
        ),
        ("REDIS_MASTER_NAME", &[sentinel, ("REDIS_URL", one)]),
        (
            "REDIS_MASTER_NAME",
            &[("REDIS_MASTER_NAME", "vigie"), ("REDIS_URL", one)],
        ),
        (
            "REDIS_SENTINEL_PASSWORD_FILE",
            &[
                sentinel,
                ("REDIS_URL", one),
                ("REDIS_MASTER_NAME", "vigie"),
                ("REDIS_SENTINEL_USERNAME", "watcher"),
            ],
        ),
        (
            "REDIS_SENTINEL_PASSWORD_FILE",
            &[
                sentinel,
                ("REDIS_URL", one),
                ("REDIS_MASTER_NAME", "vigie"),
                ("REDIS_SENTINEL_PASSWORD_FILE", "/nowhere"),
            ],
        ),
        (
            "REDIS_CA_FILE",
            &[("REDIS_URL", one), ("REDIS_CA_FILE", pem)],
        ),
        ("REDIS_CA_FILE", &[by_tls, ("REDIS_CA_FILE", pem)]),
        ("REDIS_CA_FILE", &[by_tls, ("REDIS_CA_FILE", "/nowhere")]),
    ];
    for (variable, variables) in cases {
        let refusal = refusal(variables).unwrap_or_else(|| panic!("{variables:?} is accepted"));
        assert!(
            refusal.split([':', ' ']).next() == Some(&format!("EVENTLOG_{variable}")),
            "{variables:?}: {refusal}"
        );
        assert!(!refusal.contains(PASSWORD), "{variables:?}: {refusal}");
    }
}

#[test]
fn what_is_consistent_is_accepted_whether_redis_answers_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "s3cret\n").unwrap();
    let several = ("REDIS_URL", "redis://user:a,b@127.0.0.1:1,127.0.0.1:2");
    let cases: [&[(&str, &str)]; 5] = [
        &[],
        &[("REDIS_URL", "redis://127.0.0.1:1")],
        &[
            ("REDIS_URL", "redis://127.0.0.1:1"),
            ("REDIS_MODE", "cluster"),
        ],
        &[several, ("REDIS_MODE", "cluster")],
        &[
            several,
            ("REDIS_MODE", "sentinel"),
            ("REDIS_MASTER_NAME", "vigie"),
            ("REDIS_SENTINEL_USERNAME", "watcher"),
            ("REDIS_SENTINEL_PASSWORD_FILE", password.to_str().unwrap()),
        ],
    ];
    for variables in cases {
        assert_eq!(refusal(variables), None, "{variables:?}");
    }
}
