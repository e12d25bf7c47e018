//! The program `vigie-intake`.

use std::{process::ExitCode, sync::Arc};

use intake::{Config, NAME, build, migrators};
use platform::{Environment, Listeners, Metrics, Program, migrate, run_main};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run_main(Program {
        name: NAME,
        serve: |shutdown| {
            Box::pin(async move {
                let config = Config::read(&Environment::of_process())?;
                let listeners = Listeners::bind(&config.server).await?;
                let app = build(config, Arc::new(Metrics::new())).await?;
                app.run(listeners, shutdown).await
            })
        },
        migrate: || {
            Box::pin(async {
                migrate(&Environment::of_process().read("DATABASE_")?, &migrators()).await
            })
        },
    })
}
