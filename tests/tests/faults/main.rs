//! Nothing that was acknowledged is lost and nothing is done twice, whichever
//! process is killed or frozen, and whenever.
//!
//! `VIGIE_FAULTS_SEED` repeats the faults of a run, `VIGIE_FAULTS_SECONDS` says
//! for how long there are faults, and `VIGIE_FAULTS_FOLDER` keeps logs and data.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chaos;
mod checks;
mod client;
mod holder;
mod laws;
mod ledger;
mod load;
mod mailbox;
mod processes;

use std::sync::Arc;

use cli::{Layout, Suite};
use platform::Environment;

use crate::{
    chaos::Plan, checks::Books, ledger::Ledger, load::Load, mailbox::Mailbox, processes::Fleet,
};

/// How many messages a process of notification sends at once.
const AT_ONCE: i64 = 4;

/// One machine with a mail server of our own, and waits short enough to see
/// their end: an attempt that nobody recorded is made again after 26 s.
fn layout(plan: &Plan, mailbox: &Mailbox) -> Layout {
    let variables = [
        ("SMTP_PORT", mailbox.port().to_string()),
        ("SMTP_STEP_TIMEOUT_MS", "1500".to_owned()),
        ("NOTIFICATION_DELIVERY_WORKERS", AT_ONCE.to_string()),
        ("NOTIFICATION_RETRY_BASE_MS", "500".to_owned()),
        ("NOTIFICATION_CLAIM_MS", "26000".to_owned()),
    ];
    Layout {
        folder: plan.folder.clone(),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        ..Layout::throw_away()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_every_fault_and_is_done_once() {
    let plan: Plan = Environment::of_process().read("VIGIE_FAULTS_").unwrap();
    println!("{plan:?}; VIGIE_FAULTS_SEED={} repeats it", plan.seed);
    let mailbox = Mailbox::start().await;
    let suite = Suite::prepare(layout(&plan, &mailbox)).await.unwrap();
    let ledger = Arc::new(Ledger::open(suite.folder().join("acknowledged.jsonl")).await);
    let fleet = Fleet::start(&suite).await;

    let held_up = Box::pin(holder::freeze_the_holder(&suite, &fleet, &ledger)).await;

    let load = Load::start(&suite, &fleet, &ledger);
    let faults = chaos::deal(&plan, &suite, &fleet).await;
    let done = load.finish().await;
    fleet.ready().await;
    let mut books = Books::open(&suite.database).await;
    let calm_after = books.calm().await;

    let acknowledged = books.compare_with(&ledger, &mailbox).await;
    let post = books.post().await;
    println!(
        "{acknowledged} reports acknowledged; {} requests answered, {} of them sent twice; \
         {} tries made again\n\
         {} kills: {faults:?}\n\
         {} messages; {} tried again, {} tries unrecorded, {} duplicates received\n\
         held up by a frozen holder for {held_up:.1?}; calm {calm_after:.1?} after the last answer",
        done.answered,
        done.twins,
        done.retries,
        faults.kills(),
        post.messages,
        post.further_tries,
        post.unrecorded_tries,
        post.duplicates,
    );
    assert_eq!(books.broken_laws().await, [""; 0]);
    books.assert_that_breaches_are_told().await;
    let statistics = fleet.replicas("statistics").next().unwrap();
    let recount = statistics.run("recount").await;
    assert!(recount.success(), "every counter holds what the facts say");

    // Only what was in flight at an interruption is tried and received again.
    let in_flight = AT_ONCE * faults.interruptions("notification");
    assert!(post.duplicates <= post.further_tries, "{post:?}");
    assert!(
        post.further_tries <= in_flight,
        "{post:?}, {in_flight} in flight"
    );
    assert!(faults.is_enough(), "{faults:?}");
    assert!(acknowledged > 300 && done.twins > 10, "the load was a load");
    assert_eq!(
        done.internal, 0,
        "no service is to blame for a fault elsewhere"
    );
    assert_eq!(fleet.unexplained_deaths(), [""; 0]);
}
