with recorded as (
    update delivery
    set state = $3, due_at = $4, sent_at = $5, refusals = $6, last_error = $7,
        claimed_until = null
    where delivery_id = $1
      and state = 'pending'
      and ($3 = 'sent' or claimed_until = $2)
)
insert into delivery_attempt (delivery_id, attempt, started_at, ended_at, outcome, error_class)
values ($1, $8, $9, $10, $3, $7)
on conflict do nothing
