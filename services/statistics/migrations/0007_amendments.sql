-- Whoever reads figures for long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Which revision of the declaration is counted; null: as submitted. What the release before
-- this one applies while both run leaves it null too, and passes over amendments, which are
-- kept aside until the upgrade.
alter table fact_version add column report_revision bigint;
