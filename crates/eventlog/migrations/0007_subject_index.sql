-- A reader that takes long must not have appends wait behind this: it is tried again.
set local lock_timeout = '1s';
drop index event_subject_idx;
