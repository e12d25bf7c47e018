-- Who accessed or changed what. Written in the transaction of the fact itself;
-- never updated.
create table audit_entry (
    audit_entry_id uuid primary key,
    recorded_at timestamptz not null,
    caller_subject text not null,
    caller_roles text[] not null,
    action text not null,
    object text not null,
    outcome text not null check (outcome in ('done', 'not_visible', 'refused')),
    detail jsonb not null,
    trace_id text check (trace_id ~ '^[0-9a-f]{32}$')
);
create index audit_entry_recorded_at on audit_entry (recorded_at);
create index audit_entry_object on audit_entry (object, recorded_at);

-- The answer to each write, so that a client that retries gets it again. The
-- response is null only inside the transaction that claims the key.
create table idempotency_key (
    caller_subject text not null,
    method text not null,
    request_id uuid not null,
    request_hash bytea not null,
    response bytea,
    created_at timestamptz not null,
    primary key (caller_subject, method, request_id)
);
create index idempotency_key_created_at on idempotency_key (created_at);
