-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The report of the same cause that a declaration names, where its author sees it: a failure of
-- one provider touches many structures.
alter table report add column cause_report_id uuid;
