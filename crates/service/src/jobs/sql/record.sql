-- What was done is recorded whoever holds the claim now; anything else only while the claim
-- is still ours.
with tried as (
    select *
    from jsonb_to_recordset($2) as tried (
        job_id uuid, attempt integer, started_at timestamptz, ended_at timestamptz,
        outcome text, due_at timestamptz, refusals integer, error_class text
    )
), done as (
    delete from job
    using tried
    where job.job_id = tried.job_id and tried.outcome = 'done'
    returning job.*, tried.ended_at
), kept as (
    insert into job_done (job_id, kind, subject, attempts, created_at, done_at, payload)
    select job_id, kind, subject, attempts, created_at, ended_at, payload from done
), again as (
    update job
    set due_at = tried.due_at,
        refusals = tried.refusals,
        last_error = tried.error_class,
        claimed_until = null
    from tried
    where job.job_id = tried.job_id and tried.outcome <> 'done' and job.claimed_until = $1
)
insert into job_attempt (job_id, attempt, started_at, ended_at, outcome, error_class)
select job_id, attempt, started_at, ended_at, outcome, error_class
from tried
on conflict do nothing
