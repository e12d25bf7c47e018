-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- A structure has incidents declared by a named person (délégation, art. D.1111-16-3 CSP), from a
-- moment until another. The name is sealed under a key of its own; ninety days after the end the
-- name, its key and the subject are null.
create table delegation (
    delegation_id uuid primary key,
    finess text not null,
    delegate_subject text,
    sealed_name bytea,
    data_key bytea,
    from_at timestamptz not null,
    until_at timestamptz not null,
    granted_at timestamptz not null,
    granted_by text not null,
    granted_as text not null,
    ended_at timestamptz,
    ended_by text,
    constraint delegation_delegate_whole check (
        (delegate_subject is null) = (sealed_name is null)
        and (sealed_name is null) = (data_key is null)
    ),
    constraint delegation_has_a_span check (until_at > from_at),
    constraint delegation_end_whole check ((ended_at is null) = (ended_by is null))
);
-- What is looked up at each call of a declarant, and nothing of what was ended.
create index delegation_of_delegate on delegation (delegate_subject, until_at)
    where ended_at is null;
create index delegation_of_structure on delegation (finess, granted_at desc, delegation_id desc);
-- A delegate's own list.
create index delegation_of_delegate_listed
    on delegation (delegate_subject, granted_at desc, delegation_id desc);
-- What is to be erased; `least` passes over null.
create index delegation_by_end on delegation (least(ended_at, until_at))
    where delegate_subject is not null;
