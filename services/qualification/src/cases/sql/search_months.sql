-- What is rare, in one month after the other, the latest first. Each is a look at the index
-- that grows with what is found in it, not with what the month holds; the walk over the months
-- ends with the page.
with recursive month (starts) as (
    (
        select date_trunc('month', declared_at at time zone 'utc') at time zone 'utc'
        from case_search
        where ($1::timestamptz is null or (declared_at, case_id) < ($1, $2::uuid))
            and ($4::timestamptz is null or declared_at < $4)
        order by declared_at desc, case_id desc
        limit 1
    )
    union all
    select (
        select date_trunc('month', declared_at at time zone 'utc') at time zone 'utc'
        from case_search
        where declared_at < month.starts
        order by declared_at desc, case_id desc
        limit 1
    )
    from month
    where month.starts is not null and ($3::timestamptz is null or month.starts > $3)
)
select page.case_id as "case_id!"
from month
cross join lateral (
    -- Apart, for an order would tempt the planner to walk all cases in it.
    with found as materialized (
        select declared_at, case_id
        from case_search
        where tags @> array[to_char(month.starts at time zone 'utc', '"month:"YYYY-MM')]
            and ($5::text[] is null or tags @> $5)
            and tags && $6
            and ($7::text[] is null or tags && $7)
            and ($8::text[] is null or tags && $8)
            and ($9::text[] is null or tags && $9)
            and ($10::text[] is null or tags && $10)
            and ($11::text[] is null or tags && $11)
            and ($12::text is null or words @@ plainto_tsquery('french', folded($12)))
    )
    select found.case_id
    from found
    where ($1::timestamptz is null or (found.declared_at, found.case_id) < ($1, $2::uuid))
        and ($3::timestamptz is null or found.declared_at >= $3)
        and ($4::timestamptz is null or found.declared_at < $4)
        and (
            $13::timestamptz is null
            or exists (
                select from case_file
                where case_file.case_id = found.case_id and case_file.answer_due_at <= $13
            )
            or exists (
                select from report_clock
                where report_clock.case_id = found.case_id and report_clock.due_at <= $15
            )
        )
    order by found.declared_at desc, found.case_id desc
    limit $14
) as page
where month.starts is not null
limit $14
