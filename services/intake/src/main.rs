//! The service `vigie-intake`; `vigie-intake erase-contacts` destroys keys of contacts.

use std::{env, process::ExitCode, sync::Arc};

use eventlog::{EventLogConfig, Log};
use intake::{Config, NAME, build, erase_contacts_ended_before, erase_contacts_of, migrators};
use platform::{
    BoxError, DatabaseConfig, Environment, Files, Listeners, Metrics, Program, check_migrated,
    connect, migrate, now, run_main,
};
use time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ERASE: &str = "erase-contacts";
const USAGE: &str = "usage: vigie-intake erase-contacts --ended-days-ago DAYS
       vigie-intake erase-contacts --report ID [--although-treated]";

/// Whose contacts are to be erased.
enum Erasure {
    /// Those of the report with this id or reference, and whether also while it is treated.
    Of(String, bool),
    /// Those of reports whose treatment ended this many days ago, or longer.
    EndedDaysAgo(u16),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|command| command == ERASE) {
        return erase(&arguments[1..]);
    }
    run_main(Program {
        name: NAME,
        serve: |shutdown| {
            Box::pin(async move {
                let config = Config::read(&Environment::of_process())?;
                let listeners = Listeners::bind(&config.base.server).await?;
                // The database may be waited for: a stop ends the wait.
                let building = Box::pin(build(config, Arc::new(Metrics::new())));
                let Some(app) = shutdown.run_until_cancelled(building).await else {
                    return Ok(());
                };
                app?.run(listeners, shutdown).await
            })
        },
        migrate: || {
            Box::pin(async {
                migrate(&Environment::of_process().read("DATABASE_")?, &migrators()).await
            })
        },
        check_config: |environment| Config::read(environment)?.check(),
    })
}

impl Erasure {
    fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [option, report] if option == "--report" => Some(Self::Of(report.clone(), false)),
            [option, report, although]
                if option == "--report" && although == "--although-treated" =>
            {
                Some(Self::Of(report.clone(), true))
            }
            [option, days] if option == "--ended-days-ago" => {
                days.parse().ok().map(Self::EndedDaysAgo)
            }
            _ => None,
        }
    }
}

/// Erases contacts: 0 when it is done, 1 when it could not be, 2 when it is not said of whom.
#[tokio::main]
async fn erase(arguments: &[String]) -> ExitCode {
    let Some(erasure) = Erasure::parse(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match carry_out(erasure).await {
        Ok(done) => {
            println!("{done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint!("vigie-{NAME}: {error}");
            let mut cause = error.source();
            while let Some(deeper) = cause {
                eprint!(": {deeper}");
                cause = deeper.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(erasure: Erasure) -> Result<String, BoxError> {
    let environment = Environment::of_process();
    let config = environment.read::<DatabaseConfig>("DATABASE_")?;
    let shards = environment.read::<EventLogConfig>("EVENTLOG_")?.shards;
    let pool = connect(&config, NAME, &Files::default()).await?;
    check_migrated(&pool, &migrators()).await?;
    let log = Log::open(pool.clone(), NAME, shards).await?;
    Ok(match erasure {
        Erasure::Of(report, although) => {
            if erase_contacts_of(&pool, &log, &report, although).await? {
                "the contacts of the report are erased".to_owned()
            } else {
                "the report had no contacts any more".to_owned()
            }
        }
        Erasure::EndedDaysAgo(days) => {
            let before = now() - Duration::days(days.into());
            let erased = erase_contacts_ended_before(&pool, &log, before).await?;
            format!("the contacts of {erased} reports are erased")
        }
    })
}
