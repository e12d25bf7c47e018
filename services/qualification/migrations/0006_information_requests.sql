-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- A request for information on a case (demande de complément). Its texts are sealed under the
-- key of the report's personal data and unreadable once that key is erased.
create table information_request (
    information_request_id uuid primary key,
    case_id uuid not null references case_file,
    number bigint not null constraint information_request_number_positive check (number > 0),
    state text not null,
    asked_role text not null,
    asked_subject text not null,
    asked_at timestamptz not null,
    sealed_question bytea not null,
    due_at timestamptz,
    settled_role text,
    settled_subject text,
    settled_at timestamptz,
    sealed_answer bytea,
    constraint information_request_number_key unique (case_id, number),
    constraint information_request_settled_whole check (
        (settled_role is null) = (settled_at is null)
        and (settled_role is null) = (settled_subject is null)
    )
);

-- Until when the first of the open requests on the case is to be answered, for the lists.
alter table case_file add column answer_due_at timestamptz;
