-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Accompaniment of a structure on a case (accompagnement). Its texts, the name of who gives it
-- included, are sealed under the key of the report's personal data and unreadable once that key is
-- erased.
create table accompaniment (
    accompaniment_id uuid primary key,
    case_id uuid not null references case_file,
    number bigint not null constraint accompaniment_number_positive check (number > 0),
    revision bigint not null,
    state text not null,
    giver text,
    giver_region text,
    asked_at timestamptz,
    offered_at timestamptz,
    answered_at timestamptz,
    begun_at timestamptz,
    ended_at timestamptz,
    actor_role text not null,
    actor_subject text not null,
    changed_at timestamptz not null,
    sealed_texts bytea not null,
    constraint accompaniment_number_key unique (case_id, number),
    constraint accompaniment_offered_by_somebody check ((giver is null) = (offered_at is null))
);
