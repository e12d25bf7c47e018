//! What the services keep: whatever a call without a right must leave as it is.

use std::collections::BTreeMap;

use dev::SERVICES;
use sqlx::{AssertSqlSafe, PgConnection};

/// The tables that change though nobody was let in, by name in whichever schema; every other
/// table that PostgreSQL lists is compared, also one that is made tomorrow.
const CHANGING: [&str; 10] = [
    // Every call leaves its entry, and a sealer chains them.
    "audit_entry",
    "audit_seal",
    // A call that reads or is refused may leave the key of its request.
    "idempotency_key",
    // The keys of the issuer as they were fetched last.
    "issuer_keys",
    // Where consumers and logs stand, with the time; the events themselves are compared.
    "consumer_offset",
    "eventlog_mark",
    "eventlog_registration",
    // What is sent goes from one to the other meanwhile: together they are compared below.
    "job",
    "job_done",
    "job_attempt",
];

/// Every table of the services that is compared, with how many rows it has and their digest.
pub(crate) async fn read(sql: &mut PgConnection) -> BTreeMap<String, String> {
    let mut tables: BTreeMap<String, String> = tables(sql)
        .await
        .into_iter()
        .map(|table| (table.clone(), format!("table {table}")))
        .collect();
    for service in ["qualification", "notification"] {
        let jobs = format!(
            "select job_id, kind from {service}.job
             union all select job_id, kind from {service}.job_done"
        );
        tables.insert(format!("{service}: jobs"), jobs);
    }
    let mut contents = BTreeMap::new();
    for (name, rows) in tables {
        let digest = format!(
            "select concat_ws(' ', count(*), md5(string_agg(md5(r::text), '' order by md5(r::text))))
             from ({rows}) as r"
        );
        let digest = sqlx::query_scalar(AssertSqlSafe(digest));
        contents.insert(name, digest.fetch_one(&mut *sql).await.unwrap());
    }
    contents
}

/// The tables of all services, partitions apart, but for those that change.
async fn tables(sql: &mut PgConnection) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', n.nspname, c.relname)
         from pg_class as c
         inner join pg_namespace as n on c.relnamespace = n.oid
         where n.nspname = any($1)
             and c.relkind in ('r', 'p')
             and not c.relispartition
             and c.relname <> all($2)",
    )
    .bind(SERVICES)
    .bind(CHANGING)
    .fetch_all(sql)
    .await
    .unwrap();
    for service in SERVICES {
        let own = tables.iter().filter(|table| table.starts_with(service));
        assert!(own.count() > 2, "{service} keeps more than that");
    }
    tables
}
