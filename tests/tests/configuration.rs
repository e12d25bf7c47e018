//! The page of variables says what the services read, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies below the root")
        .to_owned()
}

/// The files in which configurations are declared.
fn sources() -> Vec<PathBuf> {
    let shared = [
        "platform/src/database.rs",
        "platform/src/server/config.rs",
        "platform/src/tls.rs",
    ];
    let more = [
        "platform/src/auth/config.rs",
        "platform/src/telemetry.rs",
        "platform/src/sealing.rs",
    ];
    let shared = shared
        .into_iter()
        .chain(more)
        .chain(["eventlog/src/config.rs"]);
    let own = ["intake", "qualification", "notification", "statistics"];
    shared
        .map(|file| root().join("crates").join(file))
        .chain(own.map(|service| root().join("services").join(service).join("src/config.rs")))
        .collect()
}

/// The variables of the structures whose documentation names a prefix, `SERVER_*`.
fn variables(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut prefix = None;
    let mut reading = None;
    for line in source.lines() {
        let line = line.trim_end();
        if line.starts_with("///") {
            let named = line
                .split('`')
                .find(|word| word.ends_with("_*") || word.ends_with("_URL"));
            let named = named.map(|word| {
                word.trim_end_matches(['*'])
                    .split('<')
                    .next()
                    .unwrap_or_default()
            });
            prefix = named.map(str::to_owned).or(prefix);
        } else if line.starts_with("pub struct") {
            reading = prefix.take();
        } else if line == "}" {
            (reading, prefix) = (None, None);
        } else if let (Some(prefix), Some(field)) = (&reading, line.trim().strip_prefix("pub ")) {
            let name = field.split(':').next().unwrap_or_default();
            found.insert(format!("{prefix}{}", name.to_uppercase()));
        }
    }
    found
}

#[test]
fn every_variable_is_on_the_page_and_every_one_on_the_page_is_read() {
    let read: BTreeSet<String> = sources()
        .iter()
        .flat_map(|file| variables(&fs::read_to_string(file).unwrap()))
        .collect();
    let page = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .split('`')
                .next()
                .map(str::to_owned)
        })
        .collect();
    assert!(
        read.len() > 60,
        "only {} variables were found in the sources",
        read.len()
    );
    assert_eq!(
        read.difference(&listed).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not on the page"
    );
    assert_eq!(
        listed.difference(&read).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "read by nobody"
    );
}
