-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Which request made a report, derived from its author and his request: a retry meets this
-- row. Until now the id of the report was derived from them, and so came in no order; null in
-- reports from then, whose id it is.
alter table report add column request_key uuid;
