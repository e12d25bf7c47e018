-- The columns were added before, each in a transaction of its own: nobody waits for more than
-- the scan that an index takes, and readers do not wait at all. A writer that takes long must
-- not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

create index case_file_answer_due on case_file (answer_due_at) where answer_due_at is not null;
create index case_file_parent on case_file (parent_case_id, case_id desc)
    where parent_case_id is not null;
create index case_file_suggested on case_file (cause_reference, case_id desc)
    where cause_reference is not null and parent_case_id is null;
