-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- By which means a report came that was entered for the person who declared (saisie pour le
-- compte de); null in others. Who entered it is the author of the row.
alter table report
    add column medium text,
    drop constraint report_channel_check,
    add constraint report_channel_check check (
        channel in ('declarant', 'agency', 'import', 'probe', 'cell')
    ) not valid;

create or replace view declared_revision as
select
    report_id,
    coalesce(declared_revision, 1) as declared_revision,
    coalesce(stage, 'first_declaration') as stage,
    coalesce(amended_by, author) as amended_by,
    coalesce(
        amended_as,
        case channel
            when 'agency' then 'regional_agent'
            when 'cell' then 'analyst'
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
