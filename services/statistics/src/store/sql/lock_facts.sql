select
    report_id, month, region, structure_kind, structure_id, report_kind,
    assistance_requested, case_revision, case_state, qualified, origin,
    origin_types, data_impacts, care_impact, patient_endangerment, serious,
    significant, major, withdrawn
from fact
where report_id = any($1)
order by report_id
for update
