-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Subject of the officer (FSSI) who pilots the treatment.
alter table case_file add column pilot text;

-- A decision of the FSSI on a case. Its text is sealed under the key of the report's personal
-- data and unreadable once that key is erased.
create table decision (
    decision_id uuid primary key,
    case_id uuid not null references case_file,
    number bigint not null constraint decision_number_positive check (number > 0),
    recorded_subject text not null,
    recorded_at timestamptz not null,
    sealed_text bytea not null,
    constraint decision_number_key unique (case_id, number)
);

-- A shift of the rota (tour d'astreinte). The whole rota is put at once; its people are sealed
-- under a key of its own.
create table rota_shift (
    number bigint primary key constraint rota_shift_number_positive check (number > 0),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    sealed_people bytea not null,
    data_key bytea not null,
    constraint rota_shift_ends_after_its_start check (ends_at > starts_at)
);

-- An escalation of a case: people on call are called one after the other, a step each.
create table escalation (
    escalation_id uuid primary key,
    case_id uuid not null references case_file,
    number bigint not null constraint escalation_number_positive check (number > 0),
    cause text not null,
    state text not null,
    begun_at timestamptz not null,
    lapses_at timestamptz not null,
    next_step integer not null,
    ended_at timestamptz,
    -- Who was logged in to acknowledge it, or the step whose link was opened.
    acknowledged_role text,
    acknowledged_subject text,
    acknowledged_step integer,
    constraint escalation_number_key unique (case_id, number),
    constraint escalation_acknowledged_whole check (
        (acknowledged_role is null) = (acknowledged_subject is null)
        and (acknowledged_role is null or acknowledged_step is null)
    )
);
create unique index escalation_running on escalation (case_id) where state = 'running';

-- A call of somebody, whose name is sealed under the key of the rota that named him and
-- unreadable once that key is erased here, with the contacts of the case. Of the token of the
-- link only the hash rests.
create table escalation_call (
    escalation_id uuid not null references escalation,
    step integer not null,
    called_at timestamptz not null,
    sealed_name bytea not null,
    data_key bytea,
    token_hash bytea not null constraint escalation_call_token_key unique,
    primary key (escalation_id, step)
);
