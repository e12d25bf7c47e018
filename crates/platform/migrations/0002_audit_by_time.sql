-- Entries lie in the order of their time: ranges of pages find those of a period, and
-- writing an entry touches one index less.
drop index audit_entry_recorded_at;
create index audit_entry_recorded_at on audit_entry using brin (recorded_at);
