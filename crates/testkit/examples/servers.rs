//! Starts a private PostgreSQL and a private Redis, says where they are, and
//! waits to be killed: what happens to them then is tested with it.

use std::io::Read;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let postgres = testkit::Postgres::start(testkit::PostgresOptions::default()).await?;
    let redis = testkit::Redis::start(testkit::RedisOptions::default()).await?;
    println!("{}", postgres.port());
    println!("{}", redis.port());
    println!("{}", postgres.folder().display());
    println!("{}", redis.folder().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
