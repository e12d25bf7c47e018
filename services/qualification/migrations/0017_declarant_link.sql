-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- What is known of the link between the declarant and the structure, as intake announced it
-- last. Null: by a release that did not tell, or not tell all of it.
alter table case_file add column declarant_link text;
