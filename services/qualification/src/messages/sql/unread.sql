select asked.case_id as "case_id!", count(*) as "unread!"
from unnest($1::uuid[], $2::text[], $3::text[]) as asked (case_id, side, role)
cross join lateral (
    select 1
    from case_message
    where case_message.case_id = asked.case_id
        and number > coalesce(
            (
                select max(up_to) from message_read
                where message_read.case_id = asked.case_id and message_read.side = asked.side
            ),
            0
        )
        and (asked.side <> 'structure' or audience = 'structure')
        -- What an earlier release wrote tells the role of its author alone.
        and case
            when author_side is null then author_role <> asked.role
            else author_side <> asked.side
        end
    limit 100
) as message
group by asked.case_id
