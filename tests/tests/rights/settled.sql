-- Whether every consumer stands at the head of every log it follows, all seen at one
-- moment: then nothing is under way, because effects commit with the offset.
with head (producer, position) as (
    select 'intake', sum(position) from intake.eventlog_head
    union all
    select 'qualification', sum(position) from qualification.eventlog_head
),
applied (consumer, producer, position) as (
    select consumer, producer, sum(position) from intake.consumer_offset group by 1, 2
    union all
    select consumer, producer, sum(position) from qualification.consumer_offset group by 1, 2
    union all
    select consumer, producer, sum(position) from notification.consumer_offset group by 1, 2
    union all
    select consumer, producer, sum(position) from statistics.consumer_offset group by 1, 2
)
select count(*) >= 6 and bool_and(applied.position = head.position)
from applied
inner join head using (producer)
