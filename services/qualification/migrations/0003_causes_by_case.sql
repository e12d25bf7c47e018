-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Whether an event caused an entry before is looked for among the entries of its case.
alter table case_entry drop constraint case_entry_cause_key;
