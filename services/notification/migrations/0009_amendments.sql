-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Which revision of the declaration is told: the greatest that was announced; null: as
-- submitted. And whether the cell confirmed origin, impacts and severity, which an amendment
-- then leaves as they are; of reports from before, their next change of the case tells it.
alter table known_report
    add column report_revision bigint,
    add column qualified boolean;
