-- How much the services still have to do: events that a consumer has not
-- applied, consumers that have not begun, calls that are due, and messages that were not sent.
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

select
    (
        select coalesce(sum(abs(h.position - coalesce(p.position, -1))), 0)::bigint
        from consumer as c
        inner join head as h on c.producer = h.producer
        left join progress as p
            on c.consumer = p.consumer and h.producer = p.producer and h.shard = p.shard
    )
    + (select count(*) from qualification.job where due_at <= clock_timestamp())
    + (select count(*) from notification.job where due_at is not null)
    + (select count(*) from notification.delivery where state = 'pending')
