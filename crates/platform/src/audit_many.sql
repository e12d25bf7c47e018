insert into audit_entry (
    audit_entry_id, recorded_at, caller_subject, caller_roles, action, object, outcome, detail, trace_id
)
select entry.id, entry.at, entry.subject, string_to_array(entry.roles, ' '),
       entry.action, entry.object, entry.outcome, entry.detail, $9
from unnest(
    $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[]
) as entry (id, at, subject, roles, action, object, outcome, detail)
