select case_id
from case_file
where visible_to && $1
    and ($2::text[] is null or state = any($2))
    and ($3::text is null or routing_region = $3)
    and (not $4::boolean or major)
    and ($5::text is null or assignee = $5)
    and ($6::timestamptz is null or declared_at >= $6)
    and ($7::timestamptz is null or declared_at < $7)
    and ($8::timestamptz is null or (declared_at, case_id) < ($8, $9::uuid))
order by declared_at desc, case_id desc
limit $10
