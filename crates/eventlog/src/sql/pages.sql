-- What follows positions of shards: of each at most so many events and so many
-- bytes, but always the first, whatever its size.
select
    a.shard as "shard!",
    p.position, p.event_id, p.event_type, p.subject, p.recorded_at, p.traceparent, p.payload,
    p.data_key
from unnest($1::integer [], $2::bigint []) as a (shard, after)
cross join lateral (
    select
        *,
        sum(octet_length(payload) + octet_length(subject) + 512) over (order by position)
            as volume
    from event
    where shard = a.shard and position > a.after and position <= a.after + $3::bigint
) as p
where p.volume <= $4::bigint or p.position = a.after + 1
order by a.shard, p.position
