-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The parties of new cases wait in a list until they are worth a visit of the index: most are
-- the same for all. The list is short, for every reader scans it, and who fills it empties it.
alter index case_file_visible set (fastupdate = on, gin_pending_list_limit = 512);
-- The id of a case follows from that of its report.
alter table case_file drop constraint case_file_report_key;
-- The latest of all are the latest of each state.
drop index case_file_latest;
