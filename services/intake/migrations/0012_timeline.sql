-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- What happened when, in the words of the structure (chronologie). Never changed; the text is
-- sealed under the key of the report's contacts and unreadable once that key is erased.
create table timeline_entry (
    report_id uuid not null references report,
    number integer not null constraint timeline_entry_number_positive check (number > 0),
    entry_id uuid not null,
    happened_at timestamptz not null,
    author_role text not null,
    author_subject text not null,
    added_at timestamptz not null,
    sealed_text bytea not null,
    primary key (report_id, number)
);
