//! Commands of the program `vigie-dev`, which lies beside this one where it is installed.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::exit::Failure;
use crate::language::Language;

const PROGRAM: &str = "vigie-dev";

/// The command line, without the carriage returns that a script saved on Windows leaves at
/// the end of each of its lines.
pub(crate) fn arguments() -> Vec<OsString> {
    std::env::args_os()
        .map(|word| without_return(&word))
        .collect()
}

fn without_return(word: &OsStr) -> OsString {
    let bytes = word.as_bytes();
    OsString::from_vec(bytes.strip_suffix(b"\r").unwrap_or(bytes).to_vec())
}

/// Replaces this process by `vigie-dev` with the same command line; returns only why not.
pub(crate) fn run(typed: &[OsString], language: Language) -> Failure {
    let beside = std::env::current_exe().map(|vigie| vigie.with_file_name(PROGRAM));
    let program = beside
        .ok()
        .filter(|program| program.exists())
        .unwrap_or_else(|| PathBuf::from(PROGRAM));
    let error = Command::new(program).args(typed.iter().skip(1)).exec();
    if error.kind() == ErrorKind::NotFound {
        let missing = language.pick(
            "cette commande est du programme vigie-dev, qui n'est pas installé ici",
            "this command is one of the program vigie-dev, which is not installed here",
        );
        return Failure::Usage(missing.to_owned());
    }
    Failure::from(error)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::without_return;

    #[test]
    fn a_line_of_a_script_saved_on_windows_is_read_like_any_other() {
        for (typed, read) in [
            ("list\r", "list"),
            ("list", "list"),
            ("a\rb", "a\rb"),
            ("\r", ""),
        ] {
            assert_eq!(without_return(OsStr::new(typed)), read, "{typed:?}");
        }
    }
}
