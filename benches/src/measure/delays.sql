-- From the commit of each report since a moment to the commit of what it made a
-- consumer do, in milliseconds: at the median, and where one in a hundred is slower.
with announced as (
    select event_id, pg_xact_commit_timestamp(xmin) as at
    from intake.event
    where recorded_at >= $1
),

effect as (
    select 'qualification' as consumer, cause_event_id as event_id, xmin as tx
    from qualification.case_entry
    union all
    select 'notification', event_id, xmin from notification.notification
),

delay as (
    select e.consumer, 1000 * extract(epoch from pg_xact_commit_timestamp(e.tx) - a.at) as ms
    from announced as a
    inner join effect as e on a.event_id = e.event_id
)

select
    consumer,
    percentile_cont(0.5) within group (order by ms)::float8 as p50,
    percentile_cont(0.99) within group (order by ms)::float8 as p99
from delay
group by consumer
order by consumer
