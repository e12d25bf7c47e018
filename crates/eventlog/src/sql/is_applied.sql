select not exists (
    select from unnest($4::integer [], $5::bigint []) as head (shard, position)
    where not exists (
        select from consumer_offset
        where consumer = $1
            and producer = $2
            and incarnation = $3
            and stopped is null
            and consumer_offset.shard = head.shard
            and consumer_offset.position >= head.position
    )
) and not exists (
    select from parked_event where consumer = $1 and producer = $2
) as "applied!"
