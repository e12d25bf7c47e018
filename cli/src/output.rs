//! What is said on standard output.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::process;

/// The exit code of a process that nobody listens to any more (128 + SIGPIPE).
const UNHEARD: i32 = 141;

/// Says a line, as `println!` does, but ends quietly once the reader has gone.
macro_rules! say {
    () => {
        $crate::output::line(format_args!(""))
    };
    ($($words:tt)*) => {
        $crate::output::line(format_args!($($words)*))
    };
}

/// Writes a line to standard output.
#[expect(
    clippy::disallowed_methods,
    reason = "a command whose words reach nobody has nothing left to do"
)]
pub(crate) fn line(words: fmt::Arguments<'_>) {
    let Err(error) = writeln!(io::stdout().lock(), "{words}") else {
        return;
    };
    if error.kind() == ErrorKind::BrokenPipe {
        process::exit(UNHEARD);
    }
    eprintln!("vigie: {error}");
    process::exit(1);
}
