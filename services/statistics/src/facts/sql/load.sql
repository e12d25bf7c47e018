select
    report_id, known_from, declared_on, region, structure_kind,
    structure_id, report_kind, assistance_requested, case_revision, case_state,
    qualified, origin, origin_types, data_impacts, care_impact,
    patient_endangerment, serious, significant, major, withdrawn
from fact_version
where report_id = any($1) and known_from > '-infinity'
