-- A reader that takes long must not have jobs wait behind this: it is tried again.
set local lock_timeout = '1s';

-- A claim is written on the same page: where jobs are done in their order, those before have
-- made room.
alter table job set (fillfactor = 90);

-- What waits is little, or about to be done: whoever looks for the jobs of a subject, or for
-- the latest, or by its id, reads all of it. Each index of it costs every job.
alter table job drop constraint job_pkey;
drop index job_due;
drop index job_of_subject;
drop index job_latest;
alter index job_place rename to job_due;
