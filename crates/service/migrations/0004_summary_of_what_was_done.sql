-- What was done is found by its subject, or the latest first; by its id only to say that it
-- was done, which a summary of the pages serves. By itself, for writers wait while the tables
-- are read.
create index job_done_ids on job_done using brin (job_id uuid_bloom_ops)
    with (autosummarize = on);
