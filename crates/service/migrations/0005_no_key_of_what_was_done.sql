-- A reader that takes long must not have jobs wait behind this: it is tried again.
set local lock_timeout = '1s';
alter table job_done drop constraint job_done_pkey;
