-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The case of the common cause (cause commune) to which a case is attached: a failure of one
-- provider touches many structures. A parent is attached to no case itself. And the reference
-- that a declaration names as that of its cause, as long as no analyst has attached the case.
alter table case_file
    add column parent_case_id uuid,
    add column cause_reference text;
create index case_file_parent on case_file (parent_case_id, case_id desc)
    where parent_case_id is not null;
create index case_file_suggested on case_file (cause_reference, case_id desc)
    where cause_reference is not null and parent_case_id is null;
