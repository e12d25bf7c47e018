//! The rules of the house that no type can hold: who depends on whom, and which
//! way the arrows point inside a service.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arrows;
mod code;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::code::{code, rust_files};

const SERVICES: [&str; 4] = ["intake", "notification", "qualification", "statistics"];
/// The rooms of every service; a folder that is no feature holds the parts of one of them.
const ROOMS: [&str; 4] = ["main", "config", "lib", "consume"];

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
        for room in ROOMS {
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
    let mut folders = folders(service);
    folders.retain(|it| it.join("mod.rs").exists());
    folders
}

fn folders(service: &str) -> Vec<PathBuf> {
    let source = root().join("services").join(service).join("src");
    let entries = fs::read_dir(source).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).collect()
}

#[test]
fn every_folder_of_a_service_is_a_feature_or_belongs_to_a_file_that_may_have_one() {
    for folder in SERVICES.into_iter().flat_map(folders) {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap();
        let of_a_file = ROOMS.contains(&name) && folder.with_extension("rs").exists();
        assert!(
            folder.join("mod.rs").exists() || of_a_file,
            "{} is neither",
            folder.display()
        );
    }
}

#[test]
fn a_service_reads_its_environment_in_config_only() {
    for service in SERVICES {
        let source = root().join("services").join(service).join("src");
        for file in rust_files(source.clone()) {
            if !file.starts_with(source.join("config")) && file != source.join("config.rs") {
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
