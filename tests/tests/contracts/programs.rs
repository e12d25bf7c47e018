//! The programs themselves: their commands, and what they must not carry.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use dev::{Layout, SERVICES, Suite};
use sqlx::{Connection as _, PgConnection};
use testkit::eventually;
use tests::{Process, programs, run_briefly, service};

/// What only the local issuer of tokens has: its crate, and its answer to discovery.
const MARKERS: [&str; 2] = ["7testkit6issuer", "id_token_signing_alg_values_supported"];

#[test]
fn the_local_issuer_lives_in_the_suite_on_one_machine_alone() {
    let carried = |program: &str| {
        let bytes = fs::read(programs().join(program)).unwrap();
        MARKERS.map(|marker| {
            bytes
                .windows(marker.len())
                .any(|it| it == marker.as_bytes())
        })
    };
    let dev = carried("vigie-dev");
    assert_eq!(dev, [true, true], "the markers mark nothing");
    assert_eq!(carried("vigie"), [false, false], "the command line");
    for name in SERVICES {
        assert_eq!(carried(&format!("vigie-{name}")), [false, false], "{name}");
    }
}

#[test]
fn no_program_carries_a_mutant() {
    const MARKER: &[u8] = b"VIGIE_MUTANT";
    for name in SERVICES.map(|name| format!("vigie-{name}")) {
        let bytes = fs::read(programs().join(&name)).unwrap();
        assert!(
            !bytes.windows(MARKER.len()).any(|it| it == MARKER),
            "{name}"
        );
    }
}

#[test]
fn every_program_tells_its_version_and_refuses_what_it_does_not_know() {
    for name in SERVICES {
        let program = programs().join(format!("vigie-{name}"));
        let run = |argument: &str| {
            let mut command = std::process::Command::new(&program);
            command.env_clear().arg(argument).output().unwrap()
        };
        let version = run("--version");
        assert!(version.status.success());
        let told = String::from_utf8(version.stdout).unwrap();
        let expected = format!("vigie-{name} {}", env!("CARGO_PKG_VERSION"));
        assert!(told.starts_with(&expected), "{told}");
        assert_eq!(run("--verison").status.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_migrates_serves_tells_its_health_and_drains() {
    let suite = Suite::prepare(Layout::throw_away()).await.unwrap();
    let fresh = suite.postgres.named_database("fresh").await.unwrap();
    let mut sql = PgConnection::connect(&fresh.superuser_url()).await.unwrap();
    for name in SERVICES {
        // The address is in a file, as a cluster mounts it.
        let url = suite.folder().join(format!("{name}.url"));
        fs::write(&url, fresh.url(name)).unwrap();
        let service = || {
            let mut command = service(&suite, name);
            command.env_remove("DATABASE_URL");
            command.env("DATABASE_URL_FILE", &url);
            command
        };
        let run = |argument: &str| -> Output { run_briefly(service().arg(argument)) };
        let early = run("serve");
        assert_eq!(
            early.status.code(),
            Some(1),
            "{name} serves an empty schema"
        );
        for _ in 0..2 {
            let migrated = run("migrate");
            assert!(migrated.status.success(), "{name}: {migrated:?}");
        }
        let tables: i64 =
            sqlx::query_scalar("select count(*) from pg_tables where schemaname = $1")
                .bind(name)
                .fetch_one(&mut sql)
                .await
                .unwrap();
        assert!(tables > 5, "{name} made {tables} tables");
        assert_eq!(
            run("healthcheck").status.code(),
            Some(1),
            "{name} does not run"
        );

        let log: PathBuf = suite.folder().join(format!("{name}.log"));
        // Its producers are not up: a service that stands alone is ready all the same.
        let mut running = Process::start(service(), log);
        eventually(async || run("healthcheck").status.success()).await;
        if name == SERVICES[0] {
            fs::write(&url, "no address").unwrap();
            let refused = "a changed file cannot be used";
            eventually(async || running.log().contains(refused)).await;
        }
        assert!(running.stop().success(), "{name}: {}", running.log());
        assert!(running.log().contains("draining"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_erased_by_a_command_that_is_told_of_whom() {
    let suite = Suite::prepare(Layout::throw_away()).await.unwrap();
    let erase = |arguments: &[&str]| -> Output {
        let mut command = service(&suite, "intake");
        run_briefly(command.arg("erase-contacts").args(arguments))
    };
    let ended = |days| erase(&["--ended-days-ago", days]);
    let done = ended("30");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(done.stdout, b"the contacts of 0 reports are erased\n");

    let unknown = erase(&["--report", "0190c3a4-0000-7000-8000-000000000000"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(unknown.stderr, b"vigie-intake: report not found\n");
    for refused in [
        erase(&[]),
        ended("thirty"),
        ended("-1"),
        erase(&["--report"]),
    ] {
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    }
}
