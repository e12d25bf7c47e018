-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The side that wrote a message: "structure", "cell", "fssi" or "ars:76". Null where a release
-- wrote it that kept the role alone.
alter table case_message add column author_side text;

-- Up to which message a side has read the exchanges on a case, and since when (lu le). Each
-- mark is kept, since each tells when other messages were read.
create table message_read (
    case_id uuid not null references case_file,
    side text not null,
    up_to bigint not null constraint message_read_up_to_positive check (up_to > 0),
    read_at timestamptz not null,
    primary key (case_id, side, up_to)
);
