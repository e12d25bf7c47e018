//! Migrations under load.

use super::*;

#[tokio::test]
async fn a_migration_of_deliveries_gives_way_to_a_reader_that_takes_long() {
    let config = database().await;
    platform::migrate(&config, &[&platform::MIGRATOR, &eventlog::MIGRATOR])
        .await
        .unwrap();
    let pool = platform::connect(&config, "test", &Files::default())
        .await
        .unwrap();
    let mut conn = pool.acquire().await.unwrap();
    sqlx::raw_sql("set lock_timeout = '1min'")
        .execute(&mut *conn)
        .await
        .unwrap();
    for (version, read) in [
        (4, "select from delivery"),
        (6, "select from delivery"),
        (7, "select from delivery"),
        (7, "select from delivery_attempt"),
        (7, "select from known_report"),
    ] {
        crate::MIGRATOR
            .run_to(version - 1, &mut *conn)
            .await
            .unwrap();
        let mut reader = pool.begin().await.unwrap();
        sqlx::raw_sql(read).execute(&mut *reader).await.unwrap();
        let migrating = crate::MIGRATOR.run_to(version, &mut *conn);
        let refused = tokio::time::timeout(std::time::Duration::from_secs(20), migrating)
            .await
            .unwrap()
            .unwrap_err();
        // lock_not_available
        assert!(format!("{refused:?}").contains("55P03"), "{refused:?}");
        reader.rollback().await.unwrap();
    }
}
