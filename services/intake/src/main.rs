//! The program `vigie-intake`.

use std::{process::ExitCode, sync::Arc};

use intake::{Config, NAME, build, migrators};
use platform::{Listeners, Metrics, Program, migrate, read_config, run_main};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run_main(Program {
        name: NAME,
        serve: |shutdown| {
            Box::pin(async move {
                let config = Config::from_env()?;
                let listeners = Listeners::bind(&config.server).await?;
                let app = build(config, Arc::new(Metrics::new())).await?;
                app.run(listeners, shutdown).await
            })
        },
        migrate: || Box::pin(async { migrate(&read_config("DATABASE_")?, &migrators()).await }),
    })
}
