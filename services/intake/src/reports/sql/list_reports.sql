select report_id
from report
where visible_to && $1::text[]
  and ($2::text is null or routing_region = $2)
  -- By its column, without opening the document of each report.
  and ($3::jsonb ->> 'kind' is null or kind = $3::jsonb ->> 'kind')
  and ($4::boolean is null or (withdrawn_at is not null) = $4)
  and ($5::timestamptz is null or declared_at >= $5)
  and ($6::timestamptz is null or declared_at < $6)
  and ($7::timestamptz is null or (declared_at, report_id) < ($7, $8::uuid))
  and (coalesce($3::jsonb - 'kind', '{}') = '{}' or facts @> ($3::jsonb - 'kind'))
order by declared_at desc, report_id desc
limit $9
