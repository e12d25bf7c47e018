-- What is due or given up, what was done, and what the release before sent.
with delivery_of_any as (
    select job_id as delivery_id, subject, payload ->> 'rule' as rule,
           payload ->> 'recipient' as recipient, attempts, created_at, due_at,
           null::timestamptz as sent_at, last_error,
           case when due_at is null then 'dead' else 'pending' end as state
    from job
    union all
    select job_id, subject, payload ->> 'rule', payload ->> 'recipient', attempts, created_at,
           null, done_at, null, 'sent'
    from job_done
    union all
    select delivery_id, 'report/' || report_id, rule, recipient, attempts, created_at,
           due_at, sent_at, last_error, state
    from delivery
)
select delivery_id as "delivery_id!", subject as "subject!", coalesce(rule, '') as "rule!",
       coalesce(recipient, '') as "recipient!", attempts as "attempts!",
       created_at as "created_at!", due_at, sent_at, last_error
from delivery_of_any
where ($1::text is null or state = $1)
  and ($2::text is null or subject = $2)
  and ($3::timestamptz is null or (created_at, delivery_id) < ($3, $4::uuid))
  and ($6::uuid is null or delivery_id = $6)
order by created_at desc, delivery_id desc
limit $5
