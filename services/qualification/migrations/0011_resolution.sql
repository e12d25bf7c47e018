-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- What the structure declared last of the end of its incident (résolution), and how it was
-- resolved, sealed under the key of the contacts.
alter table case_file add column resolution jsonb;
alter table case_file add column sealed_how bytea;
