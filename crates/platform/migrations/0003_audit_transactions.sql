-- Which transaction wrote an entry. A seal takes the entries of transactions that have
-- all ended, so that none comes in below it later; nothing is written to an entry again.
-- Everybody waits behind a change of the table that waits: so it gives up soon.
set local lock_timeout = '3s';
alter table audit_entry add column transaction_id bigint;
alter table audit_entry
    alter column transaction_id set default (pg_current_xact_id()::text::bigint);
