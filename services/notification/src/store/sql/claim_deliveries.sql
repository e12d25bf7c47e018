-- The attempt is counted at the claim, so that a message which kills its
-- process is not tried for ever unseen. What only a later release can write about
-- waits for it.
with due as (
    select delivery_id, claimed_until
    from delivery
    where state = 'pending' and due_at <= $1 and (claimed_until is null or claimed_until <= $1)
      and to_jsonb(occasion) = any($4)
    order by urgent desc, due_at
    limit $3
    for update skip locked
), claimed as (
    update delivery
    set claimed_until = $2, attempts = attempts + 1
    from due
    where delivery.delivery_id = due.delivery_id
    returning delivery.*, due.claimed_until is not null as earlier_claim_expired
)
select claimed.delivery_id,
       claimed.rule,
       claimed.mailbox,
       claimed.sealed_address,
       known_report.data_key as "data_key?",
       jsonb_build_object('template', claimed.occasion,
                          'summary', coalesce(situation.situation, '{}'),
                          'references', coalesce(listed.listed, '[]'))
           as "content!: Json<Content>",
       claimed.traceparent,
       coalesce(claimed.first_due_at, claimed.created_at) as "dated_at!",
       claimed.attempts,
       claimed.refusals,
       claimed.earlier_claim_expired as "earlier_claim_expired!"
from claimed
left join situation using (situation_id)
left join lateral (
    select jsonb_agg(reference order by reference) as listed
    from digest_entry
    where digest_id = claimed.situation_id
) as listed on claimed.occasion = 'digest'
left join known_report using (report_id)
order by claimed.urgent desc, claimed.due_at
