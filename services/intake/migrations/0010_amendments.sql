-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- What was declared counts its own revisions: 1 is the submission, which leaves these columns
-- null, and each amendment writes the next one, with its author and what it changed.
alter table report
    add column declared_revision bigint,
    add column stage text,
    add column amended_by text,
    add column amended_as text,
    add column amended_at timestamptz,
    add column changed_paths text[],
    -- Nobody waits while the reports from before are looked through: theirs are all null.
    add constraint report_amendment_whole check (
        num_nulls(declared_revision, stage, amended_by, amended_as, amended_at, changed_paths)
        in (0, 6)
    ) not valid;

-- What a report said before: written by the amendment that replaces it, so that a submission
-- costs nothing more.
create table report_revision (
    report_id uuid not null references report,
    declared_revision bigint not null check (declared_revision > 0),
    stage text not null,
    amended_by text not null,
    amended_as text not null,
    amended_at timestamptz not null,
    changed_paths text[] not null,
    facts jsonb not null,
    -- Under the key of the report, with which they vanish.
    sealed_contacts bytea,
    structure_key text not null,
    structure_name text not null,
    structure_kind text,
    department text,
    town text,
    operator_status text,
    link_verified boolean not null,
    routing_region text not null,
    visible_to text[] not null,
    primary key (report_id, declared_revision)
);

-- Every revision of every report in one form.
create view declared_revision as
select
    report_id,
    coalesce(declared_revision, 1) as declared_revision,
    coalesce(stage, 'first_declaration') as stage,
    coalesce(amended_by, author) as amended_by,
    coalesce(
        amended_as,
        case channel
            when 'agency' then 'regional_agent'
            when 'import' then 'importer'
            when 'probe' then 'prober'
            else 'declarant'
        end
    ) as amended_as,
    coalesce(amended_at, received_at) as amended_at,
    coalesce(changed_paths, '{}') as changed_paths,
    facts, sealed_contacts, structure_key, structure_name, structure_kind, department, town,
    operator_status, link_verified, routing_region, visible_to
from report
union all
select
    report_id, declared_revision, stage, amended_by, amended_as, amended_at, changed_paths, facts,
    sealed_contacts, structure_key, structure_name, structure_kind, department, town,
    operator_status, link_verified, routing_region, visible_to
from report_revision;
