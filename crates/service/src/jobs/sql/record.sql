-- What was done is recorded whoever holds the claim now; anything else only while the claim
-- is still ours.
with done as (
    delete from job
    where kind = $10 and urgent = $11 and due_at = $12 and job_id = $1 and $5 = 'done'
    returning *
), kept as (
    insert into job_done (job_id, kind, subject, attempts, created_at, done_at, payload)
    select job_id, kind, subject, attempts, created_at, $4, payload from done
), again as (
    update job
    set due_at = $6, refusals = $7, last_error = $8, claimed_until = null
    where kind = $10 and urgent = $11 and due_at = $12 and job_id = $1 and $5 <> 'done'
        and claimed_until = $9
    returning job_id
), attempted as (
    insert into job_attempt (job_id, attempt, started_at, ended_at, outcome, error_class)
    values ($1, $2, $3, $4, $5, $8)
    on conflict do nothing
)
select exists (select from done) or exists (select from again) as "changed!"
