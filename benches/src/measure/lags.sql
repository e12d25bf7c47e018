-- How many events each consumer has not applied yet, by consumer and producer.
with head as (
    select 'intake' as producer, shard, position from intake.eventlog_head
    union all
    select 'qualification', shard, position from qualification.eventlog_head
),

consumer (consumer, producer) as (
    values
    ('intake', 'qualification'), ('qualification', 'intake'),
    ('notification', 'intake'), ('notification', 'qualification'),
    ('statistics/facts', 'intake'), ('statistics/facts', 'qualification')
),

progress as (
    select consumer, producer, shard, position from intake.consumer_offset
    union all
    select consumer, producer, shard, position from qualification.consumer_offset
    union all
    select consumer, producer, shard, position from notification.consumer_offset
    union all
    select consumer, producer, shard, position from statistics.consumer_offset
)

select sum(h.position - coalesce(p.position, 0))::bigint
from consumer as c
inner join head as h on c.producer = h.producer
left join progress as p
    on c.consumer = p.consumer and h.producer = p.producer and h.shard = p.shard
group by c.consumer, c.producer
order by c.consumer, c.producer
