-- A message on a case (échange). Never changed; the text is sealed under the key of
-- the report's personal data and unreadable once that key is erased.
create table case_message (
    case_id uuid not null references case_file,
    number bigint not null constraint case_message_number_positive check (number > 0),
    message_id uuid not null,
    audience text not null,
    author_role text not null,
    author_subject text not null,
    posted_at timestamptz not null,
    sealed_text bytea not null,
    primary key (case_id, number)
);
