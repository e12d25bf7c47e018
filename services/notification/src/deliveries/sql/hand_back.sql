with returned as (
    delete from job
    where (kind like 'mail/%' or kind = 'digest')
      and (claimed_until is null or claimed_until <= $1)
    returning *
), told as (
    insert into situation (situation_id, situation)
    select job_id, payload -> 'summary' from returned where kind <> 'digest'
    on conflict do nothing
)
insert into delivery (
    delivery_id, report_id, rule, urgent, recipient, mailbox, sealed_address, occasion,
    situation_id, traceparent, state, attempts, refusals, created_at, due_at, claimed_until,
    last_error, first_due_at
)
select job_id,
       case kind when 'digest' then '00000000-0000-0000-0000-000000000000'
            else substring(subject from 'report/(.*)') end::uuid,
       payload ->> 'rule', urgent, payload ->> 'recipient', payload ->> 'mailbox',
       decode(payload ->> 'sealed_address', 'base64'),
       case kind when 'digest' then 'digest' else substring(kind from 'mail/(.*)') end,
       case kind when 'digest' then substring(subject from 'digest/(.*)')::uuid else job_id end,
       traceparent, case when due_at is null then 'dead' else 'pending' end, attempts, refusals,
       created_at, due_at, claimed_until, last_error, first_due_at
from returned
on conflict do nothing
