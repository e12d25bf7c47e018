-- The attempt is counted at the claim, so that a job which kills its process is not tried
-- for ever unseen. A kind that nobody here does waits for the release that knows it.
with due as (
    select job_id, claimed_until
    from job
    where due_at <= $1 and (claimed_until is null or claimed_until <= $1) and kind = any($4)
    order by urgent desc, due_at
    limit $3
    for update skip locked
), claimed as (
    update job
    set claimed_until = $2, attempts = attempts + 1
    from due
    where job.job_id = due.job_id
    returning job.*, due.claimed_until is not null as claim_expired
)
select job_id, kind, subject, payload, traceparent, first_due_at, attempts, refusals,
       claim_expired as "claim_expired!"
from claimed
order by urgent desc, due_at
