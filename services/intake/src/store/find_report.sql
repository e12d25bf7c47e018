select report_id, reference, facts, sealed_contacts, wrapped_key, structure_key, structure_name,
       structure_kind, department, town, operator_status, link_verified, routing_region, visible_to,
       channel, received_at, declared_at, withdrawn_at, withdrawal_reason, revision, case_id,
       case_state, case_revision
from report
where report_id = coalesce($1::uuid, (select other.report_id from report other where other.reference = $2))
  and visible_to && $3::text[]
