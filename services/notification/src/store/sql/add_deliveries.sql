insert into delivery (
    delivery_id, report_id, rule, recipient, mailbox, sealed_address, letter, traceparent,
    created_at, due_at
)
select delivery_id, report_id, rule, recipient, mailbox, sealed_address, letter, traceparent,
       $9, $9
from unnest(
         $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[],
         $7::jsonb[], $8::text[]
     ) as new (
         delivery_id, report_id, rule, recipient, mailbox, sealed_address, letter, traceparent
     )
on conflict do nothing
