insert into case_file (
    case_id, report_id, reference, kind, structure_name, structure_kind, routing_region,
    declared_at, opened_at, description, assistance_requested, test, proposed,
    sealed_personal_data, data_key, revision, state, changed_at, major, visible_to,
    report_revision, cause_reference, parent_case_id, town, structure_key, declarant_link
)
select
    case_id, report_id, reference, kind, structure_name, structure_kind, routing_region,
    declared_at, opened_at, description, assistance_requested, test, proposed,
    sealed_personal_data, data_key, revision, state, changed_at, major, visible_to,
    report_revision, cause_reference, parent_case_id, town, structure_key, declarant_link
from jsonb_populate_recordset(null::case_file, $1)
on conflict do nothing
