insert into case_entry (
    case_id, revision, at, action, state, actor_role, actor_subject, note, triage, cause_event_id
)
select * from unnest(
    $1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::jsonb[], $10::uuid[]
)
