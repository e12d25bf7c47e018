-- Without an end: below the oldest transaction that still runs, where all have ended.
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
where transaction_id >= $1
  and transaction_id < coalesce($2, pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
order by transaction_id
fetch first $3 rows with ties
