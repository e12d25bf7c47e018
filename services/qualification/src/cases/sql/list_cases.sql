-- The latest of each state and, of those, the latest: an index of states in this order serves
-- every list, whichever states are asked for.
with recursive known (state) as (
    -- The states that cases are in, each found by a look at the index.
    (select state from case_file order by state limit 1)
    union all
    select (
        select state from case_file where state > known.state order by state limit 1
    )
    from known
    where known.state is not null
)
select latest.case_id
from known
cross join lateral (
    select case_id, declared_at
    from case_file
    where state = known.state
        and visible_to && $1
        and ($3::text is null or routing_region = $3)
        and (not $4::boolean or major)
        and ($5::text is null or assignee = $5)
        and ($6::timestamptz is null or declared_at >= $6)
        and ($7::timestamptz is null or declared_at < $7)
        -- On a case that is ended nobody waits for anything. The two indexes of what is due lead
        -- to those few that are overdue.
        and (
            $11::timestamptz is null
            or case_id in (
                    select waiting.case_id from case_file as waiting
                    where waiting.answer_due_at <= $11
                    union all
                    select report_clock.case_id from report_clock
                    where report_clock.due_at <= $12
                )
                and state not in ('closed', 'out_of_scope', 'duplicate', 'withdrawn')
        )
        and ($8::timestamptz is null or (declared_at, case_id) < ($8, $9::uuid))
    order by declared_at desc, case_id desc
    limit $10
) as latest
where $2::text[] is null or known.state = any($2)
order by latest.declared_at desc, latest.case_id desc
limit $10
