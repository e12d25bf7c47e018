-- A reader that takes long must not have deliveries wait behind this: it is tried again.
set local lock_timeout = '1s';

-- From when on a digest waits, which is the date of its mail: it is written down before.
-- Null for whatever is due as it is created, and for digests of the release before, which
-- recorded this moment as that of their creation.
alter table delivery add column first_due_at timestamptz;
