-- A job has its place in the queue for its key. By itself, for writers wait while the table is
-- read.
create unique index job_place on job (kind, urgent desc, due_at, job_id);
