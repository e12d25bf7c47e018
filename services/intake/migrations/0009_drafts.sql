-- A reader that takes long must not have declarations wait behind this: it is tried again.
set local lock_timeout = '1s';

-- Drafts of reports (brouillons), kept for their author until they are sent or not saved for
-- thirty days.
create table draft (
    -- The subject of who saved it. Another author may have a draft of the same id, so that
    -- nobody learns which ids there are.
    author text not null,
    draft_id uuid not null,
    created_at timestamptz not null,
    -- Moves with every save: the draft's etag.
    saved_at timestamptz not null,
    -- What it says, under the key of this draft alone, which goes with the row.
    sealed bytea not null,
    wrapped_key bytea not null,
    primary key (author, draft_id),
    constraint draft_saved_after_created check (saved_at >= created_at)
);
create index draft_saved_idx on draft (saved_at);
