//! The rules of the event log, each with the tests that fail when it is broken:
//! real PostgreSQL, real Redis, real gRPC.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it where something unforeseen happens"
)]

mod applied_with_the_offset;
mod applying_is_total;
mod env;
mod history_has_an_incarnation;
mod ledger;
mod nothing_needed_is_dropped;
mod parked_is_retried;
mod partitions_end_with_the_month;
mod published_by_continuing;
mod reads_the_first_release;
mod reads_the_next_release;
mod redis_is_a_cluster;
mod redis_is_named_by_sentinels;
mod redis_is_optional;
mod redis_is_what_was_said;
mod redis_sees_ciphertext;
mod replicas_that_meet;
mod served_to_consumers;
mod written_with_the_fact;
