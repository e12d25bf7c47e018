select report.report_id, reference, facts as "facts: Json<Facts>", sealed_contacts, wrapped_key,
       structure_key, structure_name, structure_kind, department, town, operator_status,
       link_verified, routing_region, visible_to, channel, received_at, declared_at, withdrawn_at,
       withdrawal_reason, revision, case_id, case_state, case_revision, case_resolutions,
       report.declared_revision, stage, amended_by, amended_as, amended_at, changed_paths, cause_report_id,
       author, medium, decided.declared_revision as "decided_revision?",
       decided.kind as "decision?", decided.no_longer_visible_to as "no_longer_visible_to?",
       decided.sealed_reason
from unnest($1::uuid[]) with ordinality as wanted (report_id, place)
join report on report.report_id = wanted.report_id
left join lateral (
    select * from link_decision
    where link_decision.report_id = report.report_id
      and link_decision.declared_revision <= coalesce(report.declared_revision, 1)
    order by link_decision.declared_revision desc
    limit 1
) as decided on true
order by place
