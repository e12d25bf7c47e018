-- What is due or given up, what was done, and what earlier releases sent: a page of each.
with due as (
    select job_id as delivery_id, subject, payload, attempts, created_at, due_at, last_error
    from job
    where $1::text is distinct from 'sent'
      and ($1 is distinct from 'dead' or due_at is null)
      and ($1 is distinct from 'pending' or due_at is not null)
      and ($2::uuid is null or subject = 'report/' || $2::uuid::text)
      and ($3::timestamptz is null or (created_at, job_id) < ($3, $4::uuid))
      and ($6::uuid is null or job_id = $6)
    order by created_at desc, job_id desc
    limit $5
), done as (
    select job_id as delivery_id, subject, payload, attempts, created_at, done_at
    from job_done
    where coalesce($1::text, 'sent') = 'sent'
      and ($2::uuid is null or subject = 'report/' || $2::uuid::text)
      and ($3::timestamptz is null or (created_at, job_id) < ($3, $4::uuid))
      and ($6::uuid is null or job_id = $6)
    order by created_at desc, job_id desc
    limit $5
), older as (
    select delivery_id, 'report/' || report_id as subject, rule, recipient, attempts,
           created_at, due_at, sent_at, last_error
    from delivery
    where ($1::text is null or state = $1)
      and ($2::uuid is null or report_id = $2)
      and ($3::timestamptz is null or (created_at, delivery_id) < ($3, $4::uuid))
      and ($6::uuid is null or delivery_id = $6)
    order by created_at desc, delivery_id desc
    limit $5
), listed as (
    select delivery_id, subject, payload ->> 'rule' as rule, payload ->> 'recipient' as recipient,
           attempts, created_at, due_at, null::timestamptz as sent_at, last_error
    from due
    union all
    select delivery_id, subject, payload ->> 'rule', payload ->> 'recipient',
           attempts, created_at, null, done_at, null
    from done
    union all
    select * from older
)
select delivery_id as "delivery_id!", subject as "subject!", coalesce(rule, '') as "rule!",
       coalesce(recipient, '') as "recipient!", attempts as "attempts!",
       created_at as "created_at!", due_at, sent_at, last_error
from listed
order by created_at desc, delivery_id desc
limit $5
