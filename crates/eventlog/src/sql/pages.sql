-- What follows positions of shards, as far as it is looked for: of each at most so
-- many events and so many bytes, but always the first, whatever its size. For one
-- consumer, only what names it; in rows without consumers the type decides. The last
-- event of a shard says whether there are more.
select
    a.shard as "shard!",
    p.position, p.event_id, p.event_type, p.subject, p.recorded_at, p.traceparent, p.payload,
    p.data_key, p.consumers,
    p.more as "more!"
from unnest($1::integer [], $2::bigint [], $3::bigint []) as a (shard, after, until)
cross join lateral (
    select
        *,
        row_number() over (order by position) as place,
        lead(position) over (order by position) is not null as more,
        sum(octet_length(payload) + octet_length(subject) + 512) over (order by position)
            as volume
    from (
        select *
        from event
        where shard = a.shard and position > a.after and position <= a.until
            and (
                $6::text is null
                or coalesce($6 = any(consumers), event_type <> all($7::text []))
            )
        order by position
        limit $4::bigint + 1
    ) as found
) as p
where p.place = 1 or (p.place <= $4 and p.volume <= $5::bigint)
order by a.shard, p.position
