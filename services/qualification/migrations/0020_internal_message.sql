-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- A note internal to one organisation on a case (note interne). A table of its own, which
-- whatever reads the exchanges does not look into, and numbers of its own, in which nobody
-- else finds a gap. Never changed; sealed as the exchanges are.
create table internal_message (
    case_id uuid not null references case_file,
    -- Whose it is: "cell", "fssi" or "ars:76".
    side text not null,
    number bigint not null constraint internal_message_number_positive check (number > 0),
    message_id uuid not null,
    author_role text not null,
    author_subject text not null,
    posted_at timestamptz not null,
    sealed_text bytea not null,
    primary key (case_id, side, number)
);
