-- Which log this is, how far it reaches and what was dropped.
select m.incarnation, h.shard, h.position as head, f.position as floor
from eventlog_meta as m
cross join eventlog_head as h
inner join eventlog_floor as f on h.shard = f.shard
order by h.shard
