-- Inserts events after the heads of their shards and advances the heads by what
-- was inserted. Heads are locked in ascending order: two appends never wait for
-- each other in a circle.
with input as (
    select *
    from unnest(
        $1::integer [], $2::uuid [], $3::text [], $4::text [],
        $5::timestamptz [], $6::text [], $7::bytea [], $8::bytea [], $9::text []
    ) with ordinality as
    i (
        shard, event_id, event_type, subject, recorded_at, traceparent, payload, data_key,
        consumers, place
    )
),

head as materialized (
    select shard, position
    from eventlog_head
    where shard = any($1)
    order by shard
    for update
),

written as (
    insert into event
    (
        shard, position, event_id, event_type, subject, recorded_at, traceparent, payload,
        data_key, consumers
    )
    select
        i.shard,
        h.position + row_number() over (partition by i.shard order by i.place),
        i.event_id, i.event_type, i.subject, i.recorded_at, i.traceparent, i.payload, i.data_key,
        -- An array of arrays does not unnest into arrays.
        string_to_array(i.consumers, ',')
    from input as i
    inner join head as h on i.shard = h.shard
    returning shard, position
)

update eventlog_head as h
set position = w.position
from (select shard, max(position) as position from written group by shard) as w
where h.shard = w.shard
