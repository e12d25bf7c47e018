//! The service `vigie-statistics`.

use std::process::ExitCode;

use platform::{Environment, Listeners, Metrics, Program, StartError, migrate, run_main};
use statistics::{Config, NAME, build, migrators};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run_main(Program {
        name: NAME,
        serve: |shutdown| Box::pin(serve(shutdown)),
        migrate: || {
            Box::pin(async {
                migrate(&Environment::of_process().read("DATABASE_")?, &migrators()).await
            })
        },
        check_config: |environment| Config::read(environment)?.check(),
    })
}

async fn serve(shutdown: CancellationToken) -> Result<(), StartError> {
    let config = Config::read(&Environment::of_process())?;
    let listeners = Listeners::bind(&config.base.server).await?;
    // The database may be waited for: a stop ends the wait.
    let building = Box::pin(build(config, Metrics::new().into()));
    let Some(app) = shutdown.run_until_cancelled(building).await else {
        return Ok(());
    };
    app?.run(listeners, shutdown).await
}
