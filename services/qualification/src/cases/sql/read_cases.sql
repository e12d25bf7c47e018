select
    case_id, report_id, reference, kind, structure_name, structure_kind, routing_region,
    declared_at, opened_at, description, assistance_requested, test,
    proposed as "proposed: Json<Triage>",
    sealed_personal_data, data_key, revision, state, changed_at,
    confirmed as "confirmed: Json<Triage>",
    assignee, visible_to, lessons_learned, closed_at, duplicate_of, pilot, answer_due_at,
    care_recorded, declarant_link,
    resolution as "resolution: Json<Resolution>",
    sealed_how,
    report_revision,
    cause_reference, parent_case_id, town, structure_key,
    case_waits_for(case_id, state) as "waiting_for!",
    (
        select count(*) from case_file as child where child.parent_case_id = case_file.case_id
    ) as "children!"
from case_file
where case_id = any($1)
order by declared_at desc, case_id desc
