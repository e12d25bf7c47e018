-- Which log this is. One row.
create table eventlog_meta (
    eventlog_meta_id smallint primary key default 1 check (eventlog_meta_id = 1),
    producer text not null,
    -- Renewed after a restore, so that consumers never mix two histories.
    incarnation uuid not null,
    shards integer not null check (shards between 1 and 1024),
    opened_at timestamptz not null
);

-- The last position of each shard: whoever appends holds this row until commit,
-- which makes positions gapless and in commit order.
create table eventlog_head (
    shard integer primary key,
    position bigint not null default 0 check (position >= 0)
) with (fillfactor = 10);

-- Positions up to these were dropped.
create table eventlog_floor (
    shard integer primary key,
    position bigint not null default 0 check (position >= 0)
);

-- The events. Partitions are made ahead by the service itself.
create table event (
    shard integer not null,
    position bigint not null check (position > 0),
    event_id uuid not null,
    event_type text not null,
    subject text not null,
    recorded_at timestamptz not null,
    traceparent text,
    payload bytea not null,
    -- The wrapped key of the payload's sealed field; null once erased.
    data_key bytea,
    primary key (shard, position)
) partition by range (position);

-- Erasure finds the events of a subject.
create index event_subject_idx on event (subject) where data_key is not null;

-- Where the heads stood at a moment: what is older than a day, or than the
-- retention, is known by position without a scan.
create table eventlog_mark (
    shard integer not null,
    position bigint not null,
    at timestamptz not null,
    primary key (shard, at)
);

-- How far the consumers of this log have applied, as they told.
create table eventlog_registration (
    consumer text not null,
    shard integer not null,
    position bigint not null,
    reported_at timestamptz not null,
    primary key (consumer, shard)
);

-- How far the consumers that live in this schema have applied the logs of
-- others: moved in the transaction of the effects. A null incarnation asks for
-- a start from a snapshot.
create table consumer_offset (
    consumer text not null,
    producer text not null,
    shard integer not null,
    incarnation uuid,
    position bigint not null default 0 check (position >= 0),
    moved_at timestamptz not null,
    -- Why the consumer waits for an operator: kept, because a head that grows
    -- past a lost position would hide the cause.
    stopped text,
    primary key (consumer, producer, shard)
) with (fillfactor = 50);

-- Events that could not be applied, and later ones of the same subject.
create table parked_event (
    consumer text not null,
    producer text not null,
    event_id uuid not null,
    -- The order in which they were parked, hence of the log within a subject.
    arrival bigint generated always as identity,
    shard integer not null,
    -- 0 for an event of a snapshot.
    position bigint not null,
    event_type text not null,
    subject text not null,
    recorded_at timestamptz not null,
    traceparent text,
    payload bytea not null,
    data_key bytea,
    -- An error class, never contents.
    reason text not null,
    parked_at timestamptz not null,
    primary key (consumer, producer, event_id)
);

create index parked_event_subject_idx on parked_event (consumer, producer, shard, subject, arrival);
create unique index parked_event_arrival_idx on parked_event (arrival);
