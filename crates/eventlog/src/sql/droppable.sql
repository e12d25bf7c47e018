-- The position up to which every shard's events are old and applied by every
-- registered consumer. A consumer that did not report a shard has applied none.
select coalesce(min(least(aged.position, reported.position)), 0) as "position!"
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
