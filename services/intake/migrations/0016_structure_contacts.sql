-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Whom to reach at a structure of the directory, as a whole: each change is put under a new key
-- in the place of the former one, so that who left is gone.
create table structure_contacts (
    finess text primary key references structure,
    -- The persons and the functional mailbox, under the key of this set; null where there is none.
    sealed_persons bytea,
    sealed_mailbox bytea,
    wrapped_key bytea,
    -- Counts the changes: its etag; consumers keep the greatest.
    revision bigint not null check (revision > 0),
    updated_at timestamptz not null,
    updated_as text not null,
    updated_by text not null,
    check (
        (sealed_persons is null and sealed_mailbox is null) = (wrapped_key is null)
    )
);
