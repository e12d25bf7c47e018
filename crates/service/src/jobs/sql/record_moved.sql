-- What was done is recorded wherever it is in the queue by now.
with done as (
    delete from job where kind = $1 and job_id = $2 returning *
)
insert into job_done (job_id, kind, subject, attempts, created_at, done_at, payload)
select job_id, kind, subject, attempts, created_at, $3, payload from done
