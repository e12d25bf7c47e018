-- The latest knowledge of each report. Never personal data: a structure is
-- told apart by an id that was derived from its number or name.
create table fact (
    report_id uuid primary key,

    -- What the declaration fixed; null until it comes, when only the case is known.
    month date,
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

    -- How the report is counted: in_scope, out_of_scope or withdrawn; null
    -- until the declaration comes.
    standing text,

    constraint fact_is_counted_once_declared check (
        (standing is null) = (month is null)
        and (standing is null) = (region is null)
        and (standing is null) = (structure_id is null)
        and (standing is null) = (assistance_requested is null)
    )
);

-- Distinct structures cannot be summed: they are counted here, from the index alone.
create index fact_structure on fact (month, region, structure_id)
    where standing in ('in_scope', 'out_of_scope');

-- How many reports of a month, region and kind of structure have a value in a
-- dimension. Kept by the shard that applies, so that shards do not wait for
-- each other; the count of one shard may be negative, their sum never is.
create table rollup (
    dimension text not null,
    month date not null,
    region text not null,
    structure_kind text not null, -- "not_said" where it is not known
    value text not null,
    shard smallint not null,
    count bigint not null,
    primary key (dimension, month, region, structure_kind, value, shard)
);
