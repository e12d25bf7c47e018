//! The sources of the suite as the rules read them.

use std::fs;
use std::path::{Path, PathBuf};

/// The sources in a folder and below.
pub(crate) fn rust_files(folder: PathBuf) -> Vec<PathBuf> {
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

/// The code of a file, and the path of everything that it imports written out.
pub(crate) fn code(file: &Path) -> String {
    with_imports(&source(file))
}

/// The code of a file without its comments and its own tests.
pub(crate) fn source(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = before_tests.unwrap_or_default().lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn with_imports(code: &str) -> String {
    let imports: Vec<String> = code
        .split("use ")
        .skip(1)
        .filter_map(|rest| rest.split_once(';'))
        .flat_map(|(tree, _)| {
            let tree = tree.replace(" as ", "::as::");
            written_out("", &tree.replace(char::is_whitespace, ""))
        })
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

/// Whether code has a path, and not as the part of a longer name.
pub(crate) fn names(code: &str, path: &str) -> bool {
    let continues = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(path).any(|(at, path)| {
        let before = code[..at].chars().next_back();
        let after = code[at + path.len()..].chars().next();
        let open = path.ends_with(':') || !after.is_some_and(continues);
        open && !before.is_some_and(|letter| continues(letter) || letter == ':')
    })
}

/// Code without the `pub(crate) use …;` by which a feature shows its parts to others.
pub(crate) fn without_exports(code: &str) -> String {
    let mut statements = code.split("\npub");
    let first = statements.next().unwrap_or_default().to_owned();
    statements.fold(first, |kept, statement| {
        let export = [" use ", "(crate) use ", "(super) use "]
            .iter()
            .any(|beginning| statement.starts_with(beginning));
        match statement.split_once(';') {
            Some((_, rest)) if export => kept + rest,
            _ => kept + "\npub" + statement,
        }
    })
}

#[test]
fn a_grouped_import_hides_nothing() {
    let tree = "crate::{cases::{Case,Change},store::{self,Entry},wire}";
    assert_eq!(
        written_out("", tree),
        [
            "crate::cases::Case",
            "crate::cases::Change",
            "crate::store::self",
            "crate::store::Entry",
            "crate::wire",
        ]
    );
}
