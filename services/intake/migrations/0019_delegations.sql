-- A structure has incidents declared by a named person (délégation, art. D.1111-16-3 CSP), from a
-- moment until another. The name is sealed under a key of its own.
create table delegation (
    delegation_id uuid primary key,
    finess text not null,
    delegate_subject text not null,
    sealed_name bytea not null,
    data_key bytea not null,
    from_at timestamptz not null,
    until_at timestamptz not null,
    granted_at timestamptz not null,
    granted_by text not null,
    granted_as text not null,
    ended_at timestamptz,
    ended_by text,
    constraint delegation_has_a_span check (until_at > from_at),
    constraint delegation_end_whole check ((ended_at is null) = (ended_by is null))
);
-- What is looked up at each call of a declarant, and nothing of what was ended.
create index delegation_of_delegate on delegation (delegate_subject, until_at)
    where ended_at is null;
create index delegation_of_structure on delegation (finess, granted_at desc, delegation_id desc);
