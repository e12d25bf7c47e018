-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- What each side learned from an incident (retour d'expérience): the last it said. The text is
-- sealed under the key of the report's personal data and unreadable once that key is erased.
create table feedback (
    case_id uuid not null references case_file,
    side text not null,
    declaration text,
    response text,
    sealed_lessons bytea,
    given_at timestamptz not null,
    given_subject text not null,
    primary key (case_id, side)
);
