//! The smallest service: it waits for its end, and is a subject for tests of `run_main`.

use std::process::ExitCode;

use platform::{Environment, Program, StartError, run_main};
use serde::Deserialize;

#[derive(Deserialize)]
struct Config {
    mode: Mode,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// Ends when it is asked to.
    Polite,
    /// Never ends by itself.
    Deaf,
    /// Panics, with a text that must not be shown.
    Panicking,
}

fn main() -> ExitCode {
    run_main(Program {
        name: "example",
        serve: |shutdown| {
            Box::pin(async move {
                let config: Config = Environment::of_process().read("EXAMPLE_")?;
                let tasks = platform::Tasks::new(shutdown.clone());
                tracing::info_span!("example work").in_scope(|| {
                    tracing::info!(example.answer = 42, "serving");
                });
                match config.mode {
                    Mode::Polite => shutdown.cancelled().await,
                    Mode::Deaf => std::future::pending().await,
                    Mode::Panicking => {
                        tasks.spawn("example", async { panic!("a secret of the example") });
                        shutdown.cancelled().await;
                    }
                }
                tasks.join(std::time::Duration::from_secs(5)).await
            })
        },
        migrate: || Box::pin(async { Err(StartError::unusable("DATABASE_URL", "is not set")) }),
        check_config: |environment| Ok(environment.read::<Config>("EXAMPLE_").map(drop)?),
    })
}
