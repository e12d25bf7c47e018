select report_id
from report
where visible_to && $1::text[]
  and ($2::text is null or routing_region = $2)
  -- A kind is told by its column, without opening the document of each report.
  and ($3::jsonb is null or kind = coalesce($3 ->> 'kind', kind) and facts @> $3)
  and ($4::boolean is null or (withdrawn_at is not null) = $4)
  and ($5::timestamptz is null or declared_at >= $5)
  and ($6::timestamptz is null or declared_at < $6)
  and ($7::timestamptz is null or (declared_at, report_id) < ($7, $8::uuid))
order by declared_at desc, report_id desc
limit $9
