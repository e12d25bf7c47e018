//! The process of the command.

fn main() -> std::process::ExitCode {
    cli::main()
}
