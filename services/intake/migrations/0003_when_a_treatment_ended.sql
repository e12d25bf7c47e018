-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- When the case of a report ended, from which the time is counted for which contacts are
-- kept. Nothing while it goes on; nothing either when an earlier release recorded the end:
-- then whoever looks for contacts to erase writes the moment at which it was first seen.
alter table report add column case_ended_at timestamptz;
