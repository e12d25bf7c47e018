select report_id, reference, facts, sealed_contacts, wrapped_key, structure_key, structure_name,
       structure_kind, department, town, operator_status, link_verified, routing_region, visible_to,
       channel, received_at, declared_at, withdrawn_at, withdrawal_reason, revision, case_id,
       case_state, case_revision
from report
where visible_to && $1::text[]
  and ($2::text is null or routing_region = $2)
  and ($3::text is null or kind = $3)
  and ($4::boolean is null or (withdrawn_at is not null) = $4)
  and ($5::timestamptz is null or declared_at >= $5)
  and ($6::timestamptz is null or declared_at < $6)
  and ($7::timestamptz is null or (declared_at, report_id) < ($7, $8::uuid))
order by declared_at desc, report_id desc
limit $9
