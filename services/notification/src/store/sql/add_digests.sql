with listed as (
    insert into digest_entry (digest_id, report_id, reference)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[])
    on conflict do nothing
)
insert into delivery (
    delivery_id, report_id, rule, recipient, mailbox, occasion, situation_id, created_at, due_at,
    first_due_at
)
select delivery_id, '00000000-0000-0000-0000-000000000000', $9, recipient, mailbox, 'digest',
       digest_id, $10, due_at, due_at
from unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[])
     as new (delivery_id, digest_id, recipient, mailbox, due_at)
order by delivery_id
on conflict do nothing
