-- A case (dossier): the treatment of one report. Columns above `revision` are
-- written at the opening and never change, but for erasure.
create table case_file (
    case_id uuid primary key,
    report_id uuid not null constraint case_file_report_key unique,
    reference text not null,
    kind text,
    structure_name text not null,
    structure_kind text,
    routing_region text not null,
    declared_at timestamptz not null,
    opened_at timestamptz not null,
    description text not null,
    assistance_requested boolean not null,
    test boolean not null,
    proposed jsonb not null,
    -- The contacts sealed under the report's own key, and that key wrapped by
    -- the master key. Erasure removes the key.
    sealed_personal_data bytea,
    data_key bytea,
    revision bigint not null constraint case_file_revision_positive check (revision > 0),
    state text not null,
    changed_at timestamptz not null,
    confirmed jsonb,
    -- The confirmed severity's flag, apart for the lists.
    major boolean not null,
    assignee text,
    -- Slugs of the parties that see it: reads match the caller's with these.
    visible_to text[] not null,
    lessons_learned text,
    closed_at timestamptz,
    constraint case_file_closure_whole check ((lessons_learned is null) = (closed_at is null))
);

-- Lists run along this one and stop at the end of the page.
create index case_file_latest on case_file (declared_at desc, case_id desc);
-- For callers who see few of many, such as a declarant. Without a pending list,
-- which every reader would scan; and with statistics fine enough to tell a party
-- that sees a handful from one that sees a twentieth, or the planner would walk
-- all cases for the former.
create index case_file_visible on case_file using gin (visible_to) with (fastupdate = off);
alter table case_file alter column visible_to set statistics 1000;
create index case_file_state on case_file (state, declared_at desc, case_id desc);
create index case_file_reference on case_file (reference);
create index case_file_assignee on case_file (assignee, declared_at desc, case_id desc)
    where assignee is not null;
create index case_file_major on case_file (declared_at desc, case_id desc) where major;

-- The history of a case: one line a revision, never changed.
create table case_entry (
    case_id uuid not null references case_file,
    revision bigint not null,
    at timestamptz not null,
    action text not null,
    state text not null,
    actor_role text,
    actor_subject text,
    note text not null,
    triage jsonb,
    -- The event of another service that caused it, so that a replay finds it
    -- done. Absent for what a person did.
    cause_event_id uuid constraint case_entry_cause_key unique,
    primary key (case_id, revision),
    constraint case_entry_actor_whole check ((actor_role is null) = (actor_subject is null))
);

-- A report that was withdrawn before its submission was applied here: kept
-- until the report comes.
create table early_withdrawal (
    report_id uuid primary key,
    event_id uuid not null,
    reason text not null
);
