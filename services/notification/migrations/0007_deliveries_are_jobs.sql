-- A reader that takes long must not have deliveries wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Deliveries are jobs from now on (crates/service/migrations). The release before knows the
-- table `delivery` alone and runs beside this one during an upgrade, and after a rollback:
--
-- * Each process of this release takes what is due or was given up out of `delivery` every
--   second, and makes it a job under the same id. It leaves what a process of the release
--   before has claimed until that claim ends, so that one of them sends it, never both; a row
--   is deleted there and inserted here by one statement.
-- * A process of this release that is told to stop puts what no other has claimed back into
--   `delivery`, urgent ones first, where the release before finds it; others of this release
--   take it again. What it had no time for is told in an error, with its count.
-- * Whoever applies an event derives the same ids: a digest that both have begun is one job.
-- * What was sent stays where it was recorded, until the next release drops `delivery`,
--   `delivery_attempt` and `situation`.

-- A delivery that is taken leaves the attempts that were recorded of it.
alter table delivery_attempt drop constraint delivery_attempt_delivery_id_fkey;

-- The events of messages that were posted before the report came, each with the template of
-- the mail that waits for it. The release before leaves them as they are.
alter table known_report add column awaiting_messages jsonb not null default '[]';
