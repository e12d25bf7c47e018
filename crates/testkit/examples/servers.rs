//! Starts every kind of private server, says where they are, and waits to be
//! killed: what happens to them then is tested with it.

use std::io::Read;

use testkit::{Point, Postgres, PostgresOptions, Redis, RedisOptions};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let redis = Redis::start(RedisOptions::default()).await?;
    let postgres = Postgres::start(PostgresOptions::default()).await?;
    let standby = postgres.standby(PostgresOptions::default()).await?;
    let backup = postgres.back_up().await?;
    backup.name(&postgres, "now").await?;
    let now = Point::Named("now".to_owned());
    let restored = backup.restore(&now, PostgresOptions::default()).await?;
    println!("{} {}", redis.port(), redis.folder().display());
    for postgres in [&postgres, standby.server(), &restored] {
        println!("{} {}", postgres.port(), postgres.folder().display());
    }
    println!("- {}", backup.folder().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
