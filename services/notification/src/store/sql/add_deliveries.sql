with told as (
    insert into situation (situation_id, situation)
    select * from unnest($10::uuid[], $11::jsonb[])
    on conflict do nothing
)
insert into delivery (
    delivery_id, report_id, rule, urgent, recipient, mailbox, sealed_address, occasion,
    situation_id, traceparent, created_at, due_at
)
select delivery_id, report_id, rule, urgent, recipient, mailbox, sealed_address,
       occasion #>> '{}', situation_id, traceparent, $12, $12
from unnest(
         $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[],
         $7::jsonb[], $8::uuid[], $9::text[], $13::boolean[]
     ) as new (
         delivery_id, report_id, rule, recipient, mailbox, sealed_address, occasion,
         situation_id, traceparent, urgent
     )
on conflict do nothing
