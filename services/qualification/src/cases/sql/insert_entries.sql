insert into case_entry (
    case_id, revision, at, action, state, actor_role, actor_subject, note, triage, cause_event_id
)
select
    case_id, revision, at, action, state, actor_role, actor_subject, note, triage, cause_event_id
from jsonb_populate_recordset(null::case_entry, $1)
