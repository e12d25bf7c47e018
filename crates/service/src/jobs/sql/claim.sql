-- The attempt is counted at the claim, so that a job which kills its process is not tried
-- for ever unseen. A kind that nobody here does waits for the release that knows it.
with next as (
    select known.kind, class.urgent, first.due_at
    from unnest($3::text[]) as known (kind)
    cross join (values (true), (false)) as class (urgent)
    cross join lateral (
        select due_at
        from job
        where kind = known.kind and urgent = class.urgent and due_at <= $1
            and (claimed_until is null or claimed_until <= $1)
        order by due_at
        limit 1
    ) as first
    order by class.urgent desc, first.due_at
), due as (
    -- Locks one row; looks at the next kind only when others hold all of this one.
    select free.*
    from next
    cross join lateral (
        select kind, urgent, due_at, job_id, claimed_until
        from job
        where kind = next.kind and urgent = next.urgent and due_at <= $1
            and (claimed_until is null or claimed_until <= $1)
        order by due_at
        limit 1
        for update skip locked
    ) as free
    limit 1
)
update job
set claimed_until = $2, attempts = attempts + 1
from due
where job.kind = due.kind and job.urgent = due.urgent and job.due_at = due.due_at
    and job.job_id = due.job_id
returning job.job_id, job.kind, job.urgent, job.due_at as "due_at!", subject, payload,
          traceparent, first_due_at, attempts, refusals,
          due.claimed_until is not null as "claim_expired!"
