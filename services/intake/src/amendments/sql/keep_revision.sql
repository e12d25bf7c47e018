insert into report_revision (
    report_id, declared_revision, stage, amended_by, amended_as, amended_at, changed_paths, facts,
    sealed_contacts, structure_key, structure_name, structure_kind, department, town,
    operator_status, link_verified, routing_region, visible_to
)
select
    report_id, declared_revision, stage, amended_by, amended_as, amended_at, changed_paths, facts,
    sealed_contacts, structure_key, structure_name, structure_kind, department, town,
    operator_status, link_verified, routing_region, visible_to
from declared_revision
where report_id = $1 and declared_revision = $2
