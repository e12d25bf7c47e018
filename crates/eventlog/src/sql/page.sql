-- What follows a position of a shard: at most so many events and so many bytes,
-- but always the first, whatever its size.
select
    position, event_id, event_type, subject, recorded_at, traceparent, payload, data_key
from (
    select
        *,
        sum(octet_length(payload) + octet_length(subject) + 512) over (order by position)
            as volume
    from event
    where shard = $1 and position > $2 and position <= $2 + $3::bigint
) as page
where volume <= $4::bigint or position = $2 + 1
order by position
