-- Urgent deliveries first, in batches.
with pending as (
    select delivery_id
    from delivery
    where state = 'pending' and (claimed_until is null or claimed_until <= $1)
    order by urgent desc, due_at
    limit 500
    for update skip locked
), dead as (
    select delivery_id
    from delivery
    where state = 'dead' and (claimed_until is null or claimed_until <= $1)
    order by created_at desc, delivery_id desc
    limit 500
    for update skip locked
), taken as (
    delete from delivery
    using (select delivery_id from pending union all select delivery_id from dead) as undone
    where delivery.delivery_id = undone.delivery_id
    returning delivery.*
)
insert into job (
    job_id, kind, subject, urgent, due_at, claimed_until, attempts, refusals, last_error,
    created_at, first_due_at, traceparent, payload
)
select delivery_id,
       case occasion when 'digest' then 'digest' else 'mail/' || occasion end,
       case occasion when 'digest' then 'digest/' || situation_id else 'report/' || report_id end,
       urgent, due_at, claimed_until, attempts, refusals, last_error,
       created_at, coalesce(first_due_at, created_at), traceparent,
       jsonb_strip_nulls(jsonb_build_object(
           'rule', rule,
           'recipient', recipient,
           'mailbox', mailbox,
           'sealed_address', translate(encode(sealed_address, 'base64'), e'\n', '')
       )) || jsonb_build_object('summary', coalesce(situation, '{}'))
from taken
left join situation using (situation_id)
on conflict do nothing
