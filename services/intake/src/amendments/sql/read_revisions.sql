-- The newest first of each report.
select
    said.report_id as "report_id!",
    report.reference,
    said.facts as "facts!: Json<Facts>",
    said.sealed_contacts,
    report.wrapped_key,
    said.structure_key as "structure_key!",
    said.structure_name as "structure_name!",
    said.structure_kind,
    said.department,
    said.town,
    said.operator_status,
    said.link_verified as "link_verified!",
    said.routing_region as "routing_region!",
    said.visible_to as "visible_to!",
    report.channel,
    report.received_at,
    report.declared_at,
    report.withdrawn_at,
    report.withdrawal_reason,
    report.revision,
    report.case_id,
    report.case_state,
    report.case_revision,
    report.case_resolutions,
    report.cause_report_id,
    report.author,
    report.medium,
    said.declared_revision,
    said.stage,
    said.amended_by,
    said.amended_as,
    said.amended_at,
    said.changed_paths,
    decided.declared_revision as "decided_revision?",
    decided.kind as "decision?",
    decided.no_longer_visible_to as "no_longer_visible_to?",
    decided.sealed_reason
from declared_revision as said
join report on report.report_id = said.report_id
left join lateral (
    select * from link_decision
    where link_decision.report_id = report.report_id
      and link_decision.declared_revision <= said.declared_revision
    order by link_decision.declared_revision desc
    limit 1
) as decided on true
where said.report_id = any($1) and ($2::bigint is null or said.declared_revision < $2)
order by said.report_id, said.declared_revision desc
limit $3
