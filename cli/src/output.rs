//! What is said on standard output.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::process;

/// The exit code of a process whose output nobody reads any more (128 + SIGPIPE).
const BROKEN_PIPE: i32 = 141;

/// Prints a line, as `println!` does, but ends quietly once the reader has gone.
#[macro_export]
macro_rules! say {
    () => {
        $crate::print_line(format_args!(""))
    };
    ($($words:tt)*) => {
        $crate::print_line(format_args!($($words)*))
    };
}

/// Writes a line to standard output.
#[expect(
    clippy::disallowed_methods,
    reason = "a command whose output nobody reads has nothing left to do"
)]
pub fn print_line(words: fmt::Arguments<'_>) {
    let Err(error) = writeln!(io::stdout().lock(), "{words}") else {
        return;
    };
    if error.kind() == ErrorKind::BrokenPipe {
        process::exit(BROKEN_PIPE);
    }
    eprintln!("vigie: {error}");
    process::exit(1);
}
