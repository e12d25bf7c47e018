-- The last good keys of the issuer of tokens: replicas hand them to each other, and a new
-- process starts with them. They are sealed under the key of the logs, which the database
-- does not have: who writes here cannot vouch for callers.
create table issuer_keys (
    issuer text primary key,
    fetched_at timestamptz not null,
    sealed bytea not null
);
