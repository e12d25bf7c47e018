-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- What the deadlines of a case count from, and what was sent of what they ask for (échéances).
-- Cases that were opened by an earlier release have none until their report is amended.
create table report_clock (
    case_id uuid primary key references case_file,
    clock jsonb not null,
    -- When the next report of the structure is due, or was, if nothing more is sent; for the
    -- lists.
    due_at timestamptz
);
