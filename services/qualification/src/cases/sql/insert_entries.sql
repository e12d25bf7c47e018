insert into case_entry (
    case_id, revision, at, action, state, actor_role, actor_subject, note, triage, cause_event_id,
    no_longer_visible_to
)
select
    case_id, revision, at, action, state, actor_role, actor_subject, note, triage, cause_event_id,
    no_longer_visible_to
from jsonb_populate_recordset(null::case_entry, $1)
