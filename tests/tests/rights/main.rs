//! Nobody may do or see more than the contract and the rules of sight allow: every RPC,
//! every role, region, structure and defect of a token, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod contents;
mod contract;
mod internal;
mod matrix;
mod people;
mod requests;
mod scene;
mod trail;
mod visibility;
mod wire;

use testkit::Defect;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_do_or_see_more_than_is_written() {
    let scene = Box::pin(Scene::prepare()).await;
    let (rpcs, roles) = (contract::rpcs(), contract::roles());
    let people = people::everybody(&roles);
    let mut refused = matrix::with_bad_tokens(&rpcs, &roles, &scene);
    refused.extend(matrix::elsewhere(&rpcs, &roles, &scene));
    let told = matrix::by_everybody(&rpcs, &people, &scene);
    let (storing, reading): (Vec<_>, Vec<_>) = told.into_iter().partition(matrix::Trial::stores);
    println!(
        "{} RPCs, {} people, {} defects: {} calls without the right, {} with it, {} that store",
        rpcs.len(),
        people.len(),
        Defect::ALL.len(),
        refused.len(),
        reading.len(),
        storing.len()
    );
    let bad_tokens = 1 + roles.len() * Defect::ALL.len();
    assert!(refused.len() >= rpcs.len() * (bad_tokens + roles.len()));
    let public = rpcs.iter().filter(|rpc| !rpc.is_internal()).count();
    assert!(reading.len() + storing.len() >= public * people.len());
    assert!(!storing.is_empty());

    // First all that must leave everything as it is.
    let mut sql = scene.sql().await;
    let before = contents::read(&mut sql).await;
    let mut deviations = matrix::run(&refused, &scene).await;
    deviations.extend(matrix::run(&reading, &scene).await);
    let after = contents::read(&mut sql).await;
    assert_eq!(after, before, "something was changed");
    deviations.extend(matrix::run(&storing, &scene).await);
    assert!(
        deviations.is_empty(),
        "{} deviations:\n{}",
        deviations.len(),
        deviations.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_services_only_the_named_readers_of_a_log_get_in() {
    let scene = Box::pin(Scene::prepare()).await;
    let deviations = internal::deviations_between_services(&scene).await;
    assert!(deviations.is_empty(), "{}", deviations.join("\n"));
    let let_in = internal::intruders_let_in(&scene).await;
    assert!(let_in.is_empty(), "{}", let_in.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_access_leaves_the_same_row_whether_the_thing_exists_or_not() {
    let scene = Box::pin(Scene::prepare()).await;
    let traces = trail::of_denied_accesses(&scene).await;
    assert!(traces.len() >= 20, "{} ways of asking", traces.len());
    for (way, traces) in traces {
        assert_eq!(traces.len(), 1, "{way}: {traces:#?}");
        let ((rows, _), targets) = traces.first_key_value().unwrap();
        assert_eq!(rows.len(), 1, "{way}: {rows:?}");
        assert!(targets.len() >= 2, "{way}: only {targets:?}");
    }
}
