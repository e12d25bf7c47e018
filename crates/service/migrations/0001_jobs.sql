-- Work that is due or was given up: one narrow row for each job, gone when it is done.
create table job (
    -- Derived from what asks for the job: a replay meets its row, and a receiver tells a
    -- duplicate by it.
    job_id uuid primary key,
    kind text not null,
    -- What it is about, as in "report/<id>".
    subject text not null,
    -- Goes before everything else that is due.
    urgent boolean not null default false,
    -- When it is due; null once it was given up.
    due_at timestamptz,
    -- While somebody works on it. Left in the past by a claim that ended without a record.
    claimed_until timestamptz,
    -- Attempts begun, and those that count towards giving up.
    attempts integer not null default 0,
    refusals integer not null default 0,
    -- The class of the last error, never its text.
    last_error text,
    created_at timestamptz not null,
    first_due_at timestamptz not null,
    traceparent text,
    payload jsonb not null
);

-- A claim is written on the same page.
alter table job set (fillfactor = 50);
-- By kind: a claim passes over no job of kinds that it does not ask for, however many of
-- them are due.
create index job_due on job (kind, urgent desc, due_at);
create index job_of_subject on job (subject);
create index job_latest on job (created_at desc, job_id desc);
create index job_dead on job (created_at desc, job_id desc) where due_at is null;

-- What was done, by the month of its end (UTC): dropped a month at a time.
create table job_done (
    job_id uuid not null,
    kind text not null,
    subject text not null,
    attempts integer not null,
    created_at timestamptz not null,
    done_at timestamptz not null,
    payload jsonb not null,
    primary key (job_id, done_at)
) partition by range (done_at);

create index job_done_latest on job_done (created_at desc, job_id desc);
create index job_done_of_subject on job_done (subject);

-- Each attempt, by the month of its end.
create table job_attempt (
    job_id uuid not null,
    attempt integer not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    -- done, again (tried later) or dead (given up).
    outcome text not null,
    error_class text,
    primary key (job_id, attempt, ended_at)
) partition by range (ended_at);
