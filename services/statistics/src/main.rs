//! The service `vigie-statistics`; `vigie-statistics recount` checks its counters.

use std::{env, process::ExitCode};

use platform::{
    DatabaseConfig, Environment, Files, Listeners, Metrics, Program, StartError, connect, migrate,
    run_main,
};
use statistics::{Config, NAME, build, migrators};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if env::args().skip(1).eq(["recount"]) {
        return recount();
    }
    run_main(Program {
        name: NAME,
        serve: |shutdown| Box::pin(serve(shutdown)),
        migrate: || {
            Box::pin(async {
                migrate(&Environment::of_process().read("DATABASE_")?, &migrators()).await
            })
        },
    })
}

async fn serve(shutdown: CancellationToken) -> Result<(), StartError> {
    let config = Config::read(&Environment::of_process())?;
    let listeners = Listeners::bind(&config.server).await?;
    // The database may be waited for: a stop ends the wait.
    let building = build(config, Metrics::new().into());
    let Some(app) = shutdown.run_until_cancelled(building).await else {
        return Ok(());
    };
    app?.run(listeners, shutdown).await
}

/// Compares the counters with the facts: 0 when they agree, 1 when they differ,
/// 2 when they could not be compared.
#[tokio::main]
async fn recount() -> ExitCode {
    let compared = async {
        let config = Environment::of_process().read::<DatabaseConfig>("DATABASE_")?;
        let pool = connect(&config, NAME, &Files::default()).await?;
        let differences = statistics::recount(&pool).await;
        differences.map_err(|cause| StartError::unusable("the counters", cause))
    };
    match compared.await {
        Ok(differences) if differences.is_empty() => {
            println!("every counter holds what the facts say");
            ExitCode::SUCCESS
        }
        Ok(differences) => {
            for difference in differences {
                println!("{difference}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("vigie-{NAME}: {error}");
            ExitCode::from(2)
        }
    }
}
