-- Entries are found by their transaction, as seals bind them. An auditor who asks for a
-- moment or an object reads the pages of which a summary says that they may hold it; nothing
-- else needs an index, and each costs every access. Everybody waits behind a change of the
-- table that waits: so it gives up soon.
set local lock_timeout = '3s';
alter table audit_entry drop constraint audit_entry_pkey;
drop index audit_entry_object;
