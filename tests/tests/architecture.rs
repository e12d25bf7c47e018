//! The rules of the house that no type can hold: who depends on whom, and which
//! way the arrows point inside a service.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const SERVICES: [&str; 4] = ["intake", "notification", "qualification", "statistics"];
/// The rooms of every service.
const ROOMS: [&str; 4] = ["main", "config", "lib", "consume"];
/// Those of a service whose features have no folders.
const LAYERS: [&str; 4] = ["grpc", "domain", "store", "convert"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies below the root")
        .to_owned()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The suite's own crates on which each of them depends, tests left out.
fn own_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let own: BTreeSet<&str> = packages
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    let dependencies = |package: &Value| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().unwrap().iter();
        let normal = all
            .filter(|d| d["kind"].is_null())
            .map(|d| d["name"].as_str().unwrap());
        normal
            .filter(|name| own.contains(name))
            .map(str::to_owned)
            .collect()
    };
    packages
        .iter()
        .map(|p| (p["name"].as_str().unwrap().to_owned(), dependencies(p)))
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let service: &[&str] = &["eventlog", "platform", "proto", "service", "vocabulary"];
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("vocabulary", &[][..]),
        ("proto", &["vocabulary"][..]),
        ("platform", &["proto", "vocabulary"][..]),
        ("eventlog", &["platform", "proto", "vocabulary"][..]),
        (
            "service",
            &["eventlog", "platform", "proto", "vocabulary"][..],
        ),
        ("testkit", &[][..]),
        ("cli", &["proto", "vocabulary"][..]),
        ("intake", service),
        ("qualification", service),
        ("notification", service),
        ("statistics", service),
    ]);
    let found = own_dependencies();
    for (name, allowed) in allowed {
        let wrong: Vec<_> = found[name]
            .iter()
            .filter(|d| !allowed.contains(&d.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn a_service_has_the_same_rooms_as_the_others() {
    for service in SERVICES {
        let source = root().join("services").join(service).join("src");
        let layers: &[&str] = if features(service).is_empty() {
            &LAYERS
        } else {
            &[]
        };
        for room in ROOMS.iter().chain(layers) {
            assert!(
                source.join(format!("{room}.rs")).exists(),
                "{service} lacks src/{room}.rs"
            );
        }
        assert!(
            root()
                .join("services")
                .join(service)
                .join("migrations")
                .is_dir()
        );
    }
}

/// The folders of features: those with a `mod.rs`.
fn features(service: &str) -> Vec<PathBuf> {
    let source = root().join("services").join(service).join("src");
    let folders = fs::read_dir(source)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    folders.filter(|it| it.join("mod.rs").exists()).collect()
}

/// The files of a room: `room.rs`, where there is one, and everything below `room/`.
fn room_files(service: &str, room: &str) -> Vec<PathBuf> {
    let source = root().join("services").join(service).join("src");
    let mut files = rust_files(source.join(room));
    files.extend(Some(source.join(format!("{room}.rs"))).filter(|file| file.exists()));
    files
}

/// The sources in a folder and below.
fn rust_files(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The code of a file without its comments and its own tests, and the path of everything
/// that it imports written out.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = before_tests.unwrap_or_default().lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let imports: Vec<String> = code
        .split("use ")
        .skip(1)
        .filter_map(|rest| rest.split_once(';'))
        .flat_map(|(tree, _)| written_out("", &tree.replace(char::is_whitespace, "")))
        .collect();
    format!("{code}\n{}", imports.join("\n"))
}

/// The paths of an import: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn written_out(prefix: &str, tree: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let branches = tree.split(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    branches
        .flat_map(|branch| match branch.split_once('{') {
            Some((head, inner)) => {
                let inner = inner.strip_suffix('}').unwrap_or(inner);
                written_out(&format!("{prefix}{head}"), inner)
            }
            None => vec![format!("{prefix}{branch}")],
        })
        .collect()
}

#[test]
fn arrows_inside_a_service_point_to_the_pure() {
    // A room, and what its code must not name.
    let rules: [(&str, &[&str]); 3] = [
        (
            "domain",
            &[
                "sqlx",
                "proto::",
                "tonic",
                "prost",
                "tokio",
                "platform::now",
                "crate::store",
                "crate::convert",
                "crate::grpc",
                "crate::consume",
                "now_utc",
                "now_local",
                "Instant",
                "SystemTime",
            ],
        ),
        (
            "convert",
            &["sqlx", "crate::store", "crate::grpc", "crate::consume"],
        ),
        (
            "store",
            &[
                "proto::",
                "tonic::",
                "crate::convert",
                "crate::grpc",
                "crate::consume",
            ],
        ),
    ];
    for service in SERVICES {
        for (room, forbidden) in rules {
            for file in room_files(service, room) {
                let code = code(&file);
                for word in forbidden {
                    assert!(!code.contains(word), "{} names {word}", file.display());
                }
            }
        }
    }
}

/// What the code of a file of a feature must not name.
fn forbidden_in_a_feature(file: &Path) -> &'static [&'static str] {
    match file.file_stem().and_then(|name| name.to_str()).unwrap() {
        "decide" => &[
            "sqlx",
            "tonic",
            "prost",
            "tokio",
            "platform::",
            "eventlog::",
            "proto::",
            "store::",
            "rpc::",
            "events::",
            "request::",
            "response::",
            "now_utc",
            "now_local",
            "Instant",
            "SystemTime",
        ],
        "mod" => &[
            "sqlx",
            "tonic",
            "prost",
            "tokio",
            "platform::",
            "eventlog::",
            "proto::",
        ],
        "store" => &["tonic", "rpc::", "events::"],
        "events" => &["tonic", "rpc::"],
        _ => &[],
    }
}

#[test]
fn arrows_inside_a_feature_point_to_the_pure() {
    for service in SERVICES {
        for file in features(service).into_iter().flat_map(rust_files) {
            let code = code(&file);
            for word in forbidden_in_a_feature(&file) {
                assert!(!code.contains(word), "{} names {word}", file.display());
            }
        }
    }
}

#[test]
fn a_grouped_import_hides_nothing() {
    let tree = "crate::{domain::{Case,Change},store::{self,Entry},convert}";
    assert_eq!(
        written_out("", tree),
        [
            "crate::domain::Case",
            "crate::domain::Change",
            "crate::store::self",
            "crate::store::Entry",
            "crate::convert",
        ]
    );
}

#[test]
fn a_service_reads_its_environment_in_config_only() {
    for service in SERVICES {
        for room in ROOMS
            .iter()
            .chain(&LAYERS)
            .filter(|room| **room != "config")
        {
            let features = features(service).into_iter().flat_map(rust_files);
            for file in room_files(service, room).into_iter().chain(features) {
                assert!(
                    !code(&file).contains("env::var"),
                    "{} reads the environment",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn every_folder_is_named_after_its_crate() {
    for package in metadata()["packages"].as_array().unwrap() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let folder = manifest.parent().and_then(Path::file_name).unwrap();
        assert_eq!(folder.to_str(), package["name"].as_str());
    }
}

/// All sources of the suite.
fn sources() -> String {
    let mut sources = String::new();
    let mut folders = ["cli", "crates", "dev", "services", "tests"]
        .map(|folder| root().join(folder))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                sources.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    sources
}

#[test]
fn every_test_that_holds_an_invariant_exists_under_the_name_that_the_page_gives() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, table) = page.split_once("## What never happens").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let sources = sources();
    let quoted = table.split('`').skip(1).step_by(2);
    let (files, named): (Vec<&str>, Vec<&str>) =
        quoted.partition(|name| name.starts_with("tests/"));
    for file in files {
        assert!(root().join("tests").join(file).exists(), "{file}");
    }
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        // A long name may be cut where it begins or ends like the one before it.
        let exists = match (name.strip_prefix('…'), name.strip_suffix('…')) {
            (Some(end), _) => sources.contains(&format!("{end}(")),
            (_, Some(beginning)) => sources.contains(&format!("fn {beginning}")),
            (None, None) => sources.contains(&format!("fn {name}(")),
        };
        assert!(exists, "there is no test {name}");
    }
}
