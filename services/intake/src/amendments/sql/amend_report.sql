update report
set facts = new.facts,
    sealed_contacts = new.sealed_contacts,
    structure_key = new.structure_key,
    structure_name = new.structure_name,
    structure_kind = new.structure_kind,
    department = new.department,
    town = new.town,
    operator_status = new.operator_status,
    link_verified = new.link_verified,
    routing_region = new.routing_region,
    visible_to = new.visible_to,
    cause_report_id = new.cause_report_id,
    revision = new.revision,
    declared_revision = new.declared_revision,
    stage = new.stage,
    amended_by = new.amended_by,
    amended_as = new.amended_as,
    amended_at = new.amended_at,
    changed_paths = new.changed_paths
from jsonb_populate_record(null::report, $1) as new
where report.report_id = new.report_id
