-- What was known of each report, and from when to when: a change closes one row and opens
-- the next. Never personal data: a structure is told apart by an id derived from its number
-- or name.
--
-- Nothing is copied from `fact`, which keeps neither the day of a declaration nor when what
-- became known. This release follows the logs under offsets of its own (`statistics/facts`)
-- and reads them from their beginning or, below their floor, from a snapshot; until it has
-- caught up, its answers say that they are not up to date. So the release before, which runs
-- beside this one during an upgrade and alone after a rollback, goes on with its own offsets,
-- facts and counters, and neither misses what the other applied. `fact`, `rollup` and the
-- offsets of `statistics` are for the release after this one to drop.
create table fact_version (
    report_id uuid not null,
    -- By the event's own time. Each report also has an empty row at -infinity, which is never
    -- valid: whoever changes the report's others holds it.
    known_from timestamptz not null,
    known_until timestamptz, -- null: until now

    -- What the declaration fixed; null until it comes, when only the case is known.
    declared_on date, -- in Europe/Paris
    region text,
    structure_kind text,
    structure_id uuid,
    report_kind text,
    assistance_requested boolean,

    -- What the case says; revision 0 until it comes.
    case_revision bigint not null default 0,
    case_state text,
    qualified boolean not null default false,

    -- As the case says, or as declared while no case is known.
    origin text,
    origin_types text[] not null default '{}',
    data_impacts text[] not null default '{}',
    care_impact text,
    patient_endangerment text,
    serious boolean not null default false,
    significant boolean not null default false,
    major boolean not null default false,

    withdrawn boolean not null default false,

    -- How the report is counted: in_scope, out_of_scope or withdrawn; null until the
    -- declaration comes.
    standing text,

    primary key (report_id, known_from),
    constraint fact_version_ends_after_its_beginning check (
        known_until > known_from or known_from = '-infinity'
    ),
    constraint fact_version_is_counted_once_declared check (
        (standing is null) = (declared_on is null)
        and (standing is null) = (region is null)
        and (standing is null) = (structure_id is null)
        and (standing is null) = (assistance_requested is null)
    )
);

-- Figures as they are known now, of a period and perhaps of a region; as they were known
-- is asked seldom, and read through.
create index fact_version_present on fact_version (declared_on, region)
    where known_until is null;

-- The facts as figures see them: one column for each dimension, in which whoever said
-- nothing says "not_said".
create view counted_fact as
select
    known_from,
    known_until,
    declared_on,
    structure_id,
    standing,
    assistance_requested,
    to_char(declared_on, 'YYYY-MM') as month,
    region,
    coalesce(structure_kind, 'not_said') as structure_kind,
    coalesce(report_kind, 'not_said') as report_kind,
    coalesce(origin, 'not_said') as origin,
    case when origin_types = '{}' then '{not_said}' else origin_types end as origin_type,
    case when data_impacts = '{}' then '{not_said}' else data_impacts end as data_impact,
    coalesce(care_impact, 'not_said') as care_impact,
    coalesce(patient_endangerment, 'not_said') as patient_endangerment,
    array_remove(array[
        case when serious then 'serious' end,
        case when significant then 'significant' end,
        case when major then 'major' end
    ], null) as severity
from fact_version
where standing is not null;
