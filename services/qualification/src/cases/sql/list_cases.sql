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
        and (
            $11::timestamptz is null
            or answer_due_at <= $11
            -- Looked up for each case that goes on, and never for all that there are.
            or (
                select report_clock.due_at from report_clock
                where report_clock.case_id = case_file.case_id
            ) <= $12
        )
        and ($8::timestamptz is null or (declared_at, case_id) < ($8, $9::uuid))
    order by declared_at desc, case_id desc
    limit $10
) as latest
where ($2::text[] is null or known.state = any($2))
    -- On a case that is ended nobody waits for anything: those many are not looked at.
    and (
        $11::timestamptz is null
        or known.state not in ('closed', 'out_of_scope', 'duplicate', 'withdrawn')
    )
order by latest.declared_at desc, latest.case_id desc
limit $10
