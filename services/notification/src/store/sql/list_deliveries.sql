select delivery_id, report_id, rule, recipient, state, attempts, created_at, due_at,
       sent_at, last_error
from delivery
where ($1::text is null or state = $1)
  and ($2::uuid is null or report_id = $2)
  and ($3::timestamptz is null or (created_at, delivery_id) < ($3, $4::uuid))
order by created_at desc, delivery_id desc
limit $5
