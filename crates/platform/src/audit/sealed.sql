select transaction_id as "transaction_id!",
       audit_entry_id,
       recorded_at,
       caller_subject,
       caller_roles,
       action,
       object,
       outcome,
       detail::text as "detail!",
       trace_id
from audit_entry
where transaction_id >= $1 and transaction_id < $2
order by transaction_id
