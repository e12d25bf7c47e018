-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- How many declarations of its resolution the case of a report has heard of, as told by the
-- log of cases; null until a case that has heard of one changes.
alter table report add column case_resolutions integer;

-- The structure declared that the incident of a report is over (résolution); once more where
-- the cell opened the case again. Never changed; the text is sealed under the key of the
-- report's contacts and unreadable once that key is erased.
create table report_resolution (
    report_id uuid not null references report,
    number integer not null constraint report_resolution_number_positive check (number > 0),
    resolved_at timestamptz not null,
    declared_at timestamptz not null,
    declared_by text not null,
    sealed_how bytea not null,
    primary key (report_id, number)
);
