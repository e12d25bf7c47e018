-- The next jobs of each kind that nobody is doing, urgent ones first, in a batch. One that
-- does not fit stays what it is. A claim of our own that was cut off holds to its end.
with free as (
    select fit.job_id
    from unnest($2::text[]) as known (kind)
    cross join lateral (
        select job_id
        from job
        where kind = known.kind
            and (claimed_until is null or claimed_until <= $1 or job_id = any($3))
            and subject ~ '^(report|digest)/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            and payload ->> 'rule' is not null
            and payload ->> 'recipient' is not null
            and (payload ->> 'mailbox' is null) <> (payload ->> 'sealed_address' is null)
            and coalesce(payload ->> 'sealed_address', '')
                ~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
            and (kind = 'digest' or payload -> 'summary' is not null)
        order by urgent desc, due_at
        limit 500
        for update skip locked
    ) as fit
), returned as (
    delete from job
    using free
    where job.job_id = free.job_id
    returning job.*
), told as (
    insert into situation (situation_id, situation)
    select job_id, payload -> 'summary' from returned where kind <> 'digest'
    on conflict do nothing
), due as (
    insert into delivery (
        delivery_id, report_id, rule, urgent, recipient, mailbox, sealed_address, occasion,
        situation_id, traceparent, state, attempts, refusals, created_at, due_at,
        claimed_until, last_error, first_due_at
    )
    select job_id,
           case kind when 'digest' then '00000000-0000-0000-0000-000000000000'
                else substring(subject from 'report/(.*)') end::uuid,
           payload ->> 'rule', urgent, payload ->> 'recipient', payload ->> 'mailbox',
           decode(payload ->> 'sealed_address', 'base64'),
           case kind when 'digest' then 'digest' else substring(kind from 'mail/(.*)') end,
           case kind when 'digest' then substring(subject from 'digest/(.*)')::uuid
                else job_id end,
           traceparent, case when due_at is null then 'dead' else 'pending' end, attempts,
           refusals, created_at, due_at, claimed_until, last_error, first_due_at
    from returned
    on conflict do nothing
)
select count(*) as "returned!" from returned
