-- When the case of a report last changed, from which the time is counted for which contacts
-- are kept; of a report without a case, when it was received. For those that were there
-- before, and those that an earlier release writes, the moment of writing stands for it.
alter table report add column case_changed_at timestamptz not null default now();
