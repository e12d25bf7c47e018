-- The attempt is counted at the claim, so that a job which kills its process is not tried
-- for ever unseen. A kind that nobody here does waits for the release that knows it.
with due as (
    select job_id, claimed_until
    from job
    where due_at <= $1 and (claimed_until is null or claimed_until <= $1) and kind = any($3)
    order by urgent desc, due_at
    limit 1
    for update skip locked
)
update job
set claimed_until = $2, attempts = attempts + 1
from due
where job.job_id = due.job_id
returning job.job_id, kind, subject, payload, traceparent, first_due_at, attempts, refusals,
          due.claimed_until is not null as "claim_expired!"
