with tried as (
    select *
    from unnest($2::uuid[], $3::integer[], $4::timestamptz[], $5::timestamptz[], $6::text[],
                $7::timestamptz[], $8::integer[], $9::text[])
        as tried (delivery_id, attempt, started_at, ended_at, state, due_at, refusals, error_class)
), recorded as (
    update delivery
    set state = tried.state,
        due_at = tried.due_at,
        sent_at = case tried.state when 'sent' then tried.ended_at end,
        refusals = tried.refusals,
        last_error = tried.error_class,
        claimed_until = null
    from tried
    where delivery.delivery_id = tried.delivery_id
      and delivery.state = 'pending'
      and (tried.state = 'sent' or delivery.claimed_until = $1)
)
insert into delivery_attempt (delivery_id, attempt, started_at, ended_at, outcome, error_class)
select delivery_id, attempt, started_at, ended_at, state, error_class
from tried
on conflict do nothing
