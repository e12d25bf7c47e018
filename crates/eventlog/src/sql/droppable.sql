-- The position up to which every event that a shard holds is old and applied by every
-- registered consumer. A shard of which that is true of all events holds nothing back.
-- A consumer that did not report a shard has applied none.
select coalesce(
    least(
        min(needless.position) filter (where needless.position < h.position),
        max(h.position)
    ),
    0
) as "position!"
from eventlog_head as h
left join lateral (
    select coalesce((
        select m.position
        from eventlog_mark as m
        where m.shard = h.shard and m.at <= $1
        order by m.at desc
        limit 1
    ), 0) as position
) as aged on true
left join lateral (
    select min(coalesce(r.position, 0)) as position
    from (select distinct consumer from eventlog_registration) as c
    left join eventlog_registration as r on c.consumer = r.consumer and h.shard = r.shard
) as reported on true
left join lateral (
    select least(aged.position, reported.position) as position
) as needless on true
