insert into report (
    report_id, reference, author, request_hash, receipt, facts, kind, sealed_contacts, wrapped_key,
    structure_key, structure_name, structure_kind, department, town, operator_status, link_verified,
    routing_region, visible_to, channel, received_at, declared_at, revision
)
select report_id, reference, author, request_hash, receipt, facts, facts ->> 'kind', sealed_contacts,
       wrapped_key, structure_key, structure_name, structure_kind, department, town,
       operator_status, link_verified, routing_region, visible_to, channel, received_at,
       declared_at, revision
from jsonb_populate_recordset(null::report, $1)
on conflict (report_id) do nothing
returning report_id
