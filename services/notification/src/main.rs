//! The process of the service.

use std::{process::ExitCode, sync::Arc};

use notification::{Config, NAME};
use platform::{Environment, Listeners, Metrics, Program};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    platform::run_main(Program {
        name: NAME,
        serve: |shutdown| {
            Box::pin(async move {
                let config = Config::read(&Environment::of_process())?;
                let listeners = Listeners::bind(&config.base.server).await?;
                // The database may be waited for: a stop ends the wait.
                let building = Box::pin(notification::build(config, Arc::new(Metrics::new())));
                let Some(app) = shutdown.run_until_cancelled(building).await else {
                    return Ok(());
                };
                app?.run(listeners, shutdown).await
            })
        },
        migrate: || {
            Box::pin(async {
                let database = Environment::of_process().read("DATABASE_")?;
                platform::migrate(&database, &notification::migrators()).await
            })
        },
        check_config: |environment| Config::read(environment)?.check(),
    })
}
