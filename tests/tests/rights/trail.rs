//! What a denied access leaves behind.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use testkit::TokenSpec;
use tonic::{Code, Status};

use crate::contract::{Rpc, rpcs};
use crate::people;
use crate::requests::{Asked, Expected, requests};
use crate::scene::Scene;
use crate::wire;

/// A row of the audit trail and the answer to the caller, without the name of the thing.
type Trace = (Vec<String>, String);

/// Asks for whatever each person may not see and for what does not exist, and gives, for
/// each person and way of asking, the different traces that came of it with their targets.
pub(crate) async fn of_denied_accesses(
    scene: &Scene,
) -> BTreeMap<String, BTreeMap<Trace, Vec<String>>> {
    let mut sql = scene.sql().await;
    let mut traces: BTreeMap<String, BTreeMap<Trace, Vec<String>>> = BTreeMap::new();
    for person in strangers() {
        let token = scene.token(&person);
        let admits = |rpc: &Rpc| person.roles.iter().any(|role| rpc.roles.contains(role));
        for rpc in rpcs().into_iter().filter(admits) {
            for asked in requests(&rpc, scene, &person).unwrap_or_default() {
                let Asked {
                    name: Some(name),
                    expected: Expected::Refused(Code::NotFound),
                    ..
                } = &asked
                else {
                    continue;
                };
                let host = rpc.hosts()[0];
                let channel = wire::channel(scene.env.suite.addresses(host).public);
                let before = rows(&mut sql, host, &person).await;
                let answer = wire::call(&channel, &rpc.path(), &asked.sent, Some(&token)).await;
                let rows = rows(&mut sql, host, &person).await.split_off(before.len());
                let status = answer.expect_err("what is not seen is not shown");
                let rows = rows.iter().map(|row| row.replace(name, "<name>")).collect();
                let form = asked
                    .target
                    .rsplit_once(" by ")
                    .map_or("", |(_, form)| form);
                let way = format!("{} by {form}, {}", rpc.name(), person.subject);
                let by_trace = traces.entry(way).or_default();
                let targets = by_trace.entry((rows, told(&status))).or_default();
                targets.push(asked.target);
            }
        }
    }
    traces
}

/// People who are admitted, each blind to something.
fn strangers() -> Vec<TokenSpec> {
    let mut strangers = people::authors();
    let more = ["analyst", "security_officer", "health_authority"];
    strangers.extend(more.map(people::with_role));
    strangers
}

/// The rows of a person in the trail of a service, oldest first.
async fn rows(sql: &mut PgConnection, host: &str, person: &TokenSpec) -> Vec<String> {
    let statement = format!(
        "select concat_ws(' ', caller_subject, caller_roles, action, object, outcome, detail)
         from {host}.audit_entry where caller_subject = $1 order by audit_entry_id"
    );
    // Safe, because the name is that of one of the services.
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .bind(&person.subject)
        .fetch_all(sql)
        .await
        .unwrap()
}

fn told(status: &Status) -> String {
    format!(
        "{:?} {} {:?}",
        status.code(),
        status.message(),
        status.details()
    )
}
