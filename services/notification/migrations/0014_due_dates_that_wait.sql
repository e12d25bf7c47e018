-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Until when something is expected, by the events of what waits in awaiting_messages for its
-- report. The release before leaves the column as it is.
alter table known_report add column awaiting_due jsonb;
