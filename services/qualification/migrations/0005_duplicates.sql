-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The case that goes on in the place of one that was found to be its duplicate (doublon).
alter table case_file add column duplicate_of uuid;
