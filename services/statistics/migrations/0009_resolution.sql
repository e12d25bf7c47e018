-- Whoever reads figures for long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- When the incident was over, as the structure declared last; null where it declared nothing.
-- No figure asks for it yet: the release after this one may (CONTRIBUTING.md), once every case
-- was told with it.
alter table fact_version add column resolved_at timestamptz;
