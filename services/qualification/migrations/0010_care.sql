-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The gravest impact of the consequences for care that an agency recorded: it makes the health
-- impact certain, also of a case that nobody has qualified.
alter table case_file add column care_recorded text;

-- A consequence for care in a territory (conséquence sur l'offre de soins). The texts are sealed
-- under the key of the report's personal data and unreadable once that key is erased.
create table care_consequence (
    consequence_id uuid primary key,
    case_id uuid not null references case_file,
    number bigint not null constraint care_consequence_number_positive check (number > 0),
    revision bigint not null,
    region text,
    kind text not null,
    persons bigint,
    begun_at timestamptz not null,
    ended_at timestamptz,
    author_role text not null,
    author_subject text not null,
    recorded_at timestamptz not null,
    changed_at timestamptz not null,
    sealed_texts bytea not null,
    constraint care_consequence_number_key unique (case_id, number),
    constraint care_consequence_ends_after_it_begins check (ended_at >= begun_at)
);
