select report.report_id, reference, facts as "facts: Json<Facts>", sealed_contacts, wrapped_key,
       structure_key, structure_name, structure_kind, department, town, operator_status,
       link_verified, routing_region, visible_to, channel, received_at, declared_at, withdrawn_at,
       withdrawal_reason, revision, case_id, case_state, case_revision, case_resolutions,
       declared_revision, stage, amended_by, amended_as, amended_at, changed_paths, cause_report_id,
       author, medium
from unnest($1::uuid[]) with ordinality as wanted (report_id, place)
join report on report.report_id = wanted.report_id
order by place
