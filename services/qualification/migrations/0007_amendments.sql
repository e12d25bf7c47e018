-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Which revision of its report a case shows: the greatest that was announced. Null: as
-- submitted. What a case keeps of its report is written again with each amendment.
alter table case_file add column report_revision bigint;
