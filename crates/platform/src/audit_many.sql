-- The transaction is asked for once, and not for each row as its default would.
insert into audit_entry (
    audit_entry_id, recorded_at, caller_subject, caller_roles, action, object, outcome, detail,
    trace_id, transaction_id
)
select entry.id, entry.at, entry.subject, string_to_array(entry.roles, ' '),
       entry.action, entry.object, entry.outcome, entry.detail, $9,
       (select pg_current_xact_id()::text::bigint)
from unnest(
    $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[]
) as entry (id, at, subject, roles, action, object, outcome, detail)
