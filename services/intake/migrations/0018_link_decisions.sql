-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- What the cell or an agency decided of the structure of a report (lien, rattachement): each is a
-- revision of it. The reason is sealed under the key of the report's contacts and unreadable once
-- that key is erased. The kinds are an open list.
create table link_decision (
    report_id uuid not null references report,
    declared_revision bigint not null
        constraint link_decision_follows_a_submission check (declared_revision > 1),
    kind text not null,
    -- The parties that lost sight of the report by it.
    no_longer_visible_to text[] not null,
    sealed_reason bytea,
    primary key (report_id, declared_revision)
);
