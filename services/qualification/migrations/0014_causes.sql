-- A reader that takes long must not have events wait behind this: it is tried again.
set local lock_timeout = '1s';

-- The case of the common cause (cause commune) to which a case is attached: a failure of one
-- provider touches many structures. A parent is attached to no case itself. And the reference
-- that a declaration names as that of its cause, as long as no analyst has attached the case.
alter table case_file
    add column parent_case_id uuid,
    add column cause_reference text;
