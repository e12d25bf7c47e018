//! Which way the arrows point inside a feature.

use std::path::Path;

use crate::code::{names, rust_files, source, with_imports, without_exports};
use crate::{SERVICES, features};

/// What a file of a feature must not name: of the outside, and of the feature itself.
fn forbidden_in_a_feature(file: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match file {
        // The pure: rules, and the types that they are written in.
        "mod" | "audience" | "care" | "catalogue" | "command" | "line" | "decide" | "list"
        | "transitions" | "period" | "rate" | "scope" | "facts" | "channel" | "found"
        | "routing" | "consequences" | "next_steps" | "warnings" | "words" | "rule" | "trigger"
        | "summary" | "projection" | "digest_day" | "side" => (
            &[
                "sqlx",
                "tonic",
                "prost",
                "tokio",
                "platform::",
                "eventlog::",
                "proto::",
                "now_utc",
                "now_local",
                "Instant",
                "SystemTime",
            ],
            &[
                "announce",
                "batcher",
                "contacts",
                "draft",
                "events",
                "history",
                "lookup",
                "reference",
                "request",
                "response",
                "rpc",
                "store",
                "withdrawal",
            ],
        ),
        "store" | "search" | "history" | "milestones" | "read" | "withdrawal" | "reference" => (
            &["tonic", "proto::"],
            &["announce", "events", "request", "response", "rpc"],
        ),
        "events" | "announce" => (&["tonic"], &["request", "response", "rpc"]),
        "request" | "response" | "draft" | "contacts" | "encoding" | "layout" => (
            &["sqlx", "tokio"],
            &[
                "announce",
                "events",
                "history",
                "rpc",
                "store",
                "withdrawal",
            ],
        ),
        // At the edge, or between it and the rules; a new file is listed where it belongs.
        "rpc" | "addressing" | "batcher" | "bulk" | "call" | "calls" | "cursor" | "digest"
        | "erase" | "fields" | "file" | "incoming" | "item" | "load" | "log" | "lookup"
        | "mail" | "mailer" | "message" | "metrics" | "properties" | "reader" | "reminder"
        | "rota" | "samples" | "smtp" | "snapshot" | "step" | "texts" | "upload" | "watcher"
        | "writer" => (&[], &[]),
        other => panic!("no rule says what {other}.rs of a feature may name"),
    }
}

#[test]
fn arrows_inside_a_feature_point_to_the_pure() {
    for feature in SERVICES.into_iter().flat_map(features) {
        let name = feature.file_name().and_then(|name| name.to_str()).unwrap();
        if name == "tests" {
            continue;
        }
        let is_test = |file: &Path| {
            let below = file.strip_prefix(&feature).unwrap();
            below
                .iter()
                .any(|part| part == "tests" || part == "tests.rs")
        };
        for file in rust_files(feature.clone()) {
            if is_test(&file) {
                continue;
            }
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap();
            let (outside, inside) = forbidden_in_a_feature(stem);
            let source = source(&file);
            for word in outside {
                let found = with_imports(&source).contains(word);
                assert!(!found, "{} names {word}", file.display());
            }
            let code = with_imports(&without_exports(&source));
            for sibling in inside {
                let found = ["super", "self", &format!("crate::{name}")]
                    .iter()
                    .any(|place| names(&code, &format!("{place}::{sibling}")))
                    || stem == "mod" && names(&code, &format!("{sibling}::"));
                assert!(!found, "{} names {sibling}", file.display());
            }
        }
    }
}
