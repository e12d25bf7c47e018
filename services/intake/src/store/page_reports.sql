select report_id, reference, facts, sealed_contacts, wrapped_key, structure_key, structure_name,
       structure_kind, department, town, operator_status, link_verified, routing_region, visible_to,
       channel, received_at, declared_at, withdrawn_at, withdrawal_reason, revision, case_id,
       case_state, case_revision
from report
where $1::uuid is null or report_id > $1
order by report_id
limit $2
